/** The operations of a model, on the engine's runner: one request, or several greedy ones together in a batch. */
import { setImmediate as otherWork } from "node:timers/promises";
import { ModelError } from "../../models/errors.ts";
import type { OrtRunner } from "../engine/runtime/ort/runner.ts";
import { float32Data } from "../engine/runtime/session.ts";
import { type Candidates, type CommonTokens, shortlisted, wholeVocabulary } from "../engine/search/candidates.ts";
import type { DecoderState, GreedyChunk } from "../engine/search/runner.ts";
import { floats, type WireTensors, wholeNumbers } from "../engine/wire/tensors.ts";
import type { OperationRequest, Produced, Shortlist } from "./requests.ts";
import { keyOfCandidates, type Texts } from "./texts.ts";

type StepRequest = Extract<OperationRequest, { operation: "step" }>;
type GenerateRequest = Extract<OperationRequest, { operation: "generate" }>;

/** Performs operations; one call at a time. */
export interface Worker {
  /** Performs requests that {@link batchKey} allows together. @returns each one's outputs without the model's sum */
  perform(requests: readonly OperationRequest[], signal: AbortSignal): Promise<WireTensors[]>;
}

/** A key that requests share which can run together; undefined for one that runs by itself. */
export function batchKey(request: OperationRequest): string | undefined {
  if (request.operation !== "generate") return undefined;
  const { inputs, tokens, onTokens, ...rest } = request;
  return JSON.stringify([tokens[0]?.length, rest]);
}

/** Creates a worker of a model. */
export function createWorker(runner: OrtRunner, texts: Texts): Worker {
  const candidatesOf = candidateSource(runner.vocabSize);
  return {
    async perform(requests, signal) {
      const greedy = requests.filter((request) => request.operation === "generate");
      if (greedy.length === requests.length && greedy.length > 0)
        return generate(runner, texts, greedy, { candidatesOf, signal });
      const results: WireTensors[] = [];
      for (const request of requests) {
        if (request.operation === "encode") results.push(await encode(runner, request.inputs, signal));
        else if (request.operation === "step")
          results.push(await step(texts, request, candidatesOf(request.shortlist)));
        else results.push(...(await generate(runner, texts, [request], { candidatesOf, signal })));
      }
      return results;
    },
  };
}

async function encode(
  runner: OrtRunner,
  inputs: readonly (readonly number[])[],
  signal: AbortSignal,
): Promise<WireTensors> {
  const encoded = await runner.encode(inputs, signal);
  try {
    return { hidden: floats(encoded.hidden.dims, float32Data(encoded.hidden).slice()) };
  } finally {
    encoded.dispose();
  }
}

async function step(
  texts: Texts,
  { inputs, tokens, first }: StepRequest,
  candidates: Candidates,
): Promise<WireTensors> {
  const text = await texts.of(inputs);
  const rows = tokens.length / inputs.length;
  const positions = tokens[0]?.length ?? 0;
  const candidatesKey = keyOfCandidates(candidates);
  const known = text.takeDecoder(tokens, first, candidatesKey);
  const fed = known?.decoder.rows[0]?.length ?? 0;
  const state = known?.decoder.state ?? text.encoded.start(rows, candidates);
  const wanted = positions - first;
  const fresh = tokens.flatMap((row) => row.slice(fed));
  const result = await state.step(fresh, known?.reorder ?? null, wanted > 1);
  text.keep({ state: result.state, rows: tokens, candidatesKey });
  const logits = lastPositions(result.logits, tokens.length, wanted, candidates.count);
  return { logits: floats([inputs.length, rows, wanted, candidates.count], logits) };
}

/** The last `wanted` of each row's positions. */
function lastPositions(logits: Float32Array, rows: number, wanted: number, width: number): Float32Array {
  const each = logits.length / rows;
  if (each === wanted * width) return logits.slice();
  const last = new Float32Array(rows * wanted * width);
  for (let row = 0; row < rows; row += 1)
    last.set(logits.subarray((row + 1) * each - wanted * width, (row + 1) * each), row * wanted * width);
  return last;
}

/** Longest time of a chunk of steps, after which other work has its turn and a cancel is heard. */
const CHUNK_MS = 30;
const MOST_CHUNK = 32;

/** The greedy tokens of requests that share all but their texts and tokens. */
async function generate(
  runner: OrtRunner,
  texts: Texts,
  requests: readonly GenerateRequest[],
  using: {
    readonly candidatesOf: (shortlist: Shortlist | null) => Candidates;
    readonly signal: AbortSignal;
  },
): Promise<WireTensors[]> {
  const [request] = requests;
  if (request === undefined) return [];
  const { config } = runner;
  const inputs = requests.flatMap((each) => each.inputs);
  const tokens = requests.flatMap((each) => each.tokens);
  const candidates = using.candidatesOf(request.shortlist);
  const alone = requests.length === 1;
  const text = alone ? await texts.of(inputs) : undefined;
  const encoded = text?.encoded ?? (await runner.encode(inputs, using.signal));
  const produced = tokens.map(() => ({ ids: [] as number[], logProbs: [] as number[] }));
  const history = tokens.map((row) => row.slice(1));
  const sources = inputs.map((ids) => (ids.at(-1) === config.eosTokenId ? ids.slice(0, -1) : ids));
  const candidatesKey = keyOfCandidates(candidates);
  const earlier = tokens.map((row) => row.slice(0, -1));
  const known = text?.takeDecoder(earlier, earlier[0]?.length ?? 0, candidatesKey);
  let state = await fedWith(known?.decoder.state ?? encoded.start(1, candidates), known, earlier);
  let stepMs = runner.timing.stepMs ?? CHUNK_MS;
  let keeps = false;
  try {
    for (let count = 0; count < request.steps && !allEnded(produced, request.stops); ) {
      await otherWork();
      using.signal.throwIfAborted();
      const size = Math.max(1, Math.min(MOST_CHUNK, Math.floor(CHUNK_MS / stepMs), request.steps - count));
      const beganMs = performance.now();
      const last = history.map((row, i) => row.at(-1) ?? tokens[i]?.[0] ?? 0);
      const chunk = await state.greedy(last, history, limitsOf(request, sources, tokens, size));
      state = chunk.state;
      const steps = chunk.ids[0]?.length ?? 0;
      if (steps === 0) throw new ModelError("runtime", "A chunk of greedy steps produced no token.");
      for (const [i, row] of produced.entries()) {
        row.ids.push(...(chunk.ids[i] ?? []));
        row.logProbs.push(...(chunk.logProbs[i] ?? []));
        history[i]?.push(...(chunk.ids[i] ?? []));
      }
      for (const [i, { onTokens }] of requests.entries()) {
        const news = onTokens === undefined ? undefined : split(requests, produced, config.padTokenId, count)[i];
        if (news !== undefined) onTokens?.(news);
      }
      count += steps;
      stepMs = (performance.now() - beganMs) / steps;
      runner.timing.stepMs = stepMs;
    }
    const fed = tokens.map((row, i) => [row[0] ?? 0, ...(history[i] ?? [])].slice(0, -1));
    text?.keep({ state, rows: fed, candidatesKey });
    keeps = text !== undefined;
  } finally {
    if (!keeps) state.dispose();
    if (text === undefined) encoded.dispose();
  }
  return split(requests, produced, config.padTokenId, 0).map((each) => ({ ...each }));
}

/** The limits of a chunk. */
function limitsOf(
  { ngram, banned, stops, bonuses }: GenerateRequest,
  sources: readonly (readonly number[])[],
  tokens: readonly (readonly number[])[],
  steps: number,
): GreedyChunk {
  const [anywhere = 0, afterOne = 0, afterTwo = 0] = bonuses ?? [];
  return {
    ...{ steps, bannedTokens: banned, stopTokens: stops },
    noRepeatNgramSize: ngram === 2 ** 30 ? 0 : ngram,
    startTokenId: tokens[0]?.[0] ?? 0,
    copying: bonuses === null ? null : { sources, bias: { anywhere, afterOne, afterTwo } },
  };
}

/** A decoder that has been fed rows, from one that may have been fed their beginnings. */
async function fedWith(
  state: DecoderState,
  known: ReturnType<Awaited<ReturnType<Texts["of"]>>["takeDecoder"]>,
  rows: readonly (readonly number[])[],
): Promise<DecoderState> {
  const fed = known?.decoder.rows[0]?.length ?? 0;
  const length = rows[0]?.length ?? 0;
  if (length === fed) return state;
  const result = await state.step(
    rows.flatMap((row) => row.slice(fed)),
    known?.reorder ?? null,
  );
  return result.state;
}

function allEnded(produced: readonly { readonly ids: readonly number[] }[], stops: readonly number[]): boolean {
  return produced.every(({ ids }) => ids.some((id) => stops.includes(id)));
}

/**
 * Each request's rows from a place on, up to the end of the longest of them; undefined if that came before. Padding
 * follows a row's end.
 */
function split(
  requests: readonly GenerateRequest[],
  produced: readonly { readonly ids: readonly number[]; readonly logProbs: readonly number[] }[],
  padTokenId: number,
  from: number,
): (Produced | undefined)[] {
  let row = 0;
  return requests.map(({ tokens, stops }) => {
    const rows = produced.slice(row, row + tokens.length);
    row += tokens.length;
    const ends = rows.map(({ ids }) => {
      const end = ids.findIndex((id) => stops.includes(id));
      return end < 0 ? ids.length : end + 1;
    });
    const width = Math.max(...ends) - from;
    if (width <= 0) return undefined;
    const columns = <T>(of: (i: number) => readonly T[], fill: T) =>
      rows.flatMap((_, i) =>
        Array.from({ length: width }, (_, at) => (from + at < (ends[i] ?? 0) ? (of(i)[from + at] ?? fill) : fill)),
      );
    return {
      ids: wholeNumbers(
        [rows.length, width],
        columns((i) => rows[i]?.ids ?? [], padTokenId),
      ),
      log_probabilities: floats([rows.length, width], Float32Array.from(columns((i) => rows[i]?.logProbs ?? [], 0))),
    };
  });
}

/** Lists of common tokens that graphs are kept for. */
const MOST_COMMON = 4;

/** Candidates from requests' shortlists; graphs are made for each list of common tokens, so those are few. */
function candidateSource(vocabSize: number): (shortlist: Shortlist | null) => Candidates {
  const whole = wholeVocabulary(vocabSize);
  const known = new Map<string, CommonTokens>();
  return (shortlist) => {
    if (shortlist === null) return whole;
    const ids = shortlist.ids.slice(0, shortlist.common);
    const key = ids.join();
    const common = known.get(key) ?? { ids, columns: new Map(ids.map((id, column) => [id, column])) };
    if (!known.has(key) && known.size === MOST_COMMON) {
      throw new ModelError(
        "input",
        `The clients use more than ${MOST_COMMON} different shortlists of this model. Use the same version everywhere.`,
      );
    }
    known.set(key, common);
    return shortlisted(common, shortlist.ids.slice(shortlist.common));
  };
}
