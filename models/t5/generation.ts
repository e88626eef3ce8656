/** Greedy generation inside the graph: a loop of decoder steps, so that only tokens cross into JavaScript. */
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import { biasTable, cacheOutputs, decoderCacheInputs, decoderLayers, encoderInputs } from "./decoder.ts";
import type { KeysAndValues } from "./layers.ts";
import type { Lowering } from "./lowering.ts";

/** Longest n-gram whose repetition the loop can prevent. */
export const longestNgram = 6;

/**
 * Returns the graph of a chunk of greedy steps, one row for each row of the encoder.
 *
 * Inputs: `steps` int64 [], at most so many; `tokens` int32 [B, 1], the last ones; `position_buckets` int32 [M], the bucket of
 * each distance M - 1, ..., 0, M more than any position reached; `ended` bool [B, 1]; `stops` bool [V], tokens that end a row;
 * `process` bool [], whether the following count: `blocked` float32 [1, V], added to the logits, `history` int32 [B, N], tokens
 * so far after longestNgram distinct negative ones, `ngram` int64 [], the size of n-gram that may not repeat (0: any may), and
 * `penalty` float32 [], the repetition penalty; the cache and the encoder's part as in stepGraph.
 * Outputs: `ids` int64 [steps, B, 1] (padding after a row's end); `log_probabilities` float32 [steps, B, 1], before processing;
 * `present_key_i`, `present_value_i`.
 */
export function greedyGraph(config: T5Config, lowering: Lowering, masked: boolean): Graph {
  const g = createGraphBuilder();
  const steps = g.input("steps", "int64", []);
  const tokens = g.input("tokens", "int32", ["B", 1]);
  const buckets = g.input("position_buckets", "int32", ["M"]);
  const ended = g.input("ended", "bool", ["B", 1]);
  const stops = g.input("stops", "bool", [config.vocabSize]);
  const process = g.input("process", "bool", []);
  const processing = {
    blocked: g.input("blocked", "float32", [1, config.vocabSize]),
    ngram: g.input("ngram", "int64", []),
    penalty: g.input("penalty", "float32", []),
  };
  const history = g.input("history", "int32", ["B", "N"]);
  const past = decoderCacheInputs(g, config, "B");
  const { cross, mask } = encoderInputs(g, config, masked);
  const firstCache = past[0];
  if (firstCache === undefined) throw new RangeError("a decoder has at least one layer");

  // Biases by distance, the farthest first: position p needs the last p + 1 of them.
  const byDistance = ops.transpose(g, ops.gather(g, biasTable(g, config, lowering), buckets, 0), [1, 0]); // [H, M]
  const biases = ops.reshape(g, byDistance, [1, config.numHeads, 1, "M"]);
  const minusOne = g.constant("int64", [1], [-1]);
  const last = ops.add(g, ops.shapeOf(g, buckets, 0, 1), minusOne);
  const begin = ops.sub(g, last, ops.shapeOf(g, firstCache.key, 2, 3));

  const body = g.body();
  body.input("iteration", "int64", []);
  body.input("condition", "bool", []);
  const now = {
    tokens: body.input("tokens", "int32", ["B", 1]),
    ended: body.input("ended", "bool", ["B", 1]),
    begin: body.input("begin", "int64", [1]),
    history: body.input("history", "int32", ["B", "N"]),
    past: past.map(({ key, value }) => ({
      key: body.input("past_key", "float32", key.shape),
      value: body.input("past_value", "float32", value.shape),
    })),
  };
  const end = body.constant("int64", [1], [Number.MAX_SAFE_INTEGER]);
  const bias = ops.slice(body, biases, 3, now.begin, end, "P+1");
  const { hidden, present } = decoderLayers(body, config, lowering, {
    tokens: now.tokens,
    bias,
    past: now.past,
    total: "P+1",
    cross,
    mask,
    folding: null,
  });
  const logits = ops.reshape(body, lowering.logits(body, hidden), ["B", config.vocabSize]);
  const best = ops.reshape(body, bestTokens(body, config, process, logits, now.history, processing), ["B", 1]);
  const pad = body.constant("int64", [], [config.padTokenId]);
  const chosen = ops.where(body, now.ended, pad, best); // int64 [B, 1]
  const probability = ops.gatherElementsLast(body, ops.softmax(body, logits), chosen);
  const endedNow = ops.or(body, now.ended, ops.gather(body, stops, chosen, 0));
  const chosen32 = ops.cast(body, chosen, "int32");
  const step = body.build("greedy_step", {
    condition: anyOpen(body, endedNow),
    tokens: chosen32,
    ended: endedNow,
    begin: ops.add(body, now.begin, minusOne),
    history: ops.concat(body, [now.history, chosen32], 1, "N+1"),
    ...cacheOutputs(present),
    ids: chosen,
    probabilities: probability,
  });

  const flat = (cache: readonly KeysAndValues[]) => cache.flatMap(({ key, value }) => [key, value]);
  const initial = [tokens, ended, begin, history, ...flat(past)];
  const grown = flat(past).map((value) => value.shape.map((dim) => (dim === "P" ? "P+steps" : dim)));
  const shapes = [tokens.shape, ended.shape, begin.shape, ["B", "N+steps"], ...grown];
  const { carried, stacked } = ops.loop(g, steps, step, initial, shapes, "made");
  const caches = carried.slice(4);
  const [ids, probabilities] = stacked;
  if (ids === undefined || probabilities === undefined) throw new RangeError("the loop stacks two outputs");
  return g.build("greedy", {
    ids,
    log_probabilities: ops.unary(g, "Log", probabilities),
    ...Object.fromEntries(caches.map((value, i) => [`present_${i % 2 === 0 ? "key" : "value"}_${i >> 1}`, value])),
  });
}

/** Whether any row has not ended, bool []. */
function anyOpen(g: GraphBuilder, ended: Value): Value {
  const open = ops.unary(g, "Not", ops.reshape(g, ended, ["B"]));
  const most = ops.reduceLast(g, "ReduceMax", ops.cast(g, open, "int32")); // [1]
  return ops.reshape(g, ops.cast(g, most, "bool"), []);
}

/** The best token of each row, int64 [B], by the logits as they are or, where `process` holds, as processed. */
function bestTokens(
  g: GraphBuilder,
  config: T5Config,
  process: Value,
  logits: Value,
  history: Value,
  { blocked, ngram, penalty }: { blocked: Value; ngram: Value; penalty: Value },
): Value {
  const plain = g.body();
  const asTheyAre = plain.build("plain", { best: argMax(plain, logits) });

  const b = g.body();
  const int64 = (value: number) => b.constant("int64", [1], [value]);
  // What stands before the start token matches nothing; where an index is needed it is taken for the start token.
  const start = b.constant("int32", [], [config.decoderStartTokenId]);
  const index = (tokens: Value) =>
    ops.cast(b, ops.where(b, ops.less(b, tokens, b.constant("int32", [], [0])), start, tokens), "int64");

  // Penalty: a token seen before has its logit divided by the penalty where positive, multiplied where negative.
  const seen = index(history); // [B, N]
  const scores = ops.gatherElementsLast(b, logits, seen);
  const negative = ops.less(b, scores, b.constant("float32", [], [0]));
  const penalised = ops.where(b, negative, ops.mul(b, scores, penalty), ops.div(b, scores, penalty));
  const allowed = ops.add(b, ops.scatterLast(b, logits, seen, penalised), blocked);

  // N-grams: a token is barred where what came before it once is what comes before it now.
  const back = longestNgram - 1;
  const window = (offset: number) =>
    ops.slice(
      b,
      history,
      1,
      int64(back - offset),
      offset === 0 ? int64(Number.MAX_SAFE_INTEGER) : int64(-offset),
      `N-${back}`,
    );
  const recent = (offset: number) =>
    ops.slice(b, history, 1, int64(-offset), offset === 1 ? int64(Number.MAX_SAFE_INTEGER) : int64(1 - offset), 1);
  const followers = window(0); // [B, N - back]: each token that has `back` tokens before it
  let repeats: Value | undefined;
  for (let offset = 1; offset <= back; offset += 1) {
    const same = ops.equal(b, window(offset), recent(offset));
    const counts = offset === 1 ? same : ops.or(b, same, ops.less(b, ngram, b.constant("int64", [], [offset + 1])));
    repeats = repeats === undefined ? counts : ops.and(b, repeats, counts);
  }
  if (repeats === undefined) throw new RangeError("longestNgram is at least 2");
  const wanted = ops.less(b, b.constant("int64", [], [1]), ngram);
  const barred = ops.where(
    b,
    ops.and(b, repeats, wanted),
    b.constant("float32", [], [-1e9]),
    b.constant("float32", [], [1e9]),
  );
  const then = b.build("processed", { best: argMax(b, ops.scatterMinLast(b, allowed, index(followers), barred)) });
  const [result] = ops.branch(g, process, then, asTheyAre);
  if (result === undefined) throw new RangeError("a branch returned nothing");
  return result;
}

/**
 * The index of each row's largest logit, int64 [B], the first of equals. The runtime's ArgMax is three times as slow as a maximum
 * over blocks (which it vectorises) and then the place within the best block.
 */
function argMax(g: GraphBuilder, logits: Value): Value {
  const block = 128;
  const [rows = 0, width] = logits.shape;
  if (typeof width !== "number" || width % block !== 0) return ops.argMaxLast(g, logits);
  const blocks = ops.reshape(g, logits, [rows, width / block, block]);
  const bestBlock = ops.argMaxLast(g, ops.reshape(g, ops.reduceLast(g, "ReduceMax", blocks), [rows, width / block])); // [B]
  const within = ops.pickRows(g, blocks, bestBlock);
  return ops.add(g, ops.mul(g, bestBlock, g.constant("int64", [], [block])), ops.argMaxLast(g, within));
}
