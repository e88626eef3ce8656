/**
 * What a run leaves behind as it goes: the best weights in a folder that any reader loads, judged on the task, and an
 * account of it.
 */
import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { defined } from "../../../base/defined.ts";
import { seededRandom, seededSample } from "../../../models/random.ts";
import type { Evaluation } from "../../../protocol/training.ts";
import { createLocalEngine } from "../../engine/process/local.ts";
import type { PreparedLearner } from "../step/learner.ts";
import { judge } from "./judge.ts";
import { modelCard } from "./model-card.ts";
import type { TrainRun } from "./run.ts";
import type { Progress } from "./state.ts";
import { eventFile, type ScalarEvent } from "./tensorboard.ts";
import { writeAdapter, writeBytes, writeText, writeTrainedFolder, writeTrainedWeights } from "./trained-model.ts";

/** The result of a run under way. */
export interface Result {
  /**
   * Writes the weights as they are now, where they belong if they are the best so far, and lets the model do its task
   * with them.
   * @param better whether they are the best; the first ones always are
   */
  judge(better: boolean): Promise<Pick<Evaluation, "metrics" | "samples" | "confusion">>;
  /** Writes the model card and the curves, and at the end training.json. */
  describe(progress: Progress, done: boolean): Promise<void>;
}

/** Longer texts are cut in samples. */
const SAMPLE_CHARACTERS = 400;
const SAMPLES = 3;

/** Returns the result of a run. @param state the run's own folder */
export function createResult(run: TrainRun, learner: PreparedLearner, state: string): Result {
  const { out, settings, task } = run;
  const { config } = learner;
  const judged = seededSample(run.dataset.judged, settings.judged, seededRandom(settings.seed));
  const now = join(state, "now");

  /** The rest of the folder is the same for all weights. */
  async function beside(): Promise<void> {
    await mkdir(now, { recursive: true });
    for (const name of await readdir(out))
      if (/\.(json|model)$/.test(name)) await copyFile(join(out, name), join(now, name));
  }

  return {
    async judge(better) {
      const folder = better ? out : now;
      if (better || judged.length > 0) await writeTrainedWeights(folder, config, learner.merged());
      if (better) {
        await writeAdapter(out, run.base, learner);
        // config.json comes last: it makes the folder a model.
        await writeTrainedFolder(run, config);
      } else await beside();
      if (judged.length === 0) return { metrics: {}, samples: [] };
      const engine = createLocalEngine();
      try {
        const model = await engine.load({ directory: folder, precision: "float32", threads: settings.threads });
        const made = await judge(model, task.metric, judged, task.maxTargetTokens, settings.seed);
        const samples = judged.slice(0, SAMPLES).map(({ text }, i) => ({
          input: text.slice(0, SAMPLE_CHARACTERS),
          target: (made.accepted[i]?.[0] ?? "").slice(0, SAMPLE_CHARACTERS),
          output: (made.outputs[i] ?? "").slice(0, SAMPLE_CHARACTERS),
        }));
        const { metrics, confusion } = made;
        return { metrics: { ...metrics }, samples, ...defined({ confusion }) };
      } finally {
        await engine.dispose();
      }
    },
    async describe(progress, done) {
      await writeText(join(out, "README.md"), modelCard(run, learner, progress, done));
      await writeBytes(
        join(out, "runs", "events.out.tfevents.0.spanfill"),
        eventFile(scalarEvents(progress), Date.now() / 1000),
      );
      if (done) {
        const { rateFactor, rollbacks, evaluations: made, curve: points, step } = progress;
        const json = {
          task: task.name,
          settings,
          method: run.method,
          step,
          evaluations: made,
          curve: points,
          rateFactor,
          rollbacks,
        };
        await writeText(join(out, "training.json"), `${JSON.stringify(json, null, 2)}\n`);
      }
    },
  };
}

/** A run's training and validation curves, in the order of their steps. */
function scalarEvents(progress: Progress): ScalarEvent[] {
  const curve = progress.curve.map(({ step, ...scalars }) => ({
    step,
    scalars: Object.fromEntries(Object.entries(scalars).map(([name, value]) => [`train/${name}`, value])),
  }));
  const evaluations = progress.evaluations.map(({ step, validation, metrics }) => {
    const means = Object.entries(metrics).flatMap(([name, interval]) =>
      interval === null ? [] : [[`validation/${name}`, interval.mean] as const],
    );
    return { step, scalars: { "validation/loss": validation, ...Object.fromEntries(means) } };
  });
  return [...curve, ...evaluations].sort((a, b) => a.step - b.step);
}
