/**
 * A run of training from its request: finds the model, reads the data, decides what the request leaves open, trains.
 */
import { constants, freemem, setPriority } from "node:os";
import { basename, join, resolve } from "node:path";
import { defined } from "../../../base/defined.ts";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import type { Fit } from "../../../protocol/runs.ts";
import type { TrainRequest } from "../../../protocol/train-request.ts";
import type { TrainEvent } from "../../../protocol/training.ts";
import { DEFAULT_MODEL, resolveModel } from "../../catalog/installed.ts";
import { defaultThreads } from "../../engine/runtime/ort-runner.ts";
import { lockFolder } from "../../files/lock.ts";
import { readJson } from "../../files/whole-file.ts";
import { encodeData, prefixed } from "../data/encode.ts";
import { dataName, readTrainingData, type TrainingData } from "../data/read.ts";
import { findTask, type TrainTask } from "../data/tasks.ts";
import { advise, roughSeconds } from "./advisor.ts";
import { createControl } from "./control.ts";
import { STATE_FOLDER } from "./folder.ts";
import { REQUEST_FILE, readRequest } from "./request.ts";
import { freeDiskBytes, roomNeeded } from "./room.ts";
import type { TrainRun } from "./run.ts";
import { type TrainReport, train } from "./train.ts";
import { writeText } from "./trained-model.ts";

/** Learning rates that suit a method: Adafactor's is a share of each tensor's size. */
const RATES = {
  full: { adafactor: 1e-3, adamw: 5e-4 },
  lora: { adafactor: 1e-2, adamw: 1e-3 },
  prompt: { adafactor: 3e-2, adamw: 0.1 },
};

/** How a run is watched and steered. */
export interface Watch {
  /** Stops the run after the step under way; its state is saved. */
  readonly signal: AbortSignal;
  /** Takes orders from standard input where it is true, or from the file that it names. */
  readonly control?: boolean | string;
  readonly onEvent: (event: TrainEvent) => void;
}

/** The result of a run, and the folder that it made. */
export interface RunReport extends TrainReport {
  readonly out: string;
}

/**
 * Trains a model as a request asks, or goes on with the same run that was stopped.
 * @throws ModelError
 */
export async function runTraining(
  asked: TrainRequest,
  { signal, control: source, onEvent }: Watch,
): Promise<RunReport> {
  const place = await placeOf(asked);
  const { request, out } = place;
  const unlock = await lockFolder(out);
  try {
    const { run } = await prepareRun(place, signal);
    const control = await createControl(signal, source ?? false);
    try {
      const { whilePaused } = control;
      const onFolder = () => writeRequest(request, run);
      return { ...(await train(run, { signal: control.signal, whilePaused, onEvent, onFolder })), out };
    } finally {
      await control.close();
    }
  } finally {
    unlock();
  }
}

/**
 * The needs of a run, without beginning it.
 * @throws ModelError
 */
export async function trainingNeeds(asked: TrainRequest, signal: AbortSignal): Promise<Fit> {
  const { run, config, tokens } = await prepareRun(await placeOf(asked), signal);
  const { settings, method, dataset, reason, out } = run;
  const { threads, epochs, batchSize } = settings;
  const checkpointing = settings.checkpointing === true;
  const { memoryBytes, diskBytes } = roomNeeded(config, { ...settings, method });
  const steps = epochs * Math.ceil(dataset.count / batchSize);
  const [freeMemoryBytes, freeDisk] = [freemem(), await freeDiskBytes(out)];
  return {
    method: method.kind,
    reason,
    checkpointing,
    memoryBytes,
    freeMemoryBytes,
    diskBytes,
    freeDiskBytes: freeDisk,
    examples: dataset.count,
    steps,
    seconds: roughSeconds(config, { tokens, steps, threads, method, checkpointing }),
    fits: memoryBytes <= freeMemoryBytes && diskBytes <= freeDisk,
  };
}

/** A request with its model, task and folder. */
interface Place {
  readonly request: TrainRequest;
  readonly base: string;
  readonly task: TrainTask;
  readonly out: string;
}

async function placeOf(asked: TrainRequest): Promise<Place> {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const base = resolveModel(asked.base, { workingFolder: process.cwd() });
  const task = findTask(asked.task, asked.template);
  const out = resolve(asked.out ?? `${basename(base)}-${task.name}`);
  return { request: await asBegun(asked, out), base, task, out };
}

/**
 * The same command again goes on with the method that was chosen when it was begun, though other memory may be free by
 * now.
 */
async function asBegun(request: TrainRequest, out: string): Promise<TrainRequest> {
  if (request.method !== undefined || request.restart) return request;
  const begun = await readRequest(out).catch(() => undefined);
  if (begun?.method === undefined) return request;
  const { method, reason, checkpointing } = begun;
  return { ...request, method, ...defined({ reason, checkpointing: request.checkpointing ?? checkpointing }) };
}

/** A run that nothing has been done of. */
interface PreparedRun {
  readonly run: TrainRun;
  readonly config: T5Config;
  /** Source and target tokens of all epochs. */
  readonly tokens: number;
}

async function prepareRun({ request, base, task, out }: Place, signal: AbortSignal): Promise<PreparedRun> {
  const config = parseConfig(await readJson(join(base, "config.json"), "config"));
  const threads = request.threads ?? defaultThreads();
  const promptTokens = request.method === "prompt" ? request.promptTokens : 0;
  const { tokenizer, tokenizerJson, prefix, firstId } = await prefixed(base, task, request.prefix, promptTokens);
  const limits = {
    prefix,
    maxInputTokens: request.maxInputTokens,
    maxTargetTokens: request.maxTargetTokens ?? task.maxTargetTokens,
    validationShare: request.validationShare,
    seed: request.seed,
  };
  const data = await readTrainingData(task, request, signal);
  const dataset = encodeData(task, tokenizer, data, limits);
  const optimizerOf = (kind: keyof typeof RATES) => request.optimizer ?? (kind === "full" ? "adafactor" : "adamw");
  const tokens =
    request.epochs * dataset.examples(0).reduce((sum, { input, target }) => sum + input.length + target.length, 0);
  const { method, checkpointing, reason } = advise(config, {
    kind: request.method,
    checkpointing: request.checkpointing,
    methods: {
      full: { kind: "full", freezeEmbedding: request.freezeEmbedding },
      lora: {
        kind: "lora",
        targets: request.loraTargets,
        rank: request.loraRank,
        alpha: request.loraAlpha,
        dropoutRate: request.loraDropout,
      },
      prompt: { kind: "prompt", tokens: promptTokens, firstId },
    },
    size: {
      optimizer: optimizerOf(request.method ?? "full"),
      maxBatchTokens: request.maxBatchTokens,
      maxInputTokens: limits.maxInputTokens,
    },
    tokens,
    steps: request.epochs * Math.ceil(dataset.count / request.batchSize),
    threads,
    freeBytes: freemem(),
  });
  const optimizer = optimizerOf(method.kind);
  const run: TrainRun = {
    base,
    out,
    task: { name: task.name, metric: task.metric, maxTargetTokens: limits.maxTargetTokens },
    data: dataName(request.data),
    dataset,
    // An empty one too: it says what the model was taught.
    prefixes: { [task.name]: prefix },
    ...labelsOf(task, data),
    ...defined({ tokenizerJson }),
    method,
    reason: request.reason ?? reason,
    notes: data.notes,
    settings: {
      epochs: request.epochs,
      batchSize: request.batchSize,
      maxBatchTokens: request.maxBatchTokens,
      maxInputTokens: limits.maxInputTokens,
      optimizer,
      learningRate: request.learningRate ?? RATES[method.kind][optimizer],
      schedule: request.schedule,
      warmupSteps: request.warmup,
      weightDecay: request.weightDecay,
      clipNorm: request.clipNorm,
      evaluateEvery: request.evaluateEvery ?? 0,
      judged: request.judged,
      patience: request.patience,
      seed: request.seed,
      labelSmoothing: request.labelSmoothing,
      zLoss: request.zLoss,
      dropoutRate: request.dropout ?? config.dropoutRate,
      threads,
      checkpointing,
    },
    restart: request.restart,
  };
  return { run, config, tokens };
}

/** The labels of a classification's data; none where there are so many that choosing among them would take long. */
function labelsOf({ metric }: TrainTask, { pairs, apart }: TrainingData): Pick<TrainRun, "labels"> {
  if (metric !== "labels") return {};
  const labels = new Set([...pairs, ...apart].map(({ target }) => target));
  return labels.size > MOST_LABELS ? {} : { labels: [...labels].toSorted() };
}

const MOST_LABELS = 200;

/**
 * The folder of a base that was named as one; the id of any other, for an update of Spanfill moves the models that
 * ship.
 */
function lastingName(asked: string | undefined, base: string): string {
  return asked === undefined || resolve(asked) !== base ? (asked ?? DEFAULT_MODEL) : base;
}

/** Writes the request beside the first state, so that whatever can go on can do so by its folder alone. */
async function writeRequest(request: TrainRequest, { base, out, method, reason, settings }: TrainRun): Promise<void> {
  const whole = {
    ...request,
    data: request.data === "-" ? "-" : resolve(request.data),
    base: lastingName(request.base, base),
    out,
    restart: false,
    method: method.kind,
    reason,
    checkpointing: settings.checkpointing,
  };
  await writeText(join(out, STATE_FOLDER, REQUEST_FILE), `${JSON.stringify(whole, null, 2)}\n`);
}
