/** Puts a run of `spanfill train` together: model, data and settings in, events and a report out. */
import { constants, freemem, setPriority } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseConfig } from "../../../models/t5/config.ts";
import type { TrainEvent } from "../../../protocol/training.ts";
import { resolveModel } from "../../catalog/catalog.ts";
import { readJson } from "../../catalog/files.ts";
import { defaultThreads } from "../../engine/ort-runner.ts";
import { advise } from "../../training/advisor.ts";
import { STATE_FOLDER } from "../../training/folder.ts";
import { findTask } from "../../training/tasks.ts";
import { train } from "../../training/train.ts";
import { writeText } from "../../training/trained-model.ts";
import type { CommandResult, Work } from "../terminal.ts";
import { createControl } from "./control.ts";
import { dataName, readTrainingData } from "./data.ts";
import { REQUEST_FILE, type TrainRequest } from "./options.ts";
import { encodeData, prefixed } from "./prepare.ts";
import { summary, teller } from "./tell.ts";

/** Learning rates that suit a method: Adafactor's is a share of each tensor's size. */
const RATES = {
  full: { adafactor: 1e-3, adamw: 5e-4 },
  lora: { adafactor: 1e-2, adamw: 1e-3 },
  prompt: { adafactor: 3e-2, adamw: 0.1 },
};

/** Runs it. @throws ModelError */
export async function runTrain(
  request: TrainRequest,
  { json, control: listens }: { readonly json: boolean; readonly control: boolean },
  { signal, progress }: Work,
): Promise<CommandResult> {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const base = resolveModel(request.base);
  const task = findTask(request.task, request.template);
  const config = parseConfig(await readJson(join(base, "config.json"), "config"));
  const out = resolve(request.out ?? `${basename(base)}-${task.name}`);
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
    tokens:
      request.epochs * dataset.examples(0).reduce((sum, { input, target }) => sum + input.length + target.length, 0),
    threads,
    freeBytes: freemem(),
  });
  const optimizer = optimizerOf(method.kind);
  const tell = teller(json, progress);
  const control = createControl(signal, listens);
  let done: TrainEvent | undefined;
  try {
    const report = await train(
      {
        base,
        out,
        task: { name: task.name, metric: task.metric, maxTargetTokens: limits.maxTargetTokens },
        data: dataName(request.data),
        dataset,
        prefixes: prefix === "" ? {} : { [task.name]: prefix },
        ...(tokenizerJson === undefined ? {} : { tokenizerJson }),
        method,
        reason,
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
      },
      {
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
            base,
            out,
            restart: false,
            method: method.kind,
            checkpointing,
          };
          await writeText(join(out, STATE_FOLDER, REQUEST_FILE), `${JSON.stringify(whole, null, 2)}\n`);
        },
      },
    );
    return {
      text: summary(report, out),
      json: done ?? {},
      ...(report.cancelled && {
        cancelled: `Paused after step ${report.steps}, which is saved. Go on with: spanfill train --resume ${request.out ?? basename(out)}`,
      }),
    };
  } finally {
    control.close();
  }
}
