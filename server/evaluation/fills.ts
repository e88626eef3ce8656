/** Evaluation of fills: cuts gaps into texts, has the model and n-grams fill them, and scores what was cut out. */
import { defined } from "../../base/defined.ts";
import { ModelError } from "../../models/errors.ts";
import type { NgramModel } from "../../models/words/ngram.ts";
import type { LoadedModel } from "../engine/engine.ts";
import { gapPrefix, modeOfGap } from "../features/write/denoiser-mode.ts";
import { infill } from "../features/write/infill.ts";
import type { FillCandidate } from "../features/write/infill-candidates.ts";
import type { InfillParams } from "../features/write/infill-run.ts";
import { bareFill, evaluateFills, type FillOutputs } from "../metrics/evaluate.ts";
import { cutGaps, type Gap } from "../metrics/gaps.ts";
import type { Row } from "../training/data/tables/rows.ts";
import { predicted, type TaskContext, type TaskResult } from "./evaluated-task.ts";

/** A gap and the row it was cut from. */
export type RowGap = Gap & { readonly row: number; readonly source: string };

/** Evaluates fills of the gaps that a seed cuts into each text, compared with n-grams if their counts are given. */
export async function fillTask(
  rows: readonly Row<"infill">[],
  { pool, signal, progress, seed }: TaskContext,
  { alternatives, ngrams }: { readonly alternatives: number; readonly ngrams: NgramModel | undefined },
): Promise<TaskResult> {
  const gaps = rows.flatMap((row) => gapsOf(row, seed));
  if (gaps.length === 0) {
    throw new ModelError(
      "input",
      "No text has a paragraph of prose to cut a gap into. Give texts with paragraphs of 80 characters or more.",
    );
  }
  const helped = pool.info.decoding?.fill?.ngrams !== undefined;
  const fillWithoutNgrams = async (model: LoadedModel, gap: Gap): Promise<string[]> =>
    distinct([
      ...(await fillGap(model, gap, 1, signal, { ngrams: 0 })),
      ...(alternatives > 1 ? await fillGap(model, gap, alternatives, signal, { ngrams: 0 }) : []),
    ]);
  const outcomes = await pool.map(
    gaps,
    async (model, gap) => ({
      greedy: await fillGap(model, gap, 1, signal),
      beams: isWord(gap) && alternatives > 1 ? await fillGap(model, gap, alternatives, signal) : [],
      withoutNgrams: isWord(gap) && helped ? await fillWithoutNgrams(model, gap) : undefined,
      likelihood: await trueFill(model, gap, signal),
      withoutAfter: await trueFill(model, { ...gap, after: "" }, signal),
    }),
    { signal, onDone: (done) => progress("Filling gaps", done, gaps.length) },
  );
  progress("Comparing", gaps.length, gaps.length);
  // The fill that users get comes first, then the best alternatives.
  const fills = outcomes.map(({ greedy, beams }) => distinct([...greedy.slice(0, 1), ...beams]));
  const outputs: FillOutputs[] = [
    { name: "model", fills, logProbs: outcomes.map(({ likelihood }) => likelihood) },
    ...(helped ? [{ name: "model without n-grams", fills: outcomes.map(({ withoutNgrams }) => withoutNgrams) }] : []),
    { name: "model, only the text before", logProbs: outcomes.map(({ withoutAfter }) => withoutAfter) },
  ];
  if (ngrams !== undefined) outputs.push(...ngramOutputs(ngrams, gaps, alternatives));
  return {
    groups: evaluateFills(gaps, outputs, alternatives, seed),
    alternatives,
    notes: notesOf(alternatives, helped, ngrams !== undefined),
    predictions: gaps.map(({ row, source, kind, fill }, i) => {
      const { greedy = [], beams = [], likelihood = [] } = outcomes[i] ?? {};
      return {
        row,
        source,
        kind,
        reference: fill,
        ...predicted(greedy[0]),
        exact: bareFill(greedy[0]?.text ?? "") === bareFill(fill),
        alternatives: beams.map(predicted),
        referenceLogProbs: likelihood,
      };
    }),
  };
}

/** Fills from n-grams only: from the words before, and from both sides. */
function ngramOutputs(ngrams: NgramModel, gaps: readonly Gap[], alternatives: number): FillOutputs[] {
  const predict = (both: boolean) =>
    gaps.map((gap) =>
      isWord(gap) ? ngrams.predict(gap.before, both ? gap.after : undefined, alternatives) : undefined,
    );
  return [
    { name: "n-grams, words before", fills: predict(false) },
    { name: "n-grams, both sides", fills: predict(true) },
  ];
}

function notesOf(alternatives: number, helped: boolean, compared: boolean): string[] {
  return [
    "Gaps: of each text at most one content word, one function word, one phrase (2 to 5 words) and one sentence (5 to 30 words), cut by the seed; the model sees up to about 800 characters on both sides and the gap's length class.",
    `Fills: no sampling; "among" counts the fill and the best alternatives, ${alternatives} different ones at most.`,
    ...(helped
      ? ["Words: the model weighs what the n-grams of its training text propose; without them it is greedy."]
      : []),
    "Exact: the case counts, white space and marks around a fill do not. F1: of words, case and marks ignored. Perplexity: of what stood there, given the text on both sides.",
    ...(!compared ? ["No n-grams to compare with: --ngrams FILE counts them in a corpus."] : []),
  ];
}

/** The gaps that a seed cuts into a row's text; the same whatever other rows there are. */
export function gapsOf({ row, source, text }: Row<"infill">, seed: number): RowGap[] {
  let hash = seed;
  for (const letter of source || text) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  return cutGaps(text, hash).map((gap) => ({ ...gap, row, source }));
}

/** The model's fills of a gap, best first. */
export async function fillGap(
  model: LoadedModel,
  gap: Gap,
  alternatives: number,
  signal?: AbortSignal,
  decoding: InfillParams["decoding"] = {},
): Promise<readonly FillCandidate[]> {
  const emptyGap = { start: gap.before.length, end: gap.before.length, length: hintOf(gap) };
  const { fills } = await infill(
    { model },
    { text: gap.before + gap.after, gaps: [emptyGap], alternatives, decoding },
    defined({ signal }),
  );
  return fills[0]?.alternatives ?? [];
}

/** Log probabilities of the tokens that were cut out, without the ends of the fill. */
export async function trueFill(model: LoadedModel, gap: Gap, signal?: AbortSignal): Promise<number[]> {
  const [first, second] = model.info.sentinelIds;
  if (first === undefined || second === undefined) {
    throw new ModelError(
      "tokenizer",
      `${model.info.id} cannot fill gaps: its vocabulary has no sentinels. Take a T5 model with them.`,
    );
  }
  const { info } = model;
  const [texts, hint] = [[gap.before, gap.after], hintOf(gap)];
  const prefix = gapPrefix(info, modeOfGap(hint, gap.after));
  const input = await model.encodeWindow({ texts, hints: [hint], prefix, maxTokens: 512 });
  const [fill = []] = await model.encodeAll([gap.fill]);
  const target = [first, ...fill, second, info.config.eosTokenId];
  const score = await model.score(input, target, defined({ signal }));
  return score.logProbs.slice(1, 1 + fill.length);
}

function distinct(fills: readonly FillCandidate[]): string[] {
  const texts = fills.map(({ text }) => text.trim());
  return [...new Map(texts.map((text) => [bareFill(text), text])).values()];
}

/** Whether the gap is a single word. */
export function isWord({ kind }: Gap): boolean {
  return kind === "content" || kind === "function";
}

function hintOf({ kind }: Gap): "word" | "phrase" | "sentence" {
  return kind === "content" || kind === "function" ? "word" : kind;
}
