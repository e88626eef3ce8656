/**
 * Searches that follow one path per sequence: greedy (chunks of steps inside the graph) and sampling (step by step).
 */
import { ModelError } from "../../../models/errors.ts";
import { seededRandom } from "../../../models/random.ts";
import { type Candidates, inColumns } from "./candidates.ts";
import { copyBonuses } from "./copying.ts";
import { forcedTokens, largest, logSumOfExponentials, penalize, penalizedTokens } from "./logits.ts";
import type { SearchSettings } from "./request.ts";
import type { DecoderState, Encoded, GreedyChunk } from "./runner.ts";
import { sampleToken, streamSeed } from "./sampling.ts";
import { applyRules } from "./score-rules.ts";
import { meanLogProb, noToken, type Pace, type Produced, type SearchResult } from "./search.ts";

/** Receives the first sequence so far, after each chunk. */
export type TokenListener = (ids: readonly number[]) => void;

/**
 * Steps of the first chunk if there is a listener, so that it gets the first token immediately, or if the pace is
 * unknown.
 */
const FIRST_CHUNK = 1;
/** Maximum number of steps per chunk; beyond this, a chunk's fixed cost is negligible. */
const LARGEST_CHUNK = 32;
/** Maximum duration of a chunk, which cannot be cancelled. */
const CHUNK_MS = 30;

/** A sequence in progress. */
interface Row {
  readonly ids: number[];
  readonly logProbs: number[];
  finished: boolean;
}

/**
 * Takes the likeliest token at each step, in chunks of steps inside the graph.
 * @param settings n-grams no longer than the graph supports, no repetition penalty
 * @see GenerationMixin._sample with do_sample off, transformers generation/utils.py
 */
export async function greedySearch(
  encoded: Encoded,
  settings: SearchSettings,
  candidates: Candidates,
  pace: Pace,
  listener?: TokenListener,
): Promise<SearchResult> {
  const { prompt, startTokenId, maxNewTokens, endTokens, penalties, copyBias, sources } = settings;
  const copying = copyBias === null ? null : { sources, bias: copyBias };
  const rows = emptyRows(settings.inputs.length);
  const history = rows.map(() => prompt.slice(1));
  let state = encoded.start(1, candidates);
  let steps = 0;
  let size = listener === undefined ? chunkOf(pace.timing.stepMs) : FIRST_CHUNK;
  let cancelled = await pace.stop();
  try {
    const fed = prompt.slice(0, -1);
    if (fed.length > 0 && !cancelled) state = state.feed?.(fed) ?? (await feedPrompt(state, fed));
    while (!cancelled && steps < maxNewTokens && rows.some((row) => !row.finished)) {
      const beganMs = performance.now();
      const { noRepeatNgramSize, bannedTokens } = penalties;
      const count = Math.min(size, maxNewTokens - steps);
      const limits = { noRepeatNgramSize, bannedTokens, startTokenId, steps: count, stopTokens: endTokens, copying };
      const tokens = history.map((row) => row.at(-1) ?? startTokenId);
      const chunk = await state.greedy(tokens, history, limits);
      state = chunk.state;
      const produced = chunk.ids[0]?.length ?? 0;
      if (produced === 0)
        throw new ModelError("runtime", "A chunk of greedy steps produced no token. Reload the model.");
      for (const [i, row] of rows.entries()) {
        history[i]?.push(...(chunk.ids[i] ?? []));
        append(row, chunk.ids[i] ?? [], chunk.logProbs[i] ?? [], endTokens);
      }
      steps += produced;
      pace.stepped();
      const stepMs = (performance.now() - beganMs) / produced;
      pace.timing.stepMs = stepMs;
      size = chunkOf(pace.timing.stepMs);
      listener?.(rows[0]?.ids ?? []);
      cancelled = await pace.stop();
    }
  } finally {
    state.dispose();
  }
  return { sequences: rows.map((row) => [finish(row)]), cancelled, steps };
}

/**
 * Proceeds step by step: samples tokens (numReturnSequences independent sequences per input, best mean log
 * probability first), or takes the likeliest ones if the graph cannot apply the penalties.
 * @see GenerationMixin._sample, transformers generation/utils.py
 */
export async function steppedSearch(
  encoded: Encoded,
  settings: SearchSettings,
  candidates: Candidates,
  pace: Pace,
  listener?: TokenListener,
): Promise<SearchResult> {
  const { prompt, maxNewTokens, endTokens, numReturnSequences, sampling, padTokenId } = settings;
  const rows = emptyRows(settings.inputs.length * numReturnSequences);
  const randoms = rows.map((_, row) => seededRandom(streamSeed(sampling?.seed ?? 0, row)));
  const scratch = new Float32Array(candidates.count);
  let state = encoded.start(numReturnSequences, candidates);
  let tokens = rows.flatMap(() => prompt);
  let steps = 0;
  let cancelled = await pace.stop();
  try {
    while (!cancelled && steps < maxNewTokens && rows.some((row) => !row.finished)) {
      const result = await state.step(tokens, null);
      state = result.state;
      steps += 1;
      for (const [i, row] of rows.entries()) {
        const random = randoms[i];
        if (row.finished || random === undefined) continue;
        const logits = result.logits.subarray(i * candidates.count, (i + 1) * candidates.count);
        scratch.set(logits);
        changeScores(scratch, [...prompt, ...row.ids], Math.floor(i / numReturnSequences), settings, candidates);
        const column = sampling === null ? largest(scratch, 1).ids[0] : sampleToken(scratch, sampling, random);
        if (column === undefined) throw noToken();
        append(row, [candidates.idOf(column)], [(logits[column] ?? 0) - logSumOfExponentials(logits)], endTokens);
      }
      tokens = rows.map((row) => (row.finished ? padTokenId : (row.ids.at(-1) ?? padTokenId)));
      pace.stepped();
      listener?.(rows[0]?.ids ?? []);
      cancelled = await pace.stop();
    }
  } finally {
    state.dispose();
  }
  const produced = rows.map(finish);
  const sequences = settings.inputs.map((_, i) =>
    produced.slice(i * numReturnSequences, (i + 1) * numReturnSequences).sort((a, b) => b.score - a.score),
  );
  return { sequences, cancelled, steps };
}

/** Changes a row's logits in place by the penalties and rules. @param of index of the row's input */
function changeScores(
  scores: Float32Array,
  history: readonly number[],
  of: number,
  settings: SearchSettings,
  candidates: Candidates,
): void {
  const { penalties, scoreRules, copyBias, inputs, sources } = settings;
  if (scoreRules !== null) {
    applyRules(scores, { history, input: inputs[of] ?? [] }, scoreRules, settings, candidates);
    return;
  }
  for (const [column, forbidden] of inColumns(candidates, penalizedTokens(history, penalties))) {
    scores[column] = penalize(scores[column] ?? 0, forbidden, penalties.repetitionPenalty);
  }
  const forced = forcedTokens(history, penalties);
  if (forced !== undefined) {
    scores.fill(Number.NEGATIVE_INFINITY);
    for (const id of forced) scores[candidates.columnOf(id) ?? -1] = 0;
  }
  if (copyBias === null) return;
  for (const [column, bonus] of inColumns(candidates, copyBonuses(sources[of] ?? [], history, copyBias)))
    scores[column] = (scores[column] ?? 0) + bonus;
}

/** Number of steps for a chunk, given the duration of one. */
function chunkOf(stepMs = CHUNK_MS): number {
  return Math.max(FIRST_CHUNK, Math.min(LARGEST_CHUNK, Math.floor(CHUNK_MS / stepMs)));
}

function emptyRows(count: number): Row[] {
  return Array.from({ length: count }, () => ({ ids: [], logProbs: [], finished: false }));
}

/**
 * The state after feeding a prompt. Its few tokens go through the greedy graph one by one, because a graph for
 * several positions would be a second session, with its own load time and memory.
 */
async function feedPrompt(begun: DecoderState, prompt: readonly number[]): Promise<DecoderState> {
  const history = Array.from({ length: begun.rows }, () => []);
  let state = begun;
  for (const token of prompt) {
    const tokens = history.map(() => token);
    state = (await state.greedy(tokens, history, feeding)).state;
  }
  return state;
}

const feeding: GreedyChunk = {
  steps: 1,
  noRepeatNgramSize: 0,
  bannedTokens: [],
  startTokenId: 0,
  stopTokens: [],
  copying: null,
};

/** Appends tokens up to the one that ends the row; the rest is padding. */
function append(row: Row, ids: readonly number[], logProbs: readonly number[], endTokens: readonly number[]): void {
  for (const [i, id] of ids.entries()) {
    if (row.finished) return;
    row.ids.push(id);
    row.logProbs.push(logProbs[i] ?? Number.NaN);
    row.finished = endTokens.includes(id);
  }
}

function finish({ ids, logProbs, finished }: Row): Produced {
  return { ids, logProbs, score: meanLogProb(logProbs), finished };
}
