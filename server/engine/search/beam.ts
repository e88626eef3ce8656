/** Beam search with the semantics of transformers 5: finished and running beams, length penalty, early stopping. */

import type { Candidates } from "./candidates.ts";
import { type BeamRow, continuationCount, continued } from "./continued.ts";
import type { Continuation } from "./logits.ts";
import type { SearchSettings } from "./request.ts";
import type { Encoded } from "./runner.ts";
import { noToken, type Pace, type Produced, type SearchResult } from "./search.ts";

/** An unfinished hypothesis. */
interface Beam {
  readonly ids: readonly number[];
  readonly logProbs: readonly number[];
  /** Sum of penalized log probabilities, float32. */
  readonly sum: number;
  /** The row (within this input) that it continues. */
  readonly parent: number;
}

/** The search of one input; beams of different inputs do not compete. */
interface Search {
  /** Best first; one before the first step, then up to numBeams. */
  running: readonly Beam[];
  /** Best first, up to numBeams. */
  finished: readonly Produced[];
  /** Whether a running beam could still beat a finished one. */
  open: boolean;
}

/**
 * Keeps the numBeams likeliest hypotheses of each input.
 * Scores are float32 sums of log probabilities after penalties; a finished one is divided by length^lengthPenalty.
 * @see GenerationMixin._beam_search, transformers generation/utils.py
 */
export async function beamSearch(
  encoded: Encoded,
  settings: SearchSettings,
  candidates: Candidates,
  pace: Pace,
): Promise<SearchResult> {
  const { maxNewTokens, prompt, padTokenId } = settings;
  const first: Beam = { ids: [], logProbs: [], sum: 0, parent: 0 };
  const searches = settings.inputs.map((): Search => ({ running: [first], finished: [], open: true }));
  /** The inputs in the state, by their indices; those whose search has closed are dropped when they are half of it. */
  let inputs = searches.map((_, i) => i);
  /** Rows of each input: as many as the input with the most running beams needs. */
  let width = 1;
  let state = encoded.start(width, candidates);
  let tokens = searches.flatMap(() => prompt);
  let reorder: number[] | null = null;
  let steps = 0;
  let cancelled = await pace.stop();
  try {
    while (!cancelled && steps < maxNewTokens && searches.some((search) => search.open)) {
      const beams = inputs.flatMap((of) => {
        const running = searches[of]?.open ? searches[of].running : [];
        return Array.from({ length: width }, (_, row) => beamOf(running[row], of, prompt));
      });
      const result = await continued(state, { tokens, reorder }, beams, settings, candidates);
      state = result.state;
      steps += 1;
      for (const [place, i] of inputs.entries()) {
        const search = searches[i];
        if (!search?.open) continue;
        const begin = place * width;
        advance(search, result.continuations.slice(begin, begin + search.running.length), steps, settings);
      }
      pace.stepped();
      const [before, placed] = [width, inputs];
      const open = inputs.filter((i) => searches[i]?.open);
      if (open.length > 0 && 2 * open.length <= inputs.length && state.narrowed) {
        state = state.narrowed(open.map((i) => placed.indexOf(i)));
        inputs = open;
      }
      width = Math.max(1, ...open.map((i) => searches[i]?.running.length ?? 0));
      // Padding feeds the rows of a search with fewer beams than rows (or none open).
      const rows = inputs.flatMap((i) => {
        const beams = searches[i]?.open ? searches[i].running : [];
        return Array.from({ length: width }, (_, row) => ({ beam: beams[row], from: placed.indexOf(i) * before }));
      });
      tokens = rows.map(({ beam }) => beam?.ids.at(-1) ?? padTokenId);
      reorder = rows.map(({ beam, from }) => from + (beam?.parent ?? 0));
      cancelled = await pace.stop();
    }
  } finally {
    state.dispose();
  }
  return { sequences: searches.map((search) => results(search, settings, cancelled)), cancelled, steps };
}

/** A row of the decoder; null for padding. */
function beamOf(beam: Beam | undefined, of: number, prompt: readonly number[]): BeamRow | null {
  return beam === undefined ? null : { of, history: [...prompt, ...beam.ids] };
}

/** Advances one input's search by one step; `length` counts the tokens produced, including this step's. */
function advance(search: Search, next: readonly Continuation[][], length: number, settings: SearchSettings): void {
  const { numBeams, maxNewTokens, endTokens, lengthPenalty, earlyStopping, pruneBelow } = settings;
  const candidates = next.flatMap((list, parent) => {
    const sum = search.running[parent]?.sum ?? 0;
    return list.map((continuation) => ({ continuation, parent, sum: Math.fround(continuation.penalized + sum) }));
  });
  if (candidates.length === 0 && search.finished.length === 0) throw noToken();
  candidates.sort((a, b) => b.sum - a.sum);
  const running: Beam[] = [];
  const ended: Produced[] = [];
  for (const [rank, { continuation, parent, sum }] of candidates.slice(0, continuationCount(settings)).entries()) {
    const ends = endTokens.includes(continuation.id);
    // Ends below the best numBeams candidates are dropped; those candidates only ensure that enough beams continue.
    const counts = rank < numBeams && (ends || length === maxNewTokens);
    if (!counts && (ends || running.length === numBeams)) continue;
    const from = search.running[parent];
    const ids = [...(from?.ids ?? []), continuation.id];
    const logProbs = [...(from?.logProbs ?? []), continuation.logProb];
    if (counts) ended.push({ ids, logProbs, score: finalScore(sum, length, lengthPenalty), finished: ends });
    else running.push({ ids, logProbs, sum, parent });
  }
  search.finished = [...search.finished, ...ended].sort((a, b) => b.score - a.score).slice(0, numBeams);
  const least = (search.finished[0]?.score ?? Number.NEGATIVE_INFINITY) - pruneBelow;
  search.running = running.filter(({ sum }) => finalScore(sum, length, lengthPenalty) >= least);
  search.open =
    canImprove(search, length, settings) && !(earlyStopping === true && search.finished.length === numBeams);
}

/** Whether the best running beam, at the length that the setting assumes, could beat the worst finished one. */
function canImprove({ running, finished }: Search, length: number, settings: SearchSettings): boolean {
  const best = running[0];
  if (best === undefined) return false;
  const worst = finished[settings.numBeams - 1];
  if (worst === undefined) return true;
  const longest = settings.earlyStopping === "never" && settings.lengthPenalty > 0 ? settings.maxNewTokens : length;
  return finalScore(best.sum, longest, settings.lengthPenalty) > worst.score;
}

function finalScore(sum: number, length: number, lengthPenalty: number): number {
  return Math.fround(sum / Math.fround(length ** lengthPenalty));
}

/** The best sequences; if the search was cancelled, running beams fill the remaining places. */
function results(search: Search, settings: SearchSettings, cancelled: boolean): Produced[] {
  const unfinished = cancelled
    ? search.running.map(({ ids, logProbs, sum }) => {
        const score = ids.length === 0 ? 0 : finalScore(sum, ids.length, settings.lengthPenalty);
        return { ids, logProbs, score, finished: false };
      })
    : [];
  return [...search.finished, ...unfinished].slice(0, settings.numReturnSequences);
}
