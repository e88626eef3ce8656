/** The graph of greedy generation on a server: from a text's ids and the tokens so far to the tokens that follow. */
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import type { Value } from "../../graph/types.ts";
import { maskedBucket } from "../decoder.ts";
import { greedySteps, longestNgram, type Processing } from "../generation.ts";
import { biasOfTables } from "../lowering/biases.ts";
import { emptyCache, positionBiases, positionBuckets } from "../lowering/in-graph.ts";
import { positionBucket } from "../position.ts";
import { crossOf, encodedText, type Served } from "./text.ts";

/**
 * Adds the nodes. Each row of a batch has its own limits but for the number of steps, of which the most counts.
 *
 * Inputs besides the text, int32: `tokens` [B, T], the start token and those so far; `steps` [B, 1]; `ngram` [B, 1],
 * the size of n-gram that does not repeat, or 2^30; `banned` [B, N] and `stops` [B, K], ids, -1 for none; `candidates`
 * [B, C], the ids to choose from, a negative one for the whole vocabulary; `bonuses` float32 [B, 3], at least 0, the
 * copy bias: anywhere, after one and after two tokens that agree.
 * @returns `ids` int32 [B, n], padding after a row's end; `log_probabilities` float32 [B, n], among the candidates
 */
export function generation(served: Served): Record<string, Value> {
  const { g, config, lowering, layers } = served;
  const { ids, given, mask, states } = encodedText(served);
  const tokens = g.input("tokens", "int32", ["B", "T"]);
  const steps = wholeMost(g, g.input("steps", "int32", ["B", 1]));
  const processing = processingOf(served, { ids, given, tokens });
  const stops = g.input("stops", "int32", ["B", "K"]);
  const choices = candidateMask(served, g.input("candidates", "int32", ["B", "C"])); // [B, 1, V]

  const cross = crossOf(served, states);
  const length = ops.shapeOf(g, tokens, 1, 2);
  const buckets = positionBuckets(g, config, "decoder", { length, total: length, extents: ["T", "T"] });
  const biases = positionBiases(layers, config, "decoder", buckets);
  const caches = Array.from({ length: config.numDecoderLayers }, (_, layer) => emptyCache(g, cross(layer).key));
  const { present } = layers.decoderStack(layers.embed(tokens, "decoder"), {
    biasOf: biasOfTables(config, "decoder", biases),
    ...{ crossOf: cross, mask, past: { caches, total: "T" } },
  });
  const [zero, one] = [g.constant("int64", [1], [0]), g.constant("int64", [1], [1])];
  const before = ops.sub(g, length, one); // the loop begins with the last token
  const cut = (x: Value) => ops.slice(g, x, 2, zero, before, "P");
  const past = present.map(({ key, value }) => ({ key: cut(key), value: cut(value) }));

  const head = {
    columns: config.vocabSize,
    logits: (b: GraphBuilder, x: Value) => ops.add(b, lowering(b).logits(x), choices),
    ids: (_: GraphBuilder, columns: Value) => columns,
  };
  const last = ops.slice(g, tokens, 1, before, length, 1);
  const { columns, logProbabilities } = greedySteps(g, config, lowering, head, {
    steps: ops.reshape(g, steps, []),
    ended: ops.less(g, processing.ones, g.constant("int32", [], [0])),
    ...{ tokens: last, text: processing.text, reach: processing.reach, past, crossOf: cross, mask, processing },
    buckets: distanceBuckets(served, ops.add(g, length, steps)),
    padColumn: config.padTokenId,
    ends: (body, chosen) => anyOf(body, ops.equal(body, stops, ops.cast(body, chosen, "int32"))),
  });
  const byRow = (x: Value) => ops.transpose(g, ops.reshape(g, x, ["made", "B"]), [1, 0]);
  return { ids: ops.cast(g, byRow(columns), "int32"), log_probabilities: byRow(logProbabilities) };
}

/** The largest of int32 [B, 1], int64 [1]. */
function wholeMost(g: GraphBuilder, x: Value): Value {
  const most = ops.reduceLast(g, "ReduceMax", ops.reshape(g, x, [1, "B"]));
  return ops.cast(g, ops.reshape(g, most, [1]), "int64");
}

/** Whether any of a row's values bool [B, N] holds, bool [B, 1]. */
function anyOf(g: GraphBuilder, x: Value): Value {
  return ops.cast(g, ops.reduceLast(g, "ReduceMax", ops.cast(g, x, "int32")), "bool");
}

/** Banned tokens, n-grams and copying, from a text [B, S] and the tokens so far [B, T]. */
function processingOf(
  served: Served,
  { ids, given, tokens }: { readonly ids: Value; readonly given: Value; readonly tokens: Value },
): Processing & { readonly text: Value; readonly reach: Value } {
  const { g } = served;
  const ngram = g.input("ngram", "int32", ["B", 1]);
  const banned = g.input("banned", "int32", ["B", "N"]);
  const bonuses = g.input("bonuses", "float32", ["B", 3]);
  const whole = (value: number) => g.constant("int32", [], [value]);
  const [anywhere = bonuses, later = bonuses] = ops.splitLast(g, bonuses, [1, 2]);
  const levels = ops.concat(g, [ops.sub(g, anywhere, anywhere), later], 1); // [B, 3]

  const source = sourceOf(served, ids, given); // [B, S]
  const ones = ops.slice(g, ops.add(g, ops.sub(g, tokens, tokens), whole(1)), 1, at(g, 0), at(g, 1), 1);
  const text = ops.concat(g, [source, ops.mul(g, ones, whole(-2)), tokens], 1, "L");
  const sourceEnd = ops.shapeOf(g, source, 1, 2);
  const isToken = ops.less(g, whole(-1), source);
  const none = g.constant("float32", [], [0]);
  const process = ops.or(
    g,
    ops.or(g, ops.less(g, ngram, whole(2 ** 30)), anyOf(g, ops.less(g, whole(-1), banned))),
    anyOf(g, ops.less(g, g.constant("float32", [], [0]), bonuses)),
  ); // [B, 1]
  return {
    process: ops.cast(g, ops.reshape(g, wholeMost(g, ops.cast(g, process, "int32")), []), "bool"),
    ...{ source, sourceEnd, ngram, ones, text, reach: reachOf(g, text) },
    begin: ops.add(g, sourceEnd, at(g, 1)),
    added: addedOf(served, source, anywhere, banned),
    // A place without a token (-1) would mean the last token of the vocabulary.
    bonusOf: (b, level) => ops.where(b, isToken, ops.gatherElementsLast(b, levels, level), none),
  };
}

/** int64 [1] */
function at(g: GraphBuilder, place: number): Value {
  return g.constant("int64", [1], [place]);
}

/** A text's tokens without its end token and padding, for which it has -1. */
function sourceOf({ g, config }: Served, ids: Value, given: Value): Value {
  const zeros = ops.slice(g, ops.sub(g, given, given), 1, at(g, 0), at(g, 1), 1);
  const rest = ops.slice(g, given, 1, at(g, 1), at(g, Number.MAX_SAFE_INTEGER), "S-1");
  const next = ops.concat(g, [rest, zeros], 1, "S"); // whether another token follows
  const isEnd = ops.cast(g, ops.equal(g, ids, g.constant("int32", [], [config.eosTokenId])), "int32");
  const lasts = ops.mul(g, isEnd, ops.sub(g, g.constant("int32", [], [1]), next));
  const counts = ops.mul(g, given, ops.sub(g, g.constant("int32", [], [1]), lasts));
  const source = ops.where(g, ops.cast(g, counts, "bool"), ids, g.constant("int32", [], [-1]));
  return { ...source, shape: ["B", "Z"] }; // the loop's name of that extent
}

/** The terms added to logits: the bonus of a source's tokens, a large negative number for banned ones, [B, V]. */
function addedOf({ g, config }: Served, source: Value, anywhere: Value, banned: Value): Value {
  const float = (value: number) => g.constant("float32", [], [value]);
  const extents = ops.concat(g, [ops.shapeOf(g, source, 0, 1), at(g, config.vocabSize)], 0);
  const zeros = ops.expand(g, g.constant("float32", [1, 1], [0]), extents, ["B", config.vocabSize]);
  const isToken = (x: Value) => ops.less(g, g.constant("int32", [], [-1]), x);
  const places = (x: Value) => ops.where(g, isToken(x), x, g.constant("int32", [], [0]));
  const copied = ops.scatterLast(g, "max", zeros, places(source), ops.where(g, isToken(source), anywhere, float(0)));
  return ops.scatterLast(g, "min", copied, places(banned), ops.where(g, isToken(banned), float(-1e9), float(1e9)));
}

/** 0 for candidates, a large negative number for other tokens; 0 for all where a candidate is negative, [B, 1, V]. */
function candidateMask({ g, config }: Served, candidates: Value): Value {
  const float = (value: number) => g.constant("float32", [], [value]);
  const isToken = ops.less(g, g.constant("int32", [], [-1]), candidates);
  const extents = ops.concat(g, [ops.shapeOf(g, candidates, 0, 1), at(g, config.vocabSize)], 0);
  const none = ops.less(g, ops.reduceLast(g, "ReduceMin", candidates), g.constant("int32", [], [0])); // [B, 1]
  const base = ops.expand(g, ops.where(g, none, float(0), float(BARRED)), extents, ["B", config.vocabSize]);
  const places = ops.where(g, isToken, candidates, g.constant("int32", [], [0]));
  const mask = ops.scatterLast(g, "max", base, places, ops.where(g, isToken, float(0), float(BARRED)));
  return ops.unsqueeze(g, mask, 1);
}

/** Below the logits of banned tokens, so that one of these comes before a token that is not a candidate. */
const BARRED = -4e9;

/** One more than the number of tokens before each place that agree with those before the last, at most longestNgram. */
function reachOf(g: GraphBuilder, text: Value): Value {
  const whole = (value: number) => g.constant("int32", [], [value]);
  const zeros = ops.sub(g, text, text); // [B, L]
  const column = ops.slice(g, zeros, 1, at(g, 0), at(g, 1), 1);
  const padding = (value: number) =>
    ops.concat(g, [...Array<Value>(longestNgram).fill(ops.add(g, column, whole(value))), text], 1, "L+6");
  const [all, last] = [padding(-3), padding(-4)];
  const length = ops.shapeOf(g, text, 1, 2);
  let alive = ops.add(g, zeros, whole(1));
  let reach = alive;
  for (let back = 1; back <= longestNgram; back += 1) {
    const begin = at(g, longestNgram - back);
    const shifted = ops.slice(g, all, 1, begin, ops.add(g, length, begin), "L");
    const end = ops.add(g, length, begin);
    const wanted = ops.slice(g, last, 1, ops.sub(g, end, at(g, 1)), end, 1); // [B, 1]
    alive = ops.mul(g, alive, ops.cast(g, ops.equal(g, shifted, wanted), "int32"));
    reach = ops.add(g, reach, alive);
  }
  return reach;
}

/** The bucket of each distance M - 1, ..., 0, int64 [M], where M (int64 [1]) is more than any position. */
function distanceBuckets({ g, config }: Served, most: Value): Value {
  const { relativeAttentionMaxDistance: far } = config;
  const table = Array.from({ length: far + 1 }, (_, distance) => positionBucket(config, "decoder", -distance));
  if (table.includes(maskedBucket(config))) throw new RangeError("a distance has the bucket of later positions");
  const scalar = (x: Value) => ops.reshape(g, x, []);
  const upward = ops.range(g, scalar(at(g, 0)), scalar(most), "M");
  const distances = ops.sub(g, ops.sub(g, most, at(g, 1)), upward);
  return ops.gather(g, g.constant("int64", [table.length], table), ops.clip(g, distances, 0, far), 0);
}
