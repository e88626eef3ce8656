/** A runner whose model is on an inference server: searches stay here, token ids go there and numbers come back. */
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { type Candidates, inColumns, wholeVocabulary } from "../search/candidates.ts";
import { copyBonuses } from "../search/copying.ts";
import { largest, logSumOfExponentials, penalizedTokens } from "../search/logits.ts";
import type { DecoderState, GreedyChunk, Runner } from "../search/runner.ts";
import { noToken } from "../search/search.ts";
import { failed, notServed } from "./errors.ts";
import type { InferenceClient } from "./inference-client.ts";
import { type Operation, SUM_LENGTH, servedName } from "./operations.ts";
import { floats, type WireTensor, type WireTensors, wholeNumbers } from "./tensors.ts";

/** The model that is to be on the server. */
export interface RemoteModel {
  readonly id: string;
  readonly config: T5Config;
  /** @see modelSum */
  readonly sum: Int32Array;
}

/** A served model, whose answers are checked. */
interface Remote {
  readonly client: InferenceClient;
  readonly model: RemoteModel;
  /** The inputs that each operation takes; of the loop, undefined where the server has none. */
  readonly takes: { readonly step: ReadonlySet<string>; readonly generate: ReadonlySet<string> | undefined };
}

/**
 * Returns a runner of a served model, after an exchange without text that compares vocabularies and shapes.
 * @throws ModelError "network" when the server does not answer, does not serve the model, or serves another
 */
export async function openServerRunner(client: InferenceClient, model: RemoteModel): Promise<Runner> {
  const { config, id } = model;
  await client.about();
  const inputsOf = (operation: Operation) => client.inputsOf(servedName(id, operation));
  const step = await inputsOf("step");
  if (step === undefined) throw notServed(client.host, servedName(id, "step"));
  const remote = { client, model, takes: { step, generate: await inputsOf("generate") } };
  const start = { rows: [[]], inputs: [[config.eosTokenId]], beams: 1, candidates: wholeVocabulary(config.vocabSize) };
  await decoder(remote, start).step([config.decoderStartTokenId], null);
  return {
    vocabSize: config.vocabSize,
    // Every call is a round trip, so that the largest chunks are the best.
    timing: Object.defineProperty({}, "stepMs", { get: () => 0.1, set: () => undefined }),
    async encode(inputs, signal, adapter) {
      signal?.throwIfAborted();
      if (adapter !== undefined) throw failed(client.host, "has the model without its adapter");
      return {
        batch: inputs.length,
        start: (beams, candidates = wholeVocabulary(config.vocabSize)) => {
          const rows = Array.from({ length: inputs.length * beams }, () => []);
          return decoder(remote, { rows, inputs, beams, candidates, ...(signal === undefined ? {} : { signal }) });
        },
        dispose: () => undefined,
      };
    },
    dispose: () => client.dispose(),
  };
}

/** A decoder: the tokens that its rows were fed; the server keeps nothing. */
interface Fed {
  readonly inputs: readonly (readonly number[])[];
  readonly rows: readonly (readonly number[])[];
  /** Rows of each input. */
  readonly beams: number;
  readonly candidates: Candidates;
  readonly signal?: AbortSignal;
}

function decoder(remote: Remote, fed: Fed): DecoderState {
  const { rows, inputs, candidates } = fed;
  const length = rows[0]?.length ?? 0;
  const next = (grown: readonly (readonly number[])[]) =>
    decoder(remote, { ...fed, rows: grown, beams: grown.length / inputs.length });
  return {
    rows: rows.length,
    length,
    async step(tokens, reorder, all = false) {
      const order = reorder ?? rows.map((_, i) => i);
      const count = tokens.length / order.length;
      const grown = order.map((from, i) => [...(rows[from] ?? []), ...tokens.slice(i * count, (i + 1) * count)]);
      const logits = await logitsOf(remote, { ...fed, rows: grown }, all ? count : 1);
      return { logits, state: next(grown) };
    },
    async tree(tokens, parents) {
      const { paths, placeOf } = pathsOf(tokens, parents);
      const result = new Float32Array(tokens.length * candidates.count);
      const depth = Math.max(...paths.map((path) => path.length));
      for (let from = 0; from < paths.length; from += MOST_PATHS) {
        const some = paths.slice(from, from + MOST_PATHS);
        const padded = some.map((path) => [...path, ...Array<number>(depth - path.length).fill(0)]);
        const grown = padded.map((path) => [...(rows[0] ?? []), ...path.map((at) => tokens[at] ?? 0)]);
        const logits = await logitsOf(remote, { ...fed, rows: grown }, depth);
        for (const [at, [path, position]] of placeOf.entries()) {
          const begin = ((path - from) * depth + position) * candidates.count;
          if (path >= from && path < from + some.length)
            result.set(logits.subarray(begin, begin + candidates.count), at * candidates.count);
        }
      }
      return result;
    },
    async greedy(tokens, history, chunk) {
      const last = rows.map((row, i) => [...row, tokens[i] ?? 0]);
      const produced = canGenerate(remote, candidates, chunk)
        ? await generated(remote, { ...fed, rows: last }, chunk)
        : await stepped(remote, { ...fed, rows: last }, history, chunk);
      const grown = last.map((row, i) => [...row, ...(produced.ids[i] ?? []).slice(0, -1)]);
      return { ...produced, state: next(grown) };
    },
    feed: (tokens) => next(rows.map((row) => [...row, ...tokens])),
    dispose: () => undefined,
  };
}

/** Paths of a tree that one request weighs. */
const MOST_PATHS = 32;

/** The paths to a tree's leaves, as indices of tokens; and the first path and position of each token. */
function pathsOf(tokens: readonly number[], parents: readonly number[]) {
  const inner = new Set(parents);
  const leaves = tokens.map((_, at) => at).filter((at) => !inner.has(at));
  const paths = leaves.map((leaf) => {
    const path: number[] = [];
    for (let at = leaf; at >= 0; at = parents[at] ?? -1) path.unshift(at);
    return path;
  });
  const placeOf = tokens.map((_, at) => {
    const path = paths.findIndex((each) => each.includes(at));
    return [path, paths[path]?.indexOf(at) ?? 0] as const;
  });
  return { paths, placeOf };
}

/** Logits of the last `positions` of each row, in the candidates' columns. */
async function logitsOf(remote: Remote, fed: Fed, positions: number): Promise<Float32Array> {
  const { rows, inputs, candidates, signal } = fed;
  const length = rows[0]?.length ?? 0;
  const batch = inputs.length;
  const beams = rows.length / batch;
  const narrow = candidates.shortlist !== null && remote.takes.step.has("candidates");
  const width = narrow ? candidates.count : remote.model.config.vocabSize;
  const tensors = {
    ...textTensors(inputs, remote.model.config),
    tokens: wholeNumbers([batch, beams, length], rows.flat()),
    first: wholeNumbers([batch, 1], Array<number>(batch).fill(length - positions)),
    ...candidateTensors(remote.takes.step, narrow ? candidates : wholeVocabulary(width), batch),
  };
  const { logits } = await infer(remote, "step", tensors, ["logits"], signal);
  const [b, r, n = 0, c] = logits?.shape ?? [];
  if (logits?.datatype !== "FP32" || b !== batch || r !== beams || c !== width || n < positions)
    throw failed(remote.client.host, `sent logits of the shape [${logits?.shape}] for ${rows.length} rows`);
  const result = new Float32Array(rows.length * positions * candidates.count);
  for (let row = 0; row < rows.length; row += 1) {
    for (let position = 0; position < positions; position += 1) {
      const from = (row * n + n - positions + position) * width;
      const values = logits.values.subarray(from, from + width);
      const to = (row * positions + position) * candidates.count;
      if (width === candidates.count) result.set(values, to);
      else
        for (let column = 0; column < candidates.count; column += 1)
          result[to + column] = values[candidates.idOf(column)] ?? 0;
    }
  }
  if (result.some(Number.isNaN)) throw failed(remote.client.host, "sent logits that are not numbers");
  return result;
}

/** Whether the server's loop takes what a chunk needs. */
function canGenerate({ takes }: Remote, { shortlist }: Candidates, { copying }: GreedyChunk): boolean {
  const needed = [...(shortlist === null ? [] : ["candidates"]), ...(copying === null ? [] : ["bonuses"])];
  return takes.generate !== undefined && needed.every((name) => takes.generate?.has(name));
}

/** A chunk of greedy steps on the server; the rows end with the token that is to be continued. */
async function generated(remote: Remote, { rows, inputs, candidates, signal }: Fed, chunk: GreedyChunk) {
  const batch = inputs.length;
  const list = (ids: readonly number[]) => {
    const padded = ids.length === 0 ? [-1] : ids; // no server takes empty tensors everywhere
    return wholeNumbers(
      [batch, padded.length],
      inputs.flatMap(() => padded),
    );
  };
  const each = (value: number) => wholeNumbers([batch, 1], Array<number>(batch).fill(value));
  const { copying, noRepeatNgramSize: ngram } = chunk;
  const takes = remote.takes.generate ?? new Set();
  const bonuses = copying === null ? [0, 0, 0] : [copying.bias.anywhere, copying.bias.afterOne, copying.bias.afterTwo];
  const tensors = {
    ...textTensors(inputs, remote.model.config),
    tokens: wholeNumbers([batch, rows[0]?.length ?? 0], rows.flat()),
    ...{ steps: each(chunk.steps), ngram: each(ngram === 0 ? 2 ** 30 : ngram) },
    ...{ banned: list(chunk.bannedTokens), stops: list(chunk.stopTokens) },
    ...candidateTensors(takes, candidates, batch),
    ...(takes.has("bonuses") && {
      bonuses: floats([batch, 3], Float32Array.from(inputs.flatMap(() => bonuses))),
    }),
  };
  const { ids, log_probabilities: logs } = await infer(
    remote,
    "generate",
    tensors,
    ["ids", "log_probabilities"],
    signal,
  );
  const [b, count = 0] = ids?.shape ?? [];
  const valid = ids?.values.every((id) => id >= 0 && id < remote.model.config.vocabSize) ?? false;
  if (!valid || b !== batch || count < 1 || logs?.shape.join() !== ids?.shape.join())
    throw failed(remote.client.host, `sent tokens of the shape [${ids?.shape}] for ${batch} rows of ${chunk.steps}`);
  if (logs?.values.some(Number.isNaN)) throw failed(remote.client.host, "sent likelihoods that are not numbers");
  // A server that ran other requests in the same batch may have gone on for longer than was asked.
  const wanted = Math.min(count, chunk.steps);
  const byRow = (tensor: WireTensor | undefined) =>
    inputs.map((_, row) => Array.from(tensor?.values.subarray(row * count, row * count + wanted) ?? []));
  return { ids: byRow(ids), logProbs: byRow(logs) };
}

/** One greedy step by the logits, where the server's loop cannot apply what is asked for. */
async function stepped(remote: Remote, fed: Fed, history: readonly (readonly number[])[], chunk: GreedyChunk) {
  const { candidates } = fed;
  const { noRepeatNgramSize, bannedTokens, startTokenId, copying } = chunk;
  const logits = await logitsOf(remote, fed, 1);
  const best = history.map((row, i) => {
    const values = logits.subarray(i * candidates.count, (i + 1) * candidates.count);
    const scores = values.slice();
    const produced = [startTokenId, ...row];
    if (copying !== null) {
      const bonuses = inColumns(candidates, copyBonuses(copying.sources[i] ?? [], produced, copying.bias));
      for (const [column, bonus] of bonuses) scores[column] = (scores[column] ?? 0) + bonus;
    }
    const barred = penalizedTokens(produced, { noRepeatNgramSize, bannedTokens, repetitionPenalty: 1 });
    for (const [column] of inColumns(candidates, barred)) scores[column] = Number.NEGATIVE_INFINITY;
    const column = largest(scores, 1).ids[0];
    if (column === undefined) throw noToken();
    return { id: candidates.idOf(column), logProb: (values[column] ?? 0) - logSumOfExponentials(values) };
  });
  return { ids: best.map(({ id }) => [id]), logProbs: best.map(({ logProb }) => [logProb]) };
}

function textTensors(inputs: readonly (readonly number[])[], { padTokenId }: T5Config) {
  const length = Math.max(1, ...inputs.map((ids) => ids.length));
  const shape = [inputs.length, length];
  const padded = (of: (ids: readonly number[]) => readonly number[], fill: number) =>
    inputs.flatMap((ids) => [...of(ids), ...Array<number>(length - ids.length).fill(fill)]);
  return {
    input_ids: wholeNumbers(
      shape,
      padded((ids) => ids, padTokenId),
    ),
    attention_mask: wholeNumbers(
      shape,
      padded((ids) => ids.map(() => 1), 0),
    ),
  };
}

/** The tensors for candidates that a served model takes; a candidate of -1 stands for the whole vocabulary. */
function candidateTensors(
  takes: ReadonlySet<string>,
  { count, idOf, shortlist }: Candidates,
  batch: number,
): WireTensors {
  const ids = shortlist === null ? [-1] : Array.from({ length: count }, (_, column) => idOf(column));
  const rows = Array.from({ length: batch }, () => ids);
  const common = Array<number>(batch).fill(shortlist?.common.ids.length ?? 1);
  return {
    ...(takes.has("candidates") && { candidates: wholeNumbers([batch, ids.length], rows.flat()) }),
    ...(takes.has("common") && { common: wholeNumbers([batch, 1], common) }),
  };
}

/** Runs an operation and compares the sum of the model that answered. */
async function infer(
  { client, model }: Remote,
  operation: Operation,
  tensors: WireTensors,
  outputs: readonly string[],
  signal: AbortSignal | undefined,
): Promise<WireTensors> {
  const name = servedName(model.id, operation);
  const answered = await client.infer(name, tensors, [...outputs, "model_sum"], signal);
  const sum = answered["model_sum"]?.values ?? [];
  if (sum.length < SUM_LENGTH || !sum.every((value, i) => value === model.sum[i % SUM_LENGTH])) {
    throw new ModelError(
      "network",
      `The server ${client.host} has another model under the name ${name}: its vocabulary or shape is not that of the model here. Serve the same model, or choose the one that is served.`,
    );
  }
  return answered;
}
