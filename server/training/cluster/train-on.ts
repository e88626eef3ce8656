/** A run whose steps are computed by other processes: prepared here, followed as it goes, and completed here. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { checkTensors, tensorShapes } from "../../../models/t5/weights.ts";
import { EMPTY_STORY, fold, type RunStory } from "../../../protocol/run-story.ts";
import type { Evaluation, TrainEvent } from "../../../protocol/training.ts";
import { openSafetensors, readTensor } from "../../catalog/folder/checkpoint.ts";
import { readTokenizer } from "../../catalog/folder/tokenizer.ts";
import { placesOf } from "../../catalog/store.ts";
import type { WorkerFile, Workers } from "../../cluster/workers.ts";
import { isOwnFolder } from "../../files/removal.ts";
import { keyOf, STATE_FOLDER, takeFolder } from "../run/folder.ts";
import { judgeWritten } from "../run/judge.ts";
import { planOf } from "../run/plan.ts";
import { createResult, judgedExamples, taskEvaluation } from "../run/results/result.ts";
import { writeAdapter, writeTrainedFolder } from "../run/results/trained-model.ts";
import { bestOf, type TrainRun } from "../run/run.ts";
import { type Progress, ROLLBACK_FACTOR, removeState } from "../run/state.ts";
import type { TrainOptions, TrainReport } from "../run/train.ts";
import { type PreparedLearner, prepareLearner, readWeights } from "../step/learner.ts";
import { type JobFiles, type JobOptions, writeJob } from "./job-files.ts";
import { JOB_FOLDER } from "./other-trainer.ts";
import { readStory, writeStory } from "./story.ts";
import { checkSupported } from "./supported.ts";
import { parseWorkerEvent, type WorkerEvent } from "./worker-events.ts";

/** How a run's workers are made ready. */
export interface Place extends Pick<JobOptions, "arithmetic" | "saveEvery"> {
  /**
   * Returns the workers of a job.
   * @param state the folder of the run's state
   * @param job the job's folder
   * @param files those in it
   */
  readonly open: (state: string, job: string, files: JobFiles) => Promise<Workers>;
}

/**
 * Trains as `train` does, but that other processes compute.
 * @throws ModelError "input" for what they do not know, or when the folder is taken; "process" and "network" when they
 *   fail; and what loading the base throws
 */
export async function trainOn(run: TrainRun, place: Place, options: TrainOptions): Promise<TrainReport> {
  const { onEvent: tell = () => undefined } = options;
  const state = join(run.out, STATE_FOLDER);
  const { config, weights } = await readWeights(run.base);
  checkSupported(run, config);
  await checkMade(state);
  await takeFolder(run, state, true);
  await options.onFolder?.();
  const learner = prepareLearner(config, weights, run.method, run.settings.seed);
  const key = keyOf(run, config, weights);
  const job = join(state, JOB_FOLDER);
  const files = await writeJob(job, run, learner, { ...place, key, judged: judgedExamples(run) });
  const workers = await place.open(state, job, files);
  const following = new Following(run, await readStory(state, key), tell, (story) => writeStory(state, key, story));
  tell(planOf(run, config, [workers.leaves, ...run.notes, ...run.dataset.notes]));
  const done = await runWorkers(workers, following, options);
  if (done === undefined) return { cancelled: true, ...reportOf(following.story, 0) };
  await complete(run, learner, workers, done.files);
  const report = reportOf(following.story, done.tokensPerSecond);
  await createResult(run, learner, state).describe(progressOf(following.story, done.steps), true);
  await workers.remove();
  await removeState(state);
  tell({ type: "done", out: run.out, ...report, evaluations: [...report.evaluations] });
  return { cancelled: false, ...report };
}

/** Refuses a state that came from elsewhere: its request could name any program and any cluster. */
async function checkMade(state: string): Promise<void> {
  if (!existsSync(state) || (await isOwnFolder(state, placesOf().own))) return;
  throw new ModelError(
    "input",
    `${state} was not made by a run on this machine, and what it says may start programs or send data. Begin a new run.`,
  );
}

type Done = Extract<WorkerEvent, { type: "done" }>;

/**
 * Lets workers work until they are done. A pause ends them, and frees their place.
 * @returns undefined when they were stopped
 */
async function runWorkers(
  workers: Workers,
  following: Following,
  { signal, whilePaused, onEvent: tell = () => undefined }: TrainOptions,
): Promise<Done | undefined> {
  for (;;) {
    const stop = new AbortController();
    const look = () => {
      if (signal?.aborted || whilePaused?.()?.brief === false) stop.abort();
    };
    const looking = setInterval(look, LOOK_MS);
    try {
      if (!signal?.aborted) await workers.run((event) => following.hear(event), stop.signal);
    } finally {
      clearInterval(looking);
      await following.settled();
    }
    if (following.done !== undefined) return following.done;
    if (signal?.aborted) return undefined;
    const pause = whilePaused?.();
    if (pause === undefined || pause.brief) {
      if (stop.signal.aborted) continue; // it went on before they had ended
      throw new ModelError("process", "The processes that train ended before they were done. Resume the run.");
    }
    tell({ type: "paused", step: following.story.step });
    await pause.until;
    if (signal?.aborted) return undefined;
    tell({ type: "continued", step: following.story.step });
  }
}

const LOOK_MS = 200;

/** Turns the workers' events into the run's, one after the other. */
class Following {
  story: RunStory;
  done: Done | undefined;
  private readonly run: TrainRun;
  private readonly tell: (event: TrainEvent) => void;
  private readonly save: (story: RunStory) => Promise<void>;
  private last: Promise<void> = Promise.resolve();
  private failure: unknown;

  constructor(
    run: TrainRun,
    story: RunStory | undefined,
    tell: (event: TrainEvent) => void,
    save: (story: RunStory) => Promise<void>,
  ) {
    this.run = run;
    this.story = story ?? EMPTY_STORY;
    this.tell = tell;
    this.save = save;
  }

  hear(said: unknown): void {
    const event = parseWorkerEvent(said);
    if (event === undefined) return;
    this.last = this.last
      .then(() => this.take(event))
      .catch((error: unknown) => {
        this.failure ??= error;
      });
  }

  /** Waits for what was heard. @throws the first failure */
  async settled(): Promise<void> {
    await this.last;
    if (this.failure !== undefined) throw this.failure;
  }

  private async take(event: WorkerEvent): Promise<void> {
    switch (event.type) {
      case "done":
        this.done = event;
        return;
      case "stopped":
        return this.save(this.story);
      case "resumed": {
        this.report({ type: "resumed", step: event.step });
        const known = new Set(this.story.evaluations.map(({ step }) => step));
        // Those that were made when nobody followed.
        for (const [step, validation] of event.validations)
          if (!known.has(step)) this.fold({ ...UNJUDGED, type: "evaluation", step, validation, best: false });
        return;
      }
      case "evaluation": {
        const { outputs, ...evaluation } = event;
        this.report({ ...evaluation, ...(await this.judge(outputs)) });
        return this.save(this.story);
      }
      case "saved":
        this.report(event);
        return this.save(this.story);
      default:
        this.report(event);
    }
  }

  private report(event: TrainEvent): void {
    this.fold(event);
    this.tell(event);
  }

  private fold(event: TrainEvent): void {
    this.story = fold(this.story, event);
  }

  private async judge(outputs: readonly (readonly number[])[]): Promise<Pick<Evaluation, "metrics" | "samples">> {
    const { run } = this;
    const examples = judgedExamples(run);
    if (examples.length === 0 || outputs.length === 0) return { metrics: {}, samples: [] };
    const tokenizer = await readTokenizer(run.base);
    const written = outputs.map((ids) => ({ ids, text: tokenizer.decode(ids) }));
    return taskEvaluation(
      examples,
      await judgeWritten(tokenizer, run.task.metric, examples, written, run.settings.seed),
    );
  }
}

const UNJUDGED = { loss: null, metrics: {}, samples: [] };

/** Brings the model here, checks it, and writes what its folder holds beside the weights. */
async function complete(run: TrainRun, learner: PreparedLearner, workers: Workers, files: readonly WorkerFile[]) {
  const { out } = run;
  const { config, method, memory } = learner;
  const weights = files.find(({ path }) => path === "model/model.safetensors");
  const learned = files.find(({ path }) => path === "learned.safetensors");
  if (weights === undefined || (method.kind === "lora" && learned === undefined))
    throw new ModelError("process", "The workers ended without weights. Resume the run to write them again.");
  await workers.fetch(weights, join(out, "model.safetensors"));
  checkTensors(config, (await openSafetensors(join(out, "model.safetensors"))).tensors, tensorShapes(config));
  if (learned !== undefined) {
    const file = join(out, STATE_FOLDER, "learned.safetensors");
    await workers.fetch(learned, file);
    const { tensors } = await openSafetensors(file);
    for (const [name, values] of memory.tensors) {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new ModelError("checkpoint", `${file} lacks ${name}. Resume the run.`);
      values.set(await readTensor(name, tensor));
    }
  }
  await writeAdapter(out, run.base, learner);
  await writeTrainedFolder(run, config);
}

function reportOf({ evaluations, step }: RunStory, tokensPerSecond: number): Omit<TrainReport, "cancelled"> {
  // A run that was stopped before its first evaluation has nothing to report.
  const best = evaluations.length === 0 ? { ...UNJUDGED, step: 0, validation: Number.NaN } : bestOf(evaluations);
  return { steps: step, evaluations, best, tokensPerSecond };
}

function progressOf({ evaluations, curve, incidents }: RunStory, step: number): Progress {
  const rollbacks = incidents.filter(({ kind }) => kind === "rollback").length;
  return { step, lossSum: 0, lossCount: 0, evaluations, curve, rateFactor: ROLLBACK_FACTOR ** rollbacks, rollbacks };
}
