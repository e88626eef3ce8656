/** Puts a run of `spanfill train` together: model, data and settings in, events and a report out. */
import { constants, freemem, setPriority } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import type { Fit } from "../../../protocol/runs.ts";
import type { TrainEvent } from "../../../protocol/training.ts";
import { DEFAULT_MODEL, resolveModel } from "../../catalog/installed.ts";
import { defaultThreads } from "../../engine/runtime/ort-runner.ts";
import { lockFolder } from "../../files/lock.ts";
import { readJson } from "../../files/whole-file.ts";
import type { CommandResult, Work } from "../../work.ts";
import { encodeData, prefixed } from "../data/encode.ts";
import { dataName, readTrainingData, type TrainingData } from "../data/read.ts";
import { findTask, type TrainTask } from "../data/tasks.ts";
import { advise, roughSeconds } from "./advisor.ts";
import { createControl } from "./control.ts";
import { STATE_FOLDER } from "./folder.ts";
import { REQUEST_FILE, readRequest, type TrainRequest } from "./request.ts";
import { freeDiskBytes, roomNeeded } from "./room.ts";
import type { TrainRun } from "./run.ts";
import { needsInWords, summary, teller } from "./tell.ts";
import { train } from "./train.ts";
import { writeText } from "./trained-model.ts";

/** Learning rates that suit a method: Adafactor's is a share of each tensor's size. */
const RATES = {
  full: { adafactor: 1e-3, adamw: 5e-4 },
  lora: { adafactor: 1e-2, adamw: 1e-3 },
  prompt: { adafactor: 3e-2, adamw: 0.1 },
};

/** How a run is watched. */
interface Told {
  readonly json: boolean;
  /** Standard input, a file, or neither. */
  readonly control: boolean | string;
  /** Whether to say what the run would need, and no more. */
  readonly dryRun?: boolean;
}

/** Runs it. @throws ModelError */
export async function runTrain(asked: TrainRequest, told: Told, work: Work): Promise<CommandResult> {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const base = resolveModel(asked.base, { workingFolder: process.cwd() });
  const task = findTask(asked.task, asked.template);
  const out = resolve(asked.out ?? `${basename(base)}-${task.name}`);
  const request = await asBegun(asked, out);
  if (told.dryRun) return needsOf(await prepareRun(request, base, task, out, work.signal));
  const unlock = await lockFolder(out);
  try {
    const prepared = await prepareRun(request, base, task, out, work.signal);
    return await followRun(request, prepared.run, told, work);
  } finally {
    unlock();
  }
}

/** The same command again goes on with the method that was chosen when it was begun, though other memory may be free by now. */
async function asBegun(request: TrainRequest, out: string): Promise<TrainRequest> {
  if (request.method !== undefined || request.restart) return request;
  const begun = await readRequest(out).catch(() => undefined);
  if (begun?.method === undefined) return request;
  const { method, reason, checkpointing } = begun;
  return {
    ...request,
    method,
    ...(reason === undefined ? {} : { reason }),
    ...(checkpointing === undefined || request.checkpointing !== undefined ? {} : { checkpointing }),
  };
}

/** A run that nothing has been done of. */
interface PreparedRun {
  readonly run: TrainRun;
  readonly config: T5Config;
  /** Source and target tokens of all epochs. */
  readonly tokens: number;
}

async function prepareRun(
  request: TrainRequest,
  base: string,
  task: TrainTask,
  out: string,
  signal: AbortSignal,
): Promise<PreparedRun> {
  const config = parseConfig(await readJson(join(base, "config.json"), "config"));
  const threads = request.threads ?? defaultThreads();
  const promptTokens = request.method === "prompt" ? request.promptTokens : 0;
  const { tokenizer, tokenizerJson, prefix, firstId } = await prefixed(base, task, request.prefix, promptTokens);
  const limits = {
    prefix,
    maxInputTokens: request.maxInputTokens ?? task.maxInputTokens,
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
    ...(tokenizerJson === undefined ? {} : { tokenizerJson }),
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

/** What a run would need. */
async function needsOf({ run, config, tokens }: PreparedRun): Promise<CommandResult> {
  const { settings, method, dataset, out, reason } = run;
  const { checkpointing, threads, epochs, batchSize } = settings;
  const { memoryBytes, diskBytes } = roomNeeded(config, { ...settings, method });
  const steps = epochs * Math.ceil(dataset.count / batchSize);
  const [freeMemoryBytes, freeDisk] = [freemem(), await freeDiskBytes(out)];
  const needs: Fit = {
    method: method.kind,
    reason,
    checkpointing: checkpointing === true,
    memoryBytes,
    freeMemoryBytes,
    diskBytes,
    freeDiskBytes: freeDisk,
    examples: dataset.count,
    steps,
    seconds: roughSeconds(config, { tokens, steps, threads, method, checkpointing: checkpointing === true }),
    fits: memoryBytes <= freeMemoryBytes && diskBytes <= freeDisk,
  };
  return { text: needsInWords(needs), json: needs };
}

/** The folder of a base that was named as one; the id of any other, for an update of Spanfill moves the models that ship. */
function lastingName(asked: string | undefined, base: string): string {
  return asked === undefined || resolve(asked) !== base ? (asked ?? DEFAULT_MODEL) : base;
}

/** Does it, and tells. */
async function followRun(
  request: TrainRequest,
  run: TrainRun,
  told: Told,
  { signal, progress }: Work,
): Promise<CommandResult> {
  const { base, out, method, settings } = run;
  const tell = teller(told.json, progress);
  const control = await createControl(signal, told.control);
  let done: TrainEvent | undefined;
  try {
    const report = await train(run, {
      signal: control.signal,
      whilePaused: control.whilePaused,
      onEvent(event) {
        if (event.type === "done") done = event;
        else tell(event);
      },
      // Beside the first state, so that whatever can go on can do so by its folder alone.
      async onFolder() {
        const whole = {
          ...request,
          data: request.data === "-" ? "-" : resolve(request.data),
          base: lastingName(request.base, base),
          out,
          restart: false,
          method: method.kind,
          reason: run.reason,
          checkpointing: settings.checkpointing,
        };
        await writeText(join(out, STATE_FOLDER, REQUEST_FILE), `${JSON.stringify(whole, null, 2)}\n`);
      },
    });
    return {
      text: summary(report, out),
      json: done ?? {},
      ...(report.cancelled && {
        cancelled: `Paused after step ${report.steps}, which is saved. Go on with: spanfill train --resume ${request.out ?? basename(out)}`,
      }),
    };
  } finally {
    await control.close();
  }
}
