/** Puts a run of `spanfill tune` together: model, data and settings in, progress and a report out. */
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../../models/t5/config.ts";
import { readManifest, resolveModel } from "../../catalog/catalog.ts";
import { readJson } from "../../catalog/files.ts";
import { readTokenizer } from "../../engine/local.ts";
import { defaultThreads } from "../../engine/ort-runner.ts";
import { type Dataset, infillDataset, pairDataset } from "../../training/dataset.ts";
import { type TuneReport, type TuneSettings, tune } from "../../training/tune.ts";
import type { CommandResult, Work } from "../terminal.ts";
import { readDocuments, readPairs, type TuneTask } from "./data.ts";

/** What to tune on what. */
export interface TuneRequest {
  readonly task: TuneTask;
  /** File or folder. */
  readonly data: string;
  readonly out: string;
  /** The built-in model when absent. */
  readonly model?: string;
  readonly columns: Readonly<Record<string, string>>;
  /** Stands before every input; the model's own for the task when absent. */
  readonly prefix?: string;
  readonly maxTargetTokens: number;
  readonly validationShare: number;
  readonly threads?: number;
  /** config.json's when absent. */
  readonly dropoutRate?: number;
  readonly restart: boolean;
}

/** Runs it, telling each evaluation on stderr. @throws ModelError */
export async function runTune(
  request: TuneRequest,
  settings: Omit<TuneSettings, "threads" | "dropoutRate">,
  { signal, progress }: Work,
): Promise<CommandResult> {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const base = resolveModel(request.model);
  const tokenizer = await readTokenizer(base);
  const config = parseConfig(await readJson(join(base, "config.json"), "config"));
  const dropoutRate = request.dropoutRate ?? config.dropoutRate;
  const { task, columns, data } = request;
  const known: Readonly<Record<string, string | undefined>> = readManifest(base).prefixes;
  const prefix = request.prefix ?? known[task] ?? (task === "summarize" || task === "title" ? `${task}: ` : "");
  const options = { ...request, ...settings, prefix };
  const notes: string[] = [];
  let dataset: Dataset;
  if (task === "infill") dataset = infillDataset(tokenizer, await readDocuments(data, columns, signal), options);
  else {
    const { pairs, empty } = await readPairs(task, data, columns, signal);
    if (empty.length > 0)
      notes.push(`${empty.length} rows with an empty side, left out (${empty.slice(0, 5).join(", ")})`);
    dataset = pairDataset(tokenizer, pairs, options);
  }
  const say = (text: string) => process.stderr.write(`${process.stderr.isTTY ? "\r\u001b[K" : ""}${text}\n`);
  for (const note of [...notes, ...dataset.notes]) say(note);
  say(`${dataset.count} examples to learn from, ${dataset.validation.length} kept out.`);
  const report = await tune(
    {
      base,
      out: request.out,
      dataset,
      prefixes: task === "text" ? {} : { [task]: prefix },
      settings: { ...settings, threads: request.threads ?? defaultThreads(), dropoutRate },
      restart: request.restart,
    },
    {
      signal,
      onResume: (step) => say(`Going on after step ${step} of a run that was stopped.`),
      onStep: ({ step, steps, loss, tokensPerSecond }) =>
        progress(`Loss ${loss.toFixed(3)}, ${Math.round(tokensPerSecond)} tokens/s`, step, steps),
      onEvaluation: ({ step, loss, validation }, best) => {
        const training = loss === null ? "" : `training loss ${loss.toFixed(4)}, `;
        say(`Step ${step}: ${training}validation ${validation.toFixed(4)}${best && step > 0 ? " (best so far)" : ""}`);
      },
    },
  );
  return {
    text: summary(report, request.out),
    json: { out: request.out, ...report },
    ...(report.cancelled && {
      cancelled: `Stopped after step ${report.steps}, which is saved. Give the same command again to go on.`,
    }),
  };
}

function summary({ evaluations, best, steps, tokensPerSecond }: TuneReport, out: string): string {
  const before = evaluations[0]?.validation ?? Number.NaN;
  const change = 100 * (1 - best.validation / before);
  const kept =
    best.step === 0
      ? "No step did better than the model did before: its weights are kept. Try another --learning-rate, or more data."
      : `Validation loss ${before.toFixed(4)} before, ${best.validation.toFixed(4)} after step ${best.step} (${change.toFixed(1)}% less; perplexity ${Math.exp(before).toFixed(1)} -> ${Math.exp(best.validation).toFixed(1)}).`;
  return `${kept}\n${steps} steps, ${Math.round(tokensPerSecond)} tokens/s. The model is in ${out}.\n`;
}
