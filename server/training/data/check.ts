/** A report on data before a run: columns, lengths, a preview, and everything that would be cut or left out. */
import { defined } from "../../../base/defined.ts";
import type { DataCheck } from "../../../protocol/runs.ts";
import type { CheckRequest } from "../../../protocol/train-request.ts";
import { resolveModel } from "../../catalog/installed.ts";
import { percentile } from "../../metrics/metrics.ts";
import { usablePairs } from "./dataset.ts";
import { datasetOptions, encodeData, prefixed } from "./encode.ts";
import { readTrainingData } from "./read.ts";
import { findTask } from "./tasks.ts";

const PREVIEWED = 3;
const PREVIEW_CHARACTERS = 300;

/** Checks. @throws ModelError "input" naming file and row, as a run would */
export async function checkData(request: CheckRequest, signal: AbortSignal): Promise<DataCheck> {
  const base = resolveModel(request.base, { workingFolder: process.cwd() });
  const task = findTask(request.task, request.template);
  const { tokenizer, prefix } = await prefixed(base, task, request.prefix, 0);
  const limits = datasetOptions(base, task, request, prefix);
  const data = await readTrainingData(task, request, signal);
  const dataset = encodeData(task, tokenizer, data, limits);
  const pairs = [...data.pairs, ...data.apart];
  const { usable, inputTokens, targetTokens } = usablePairs(tokenizer, pairs, limits);
  const shown =
    usable.length > 0
      ? usable.map(({ pair, example }) => ({ place: `${pair.file}, row ${pair.row}`, example }))
      : dataset.examples(0).map((example) => ({ place: "a text", example }));
  const text = (ids: readonly number[]) => tokenizer.decode(ids, { keepSpecial: true }).slice(0, PREVIEW_CHARACTERS);
  const labels: Record<string, number> = {};
  for (const { pair } of usable) labels[pair.target] = (labels[pair.target] ?? 0) + 1;
  return {
    data: request.data,
    task: task.name,
    columns: data.columns,
    ...(data.available.length > 0 && { available: [...data.available] }),
    prefix,
    examples: dataset.count,
    validationExamples: dataset.validation.length,
    ...(usable.length > 0 && {
      inputTokens: lengths(inputTokens, limits.maxInputTokens),
      targetTokens: lengths(targetTokens, limits.maxTargetTokens),
    }),
    ...defined({ labels: task.metric === "labels" ? labels : undefined }),
    notes: [...data.notes, ...dataset.notes],
    preview: shown.slice(0, PREVIEWED).map(({ place, example: { input, target } }) => ({
      place,
      input: text(input),
      inputTokens: input.length,
      target: text(target),
      targetTokens: target.length,
    })),
  };
}

function lengths(counts: readonly number[], limit: number): NonNullable<DataCheck["inputTokens"]> {
  const sorted = Float64Array.from(counts).sort();
  const at = (share: number) => Math.round(percentile(sorted, share));
  return { least: at(0), median: at(0.5), long: at(0.95), most: at(1), limit };
}
