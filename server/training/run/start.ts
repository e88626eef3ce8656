/**
 * A run of training from its request: finds the model, reads the data, decides what the request leaves open, trains.
 */

import { constants, freemem, setPriority } from "node:os";
import { basename, resolve } from "node:path";
import { defined } from "../../../base/defined.ts";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { Method } from "../../../models/t5/lowering/trainable.ts";
import type { MetroTokens } from "../../../models/t5/metro/shapes.ts";
import type { Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import type { Fit } from "../../../protocol/runs.ts";
import type { TrainRequest } from "../../../protocol/train-request.ts";
import type { TrainEvent } from "../../../protocol/training.ts";
import { openModel } from "../../catalog/folder/open.ts";
import { resolveModel } from "../../catalog/installed.ts";
import { defaultThreads } from "../../engine/runtime/ort/runner.ts";
import { lockFolder } from "../../files/lock.ts";
import { datasetOptions, encodeData, prefixed } from "../data/encode.ts";
import { dataName, readTrainingData, type TrainingData } from "../data/read.ts";
import { findTask, type TrainTask } from "../data/tasks.ts";
import { scalingAdvice } from "../scale/result.ts";
import { type AdviceRequest, advise, roughSeconds } from "./advisor.ts";
import { createControl } from "./control.ts";
import { readRequest, writeRequest } from "./request.ts";
import { freeDiskBytes, roomNeeded } from "./room.ts";
import type { TrainRun, TrainSettings } from "./run.ts";
import { type TrainReport, train } from "./train.ts";

/** Default learning rates by method; Adafactor's is relative to each tensor's size. */
const RATES = {
  full: { adafactor: 1e-3, adamw: 5e-4 },
  lora: { adafactor: 1e-2, adamw: 1e-3 },
  bottleneck: { adafactor: 1e-2, adamw: 1e-3 },
  prompt: { adafactor: 3e-2, adamw: 0.1 },
};

/** How a run is watched and steered. */
export interface Watch {
  /** Stops the run after the current step; its state is saved. */
  readonly signal: AbortSignal;
  /** The source of orders: standard input if true, or the file with this path. */
  readonly control?: boolean | string;
  readonly onEvent: (event: TrainEvent) => void;
}

/** The result of a run and its folder. */
export interface RunReport extends TrainReport {
  readonly out: string;
}

/**
 * Trains a model as requested, or resumes the same run if it was stopped.
 * @throws ModelError
 */
export async function runTraining(
  requested: TrainRequest,
  { signal, control: source, onEvent }: Watch,
): Promise<RunReport> {
  const place = await placeOf(requested);
  const { request, out } = place;
  const lock = await lockFolder(out);
  try {
    const { run } = await prepareRun(place, signal);
    const control = await createControl(signal, source ?? false);
    try {
      const { whilePaused } = control;
      const onFolder = async () => {
        await lock.hold();
        await writeRequest(request, run);
      };
      const options = { signal: control.signal, whilePaused, onEvent, onFolder };
      if (request.on === undefined) return { ...(await train(run, options)), out };
      const [{ trainOn }, { placeOfRun }] = await Promise.all([
        import("../cluster/train-on.ts"),
        import("../cluster/places.ts"),
      ]);
      return { ...(await trainOn(run, placeOfRun(request, request.on, run), options)), out };
    } finally {
      await control.close();
    }
  } finally {
    lock.release();
  }
}

/**
 * The memory, space and time that a run would need.
 * @throws ModelError
 */
export async function trainingNeeds(requested: TrainRequest, signal: AbortSignal): Promise<Fit> {
  const { run, config, tokens } = await prepareRun(await placeOf(requested), signal);
  const { settings, method, dataset, reason, out } = run;
  const { threads, epochs, batchSize } = settings;
  const checkpointing = settings.checkpointing === true;
  const { memoryBytes, diskBytes } = roomNeeded(config, { ...settings, method, denoises: run.modes !== undefined });
  const steps = epochs * Math.ceil(dataset.count / batchSize);
  const [freeMemoryBytes, freeDisk] = [freemem(), await freeDiskBytes(out)];
  const enough = await scalingAdvice(requested.data);
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
    ...defined({ enough }),
  };
}

/** A request with its model, task and folder. */
interface Place {
  readonly request: TrainRequest;
  readonly base: string;
  readonly task: TrainTask;
  readonly out: string;
}

async function placeOf(requested: TrainRequest): Promise<Place> {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const base = resolveModel(requested.base, { workingFolder: process.cwd() });
  const task = findTask(requested.task, requested.template);
  const out = resolve(requested.out ?? `${basename(base)}-${task.name}`);
  return { request: await asBegun(requested, out), base, task, out };
}

/**
 * The request with the method that was chosen when the run began: a repeated command resumes with it even if a
 * different amount of memory is free now.
 */
async function asBegun(request: TrainRequest, out: string): Promise<TrainRequest> {
  if (request.method !== undefined || request.restart) return request;
  const begun = await readRequest(out).catch(() => undefined);
  if (begun?.method === undefined) return request;
  const { method, reason, checkpointing } = begun;
  return { ...request, method, ...defined({ reason, checkpointing: request.checkpointing ?? checkpointing }) };
}

/** A run that is ready to begin. */
interface PreparedRun {
  readonly run: TrainRun;
  readonly config: T5Config;
  /** Source and target tokens of all epochs. */
  readonly tokens: number;
}

async function prepareRun({ request, base, task, out }: Place, signal: AbortSignal): Promise<PreparedRun> {
  const { config } = await openModel(base, "float");
  if (request.objective === "metro" && (request.method ?? "full") !== "full")
    throw new ModelError("input", `--objective metro trains every weight: leave --method ${request.method} out.`);
  const promptTokens = request.method === "prompt" ? request.promptTokens : 0;
  const { tokenizer, tokenizerJson, prefix, firstId } = await prefixed(base, task, request.prefix, promptTokens);
  const limits = datasetOptions(base, task, request, prefix);
  const data = await readTrainingData(task, request, signal);
  const dataset = encodeData(task, tokenizer, data, limits);
  const tokens =
    request.epochs * dataset.examples(0).reduce((sum, { input, target }) => sum + input.length + target.length, 0);
  // Denoisers' targets are as long as a window's half, those that are judged are of short gaps.
  const maxTargetTokens =
    limits.modes === undefined
      ? limits.maxTargetTokens
      : Math.max(...dataset.judged.map(({ example: { target } }) => target.length));
  const threads = request.threads ?? defaultThreads();
  const { method, checkpointing, reason } = advise(config, {
    kind: limits.whole === true ? "full" : (request.method ?? (request.on === undefined ? undefined : "full")),
    checkpointing: request.checkpointing,
    methods: methodsOf(request, { tokens: promptTokens, firstId }, limits.whole ? metroTokens(tokenizer) : undefined),
    size: {
      optimizer: optimizerOf(request, request.method ?? "full"),
      maxBatchTokens: request.maxBatchTokens,
      maxInputTokens: request.maxInputTokens,
      denoises: limits.modes !== undefined || limits.whole === true,
    },
    tokens,
    steps: request.epochs * Math.ceil(dataset.count / request.batchSize),
    threads,
    // The workers' memory is not known here.
    freeBytes: request.on === undefined ? freemem() : Number.MAX_SAFE_INTEGER,
  });
  const run: TrainRun = {
    base,
    out,
    task: { name: task.name, metric: task.metric, maxTargetTokens },
    data: dataName(request.data),
    dataset,
    // An empty prefix is recorded too: it says what the model was trained with. METRO teaches no task.
    prefixes: limits.whole === true ? {} : { [task.name]: prefix },
    ...labelsOf(task, data),
    ...defined({ modes: limits.modes, tokenizerJson }),
    method,
    reason: request.reason ?? (request.on === undefined ? reason : reasonOn(request.on, method.kind)),
    notes: data.notes,
    settings: settingsOf(request, method.kind, {
      dropoutRate: request.dropout ?? config.dropoutRate,
      threads,
      checkpointing,
    }),
    restart: request.restart,
  };
  return { run, config, tokens };
}

/** Why a method, where other processes train: they are for what is too large for this machine. */
function reasonOn(on: string, kind: Method["kind"]): string {
  return `${kind === "full" ? "Every weight learns" : `${kind} learns`}, on ${on}.`;
}

/** A sentinel stands in masked places. @throws ModelError "input" when the vocabulary has none */
function metroTokens({ sentinelIds, eosId, unkId }: Tokenizer): MetroTokens {
  const [mask] = sentinelIds;
  if (mask === undefined) throw new ModelError("input", "The model's vocabulary has no sentinels to mask words with.");
  return { mask, special: [0, eosId, unkId, ...sentinelIds] };
}

/** Each kind of method with the request's options. */
function methodsOf(
  { freezeEmbedding, loraTargets, loraRank, loraAlpha, loraDropout, ...rest }: TrainRequest,
  prompt: { readonly tokens: number; readonly firstId: number },
  metro: MetroTokens | undefined,
): AdviceRequest["methods"] {
  return {
    full: { kind: "full", freezeEmbedding, ...defined({ metro }) },
    lora: { kind: "lora", targets: loraTargets, rank: loraRank, alpha: loraAlpha, dropoutRate: loraDropout },
    bottleneck: {
      kind: "bottleneck",
      layout: rest.bottleneckLayout,
      width: rest.bottleneckSize,
      scale: rest.bottleneckScale ?? (rest.bottleneckLayout === "parallel" ? 4 : 1),
    },
    prompt: { kind: "prompt", ...prompt },
  };
}

function optimizerOf({ optimizer }: TrainRequest, method: Method["kind"]): TrainSettings["optimizer"] {
  return optimizer ?? (method === "full" ? "adafactor" : "adamw");
}

/** The settings of a run: the request's, with what it leaves open decided by the method. */
function settingsOf(
  request: TrainRequest,
  method: Method["kind"],
  decided: Pick<TrainSettings, "dropoutRate" | "threads" | "checkpointing">,
): TrainSettings {
  const optimizer = optimizerOf(request, method);
  return {
    epochs: request.epochs,
    batchSize: request.batchSize,
    maxBatchTokens: request.maxBatchTokens,
    maxInputTokens: request.maxInputTokens,
    optimizer,
    learningRate: request.learningRate ?? RATES[method][optimizer],
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
    ...decided,
  };
}

/** The labels of classification data; none if there are so many that choosing among them would take long. */
function labelsOf({ metric }: TrainTask, { pairs, apart }: TrainingData): Pick<TrainRun, "labels"> {
  if (metric !== "labels") return {};
  const labels = new Set([...pairs, ...apart].map(({ target }) => target));
  return labels.size > MOST_LABELS ? {} : { labels: [...labels].toSorted() };
}

const MOST_LABELS = 200;
