/** Rules on the scores of a whole row: rare, so a search without any never computes a row's every score. */
import type { ScoreRules } from "../../catalog/folder/generation.ts";
import { type Candidates, inColumns } from "./candidates.ts";
import { type Continuation, forcedTokens, largest, logSumOfExponentials, penalize, penalizedTokens } from "./logits.ts";
import type { SearchSettings } from "./request.ts";

/** A row of scores and what its rules look at. */
export interface RuledRow {
  /** All decoder tokens so far, the prompt included. */
  readonly history: readonly number[];
  /** The encoder's input. */
  readonly input: readonly number[];
}

/**
 * Changes a row's scores in place by every rule and penalty of a request, in the order of transformers.
 * @param scores float32, one for each candidate: logits, or in beam search log probabilities
 * @see GenerationMixin._get_logits_processor, transformers generation/utils.py
 */
export function applyRules(
  scores: Float32Array,
  { history, input }: RuledRow,
  rules: ScoreRules,
  { penalties, endTokens, prompt }: Pick<SearchSettings, "penalties" | "endTokens" | "prompt">,
  candidates: Candidates,
): void {
  const change = (id: number, changed: (score: number) => number) => {
    const column = candidates.columnOf(id);
    if (column !== undefined) scores[column] = changed(scores[column] ?? 0);
  };
  for (const [id, bias] of biasesOf(history, rules.sequenceBias ?? [])) change(id, (score) => score + bias);
  const { encoderRepetitionPenalty, encoderNoRepeatNgramSize = 0, lengthDecay } = rules;
  if (encoderRepetitionPenalty !== undefined)
    for (const id of new Set(input)) change(id, (score) => penalize(score, false, 1 / encoderRepetitionPenalty));
  for (const [column, forbidden] of inColumns(candidates, penalizedTokens(history, penalties)))
    scores[column] = penalize(scores[column] ?? 0, forbidden, penalties.repetitionPenalty);
  for (const id of followers(input, history, encoderNoRepeatNgramSize)) change(id, () => -Infinity);
  const forced = forcedTokens(history, penalties);
  if (forced !== undefined) {
    scores.fill(-Infinity);
    for (const id of forced) change(id, () => 0);
  }
  const late = history.length - prompt.length - (lengthDecay?.after ?? 0);
  if (lengthDecay !== undefined && late > 0)
    for (const id of endTokens)
      change(id, (score) =>
        Number.isFinite(score) ? score + Math.abs(score) * (lengthDecay.factor ** late - 1) : score,
      );
  if (rules.renormalize === true) {
    const logSum = logSumOfExponentials(scores);
    for (let i = 0; i < scores.length; i += 1) scores[i] = (scores[i] ?? 0) - logSum;
  }
}

/**
 * The `count` best continuations of a beam, best first.
 * @param logits float32, one for each candidate
 */
export function ruledContinuations(
  logits: Float32Array,
  row: RuledRow,
  count: number,
  rules: ScoreRules,
  settings: SearchSettings,
  candidates: Candidates,
): Continuation[] {
  const logSum = logSumOfExponentials(logits);
  const logProbs = logits.map((logit) => logit - logSum);
  const scores = logProbs.slice();
  applyRules(scores, row, rules, settings, candidates);
  const { ids, best } = largest(scores, count);
  return ids.map((column, i) => ({
    id: candidates.idOf(column),
    logProb: logProbs[column] ?? Number.NaN,
    penalized: best[i] ?? -Infinity,
  }));
}

/** @see SequenceBiasLogitsProcessor, transformers */
function biasesOf(
  history: readonly number[],
  biases: NonNullable<ScoreRules["sequenceBias"]>,
): ReadonlyMap<number, number> {
  const byToken = new Map<number, number>();
  for (const { ids, bias } of biases) {
    const at = history.length - (ids.length - 1);
    const last = ids.at(-1);
    if (last === undefined || at < 0 || !ids.slice(0, -1).every((id, i) => history[at + i] === id)) continue;
    byToken.set(last, Math.fround((byToken.get(last) ?? 0) + bias));
  }
  return byToken;
}

/**
 * The tokens that follow the history's last `size` - 1 tokens somewhere in the input.
 * @see EncoderNoRepeatNGramLogitsProcessor, transformers
 */
function followers(input: readonly number[], history: readonly number[], size: number): number[] {
  if (size === 0 || history.length < size - 1) return [];
  const before = history.slice(history.length - (size - 1));
  return input.filter((_, end) => end >= size - 1 && before.every((id, i) => input[end - (size - 1) + i] === id));
}
