/** A step of a beam search: the best ways to continue each of its rows. */
import { type Candidates, inColumns } from "./candidates.ts";
import { copyBonuses } from "./copying.ts";
import {
  bestContinuations,
  type Changes,
  type Continuation,
  forcedTokens,
  logSumOfExponentials,
  penalizedTokens,
  ranked,
} from "./logits.ts";
import type { SearchSettings } from "./request.ts";
import type { DecoderState, Likeliest } from "./runner.ts";
import { ruledContinuations } from "./score-rules.ts";

/** A running beam of an input. */
export interface BeamRow {
  /** The input's index. */
  readonly of: number;
  /** All decoder tokens so far, the prompt included. */
  readonly history: readonly number[];
}

/** The tokens of a step and the rows that they continue, as in DecoderState's `step`. */
export interface Fed {
  readonly tokens: readonly number[];
  readonly reorder: readonly number[] | null;
}

/**
 * Feeds a step.
 * @param rows the beams that the state's rows will stand for; null for padding
 * @returns the ways to continue each row, best first (none for padding), and the state after the step
 */
export async function continued(
  state: DecoderState,
  { tokens, reorder }: Fed,
  rows: readonly (BeamRow | null)[],
  settings: SearchSettings,
  candidates: Candidates,
): Promise<{ continuations: Continuation[][]; state: DecoderState }> {
  const { scoreRules, penalties } = settings;
  const likeliest = state.likeliest?.bind(state);
  const plain = scoreRules === null && rows.every((row) => !row || forcedTokens(row.history, penalties) === undefined);
  if (likeliest === undefined || !plain) {
    const { logits, state: next } = await state.step(tokens, reorder);
    const of = (row: BeamRow, at: number) =>
      fromLogits(logits.subarray(at * candidates.count, (at + 1) * candidates.count), row, settings, candidates);
    return { continuations: rows.map((row, at) => (row === null ? [] : of(row, at))), state: next };
  }
  const changes = rows.map((row) => (row === null ? null : changesOf(row, settings, candidates)));
  const apart = changes.map((each) => [...new Set([...(each?.changed.keys() ?? []), ...(each?.bonuses.keys() ?? [])])]);
  const count = continuationCount(settings);
  const { likeliest: found, state: next } = await likeliest(tokens, reorder, padded(apart), count);
  const continuations = changes.map((each, at) =>
    each === null ? [] : fromLikeliest(found, at, apart.length, apart[at] ?? [], each, candidates).slice(0, count),
  );
  return { continuations, state: next };
}

/** Number of continuations that leaves numBeams running when as many as possible have ended. */
export function continuationCount({ numBeams, endTokens }: SearchSettings): number {
  return (1 + endTokens.length) * numBeams;
}

/** Rows of equal length, at least 1. A row without any gets a column that nothing changes, and is told it apart. */
function padded(apart: readonly number[][]): readonly (readonly number[])[] {
  const width = Math.max(1, ...apart.map(({ length }) => length));
  for (const row of apart) if (row.length === 0) row.push(0);
  return apart.map((row) => [...row, ...Array<number>(width - row.length).fill(row[0] ?? 0)]);
}

function changesOf({ history, of }: BeamRow, settings: SearchSettings, candidates: Candidates): Changes {
  const { penalties, copyBias, sources } = settings;
  return {
    changed: inColumns(candidates, penalizedTokens(history, penalties)),
    repetitionPenalty: penalties.repetitionPenalty,
    bonuses: copyBias === null ? new Map() : inColumns(candidates, copyBonuses(sources[of] ?? [], history, copyBias)),
  };
}

/** The log probability below which a place among the likeliest is empty. */
const NONE = -1e29;

function fromLikeliest(
  found: Likeliest,
  row: number,
  rows: number,
  apart: readonly number[],
  changes: Changes,
  candidates: Candidates,
): Continuation[] {
  const [count, width] = [found.logProbs.length / rows, found.apart.length / rows];
  const best = Array.from(found.logProbs.subarray(row * count, (row + 1) * count), (logProb, i) => ({
    ...{ id: found.columns[row * count + i] ?? 0, logProb },
  })).filter(({ logProb }) => logProb > NONE);
  const adjusted = apart.map((id, i) => ({ id, logProb: found.apart[row * width + i] ?? Number.NaN }));
  return ranked(best, adjusted, changes).map((each) => ({ ...each, id: candidates.idOf(each.id) }));
}

/** The best ways to continue a row, from the logits of all candidates. */
function fromLogits(values: Float32Array, row: BeamRow, settings: SearchSettings, candidates: Candidates) {
  const { penalties, scoreRules, inputs } = settings;
  const { history } = row;
  if (scoreRules !== null) {
    const ruled = { history, input: inputs[row.of] ?? [] };
    return ruledContinuations(values, ruled, continuationCount(settings), scoreRules, settings, candidates);
  }
  const forced = forcedTokens(history, penalties);
  if (forced !== undefined) {
    const logSum = logSumOfExponentials(values);
    const logProbOf = (id: number) => Math.fround((values[candidates.columnOf(id) ?? -1] ?? 0) - logSum);
    return forced.map((id) => ({ id, logProb: logProbOf(id), penalized: 0 }));
  }
  const { changed, repetitionPenalty, bonuses } = changesOf(row, settings, candidates);
  const count = continuationCount(settings);
  const best = bestContinuations(values, 0, candidates.count, count, changed, repetitionPenalty, bonuses);
  return best.map((continuation) => ({ ...continuation, id: candidates.idOf(continuation.id) }));
}
