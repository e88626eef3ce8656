/**
 * The files that a run writes as it goes: the best weights in a folder that any reader loads, with their evaluation on
 * the task, and a description of the run.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { defined } from "../../../../base/defined.ts";
import { seededRandom, seededSample } from "../../../../models/random.ts";
import type { Evaluation } from "../../../../protocol/training.ts";
import { createLocalEngine } from "../../../engine/process/local.ts";
import { createFolder } from "../../../files/create-folder.ts";
import { copyRegularFile } from "../../../files/regular-file.ts";
import type { PreparedLearner } from "../../step/learner.ts";
import { type Judgment, judge } from "../judge.ts";
import type { TrainRun } from "../run.ts";
import type { Progress } from "../state.ts";
import { eventFile, type ScalarEvent } from "../tensorboard.ts";
import { modelCard } from "./model-card.ts";
import { writeAdapter, writeBytes, writeLearned, writeText, writeTrainedFolder } from "./trained-model.ts";

/** The judgment of a model on its task. */
type TaskEvaluation = Pick<Evaluation, "metrics" | "samples" | "confusion">;

/** The files of a run under way. */
export interface Result {
  /**
   * Writes the current weights, into the model's folder if they are the best so far, and lets the model do its task
   * with them.
   * @param better whether they are the best; the first ones always are
   */
  judge(better: boolean): Promise<TaskEvaluation>;
  /** Writes the model card and the curves, and at the end training.json. */
  describe(progress: Progress, done: boolean): Promise<void>;
}

/** Samples are cut to this length. */
const SAMPLE_CHARACTERS = 400;
const SAMPLES = 3;

/** Creates the writer of a run's files. @param state the folder of the run's state */
export function createResult(run: TrainRun, learner: PreparedLearner, state: string): Result {
  const { out, settings, task } = run;
  const { config } = learner;
  const judged = judgedExamples(run);
  const now = join(state, "now");

  /** Copies the other files of the model beside the current weights. */
  async function copyFiles(): Promise<void> {
    createFolder(now);
    for (const name of await readdir(out))
      if (/\.(json|model)$/.test(name)) await copyRegularFile(join(out, name), join(now, name));
  }

  return {
    async judge(better) {
      const folder = better ? out : now;
      if (better || judged.length > 0) await writeLearned(folder, run, learner);
      if (better) {
        await writeAdapter(out, run.base, learner);
        // config.json comes last: it makes the folder a model.
        await writeTrainedFolder(run, config);
      } else await copyFiles();
      if (judged.length === 0) return { metrics: {}, samples: [] };
      return judgeModel(folder, run, judged);
    },
    async describe(progress, done) {
      await writeText(join(out, "README.md"), modelCard(run, learner, progress, done));
      await writeBytes(
        join(out, "runs", "events.out.tfevents.0.spanfill"),
        eventFile(scalarEvents(progress), Date.now() / 1000),
      );
      if (done) {
        const { step, evaluations, curve, rateFactor, rollbacks } = progress;
        const { method } = run;
        const json = { task: task.name, settings, method, step, evaluations, curve, rateFactor, rollbacks };
        await writeText(join(out, "training.json"), `${JSON.stringify(json, null, 2)}\n`);
      }
    },
  };
}

/** Lets the model in a folder do its task on some examples. */
async function judgeModel(
  directory: string,
  { task, settings: { threads, seed } }: TrainRun,
  examples: TrainRun["dataset"]["judged"],
): Promise<TaskEvaluation> {
  const engine = createLocalEngine();
  try {
    const model = await engine.load({ directory, precision: "float32", threads });
    return taskEvaluation(examples, await judge(model, task.metric, examples, task.maxTargetTokens, seed));
  } finally {
    await engine.dispose();
  }
}

/** A judgment as an evaluation has it, with some samples. */
export function taskEvaluation(
  examples: TrainRun["dataset"]["judged"],
  { metrics, confusion, accepted, outputs }: Judgment,
): TaskEvaluation {
  const samples = examples.slice(0, SAMPLES).map(({ text }, i) => ({
    input: text.slice(0, SAMPLE_CHARACTERS),
    target: (accepted[i]?.[0] ?? "").slice(0, SAMPLE_CHARACTERS),
    output: (outputs[i] ?? "").slice(0, SAMPLE_CHARACTERS),
  }));
  return { metrics: { ...metrics }, samples, ...defined({ confusion }) };
}

/** The examples on which a run's model does its task. */
export function judgedExamples({ dataset, settings }: TrainRun): TrainRun["dataset"]["judged"] {
  return seededSample(dataset.judged, settings.judged, seededRandom(settings.seed));
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
