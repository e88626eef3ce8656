/** Greedy generation inside the graph: a loop of decoder steps, so that only tokens cross into JavaScript. */
import { createGraphBuilder, type GraphBuilder } from "../graph/builder.ts";
import { at } from "../graph/node.ts";
import * as ops from "../graph/ops.ts";
import type { KeysAndValues } from "../graph/runtime-ops.ts";
import type { Graph, Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import {
  cacheOutputs,
  decoderCacheInputs,
  type EncoderInputs,
  encoderInputs,
  type Head,
  headOf,
  layerCache,
} from "./decoder.ts";
import { layersOn } from "./layers.ts";
import { biasOfTables, biasRows } from "./lowering/biases.ts";
import type { GenerationLowering, Lowering } from "./lowering/lowering.ts";
import { biasTables } from "./weights.ts";

/** Longest n-gram whose repetition the loop can prevent. */
export const longestNgram = 6;

/** The bonuses of the loop: for a source token preceded by none, one, or two of the tokens generated last. */
export const bonusLevels = 3;

/**
 * Returns the graph of a chunk of greedy steps, one row for each row of the encoder. Tokens are columns of the logits
 * (see headOf) in its inputs and outputs: ids, unless there is a shortlist.
 *
 * Inputs: `steps` int64 [], the largest number of steps; `tokens` int32 [B, 1], the last ones; `position_buckets` int32
 * [M], the bucket of each distance M - 1, ..., 0, where M is more than any position reached; `ended` bool [B, 1];
 * `stops` bool [C], tokens that end a row; the cache and the encoder's results as in stepGraph; over a shortlist, `own`
 * as in headOf. `process` bool [] tells whether the others apply: `added` float32 [B, C], added to the logits; `source`
 * int32 [B, Z], the source's tokens, shorter ones padded in front with negative numbers; `text` int32 [B, L], the
 * source, a negative number and the tokens so far including the last; `reach` int32 [B, L], for each of these one more
 * than the number of tokens before it that agree with those before the last; `ngram` int32 [], the size of n-gram that
 * may not repeat (a large number allows all); `bonuses` float32 [bonusLevels], the first 0. Outputs: `columns` int64
 * [steps, B, 1] (padding after a row's end); `log_probabilities` float32 [steps, B, 1], before processing, among the
 * tokens scored; `present_key_i`, `present_value_i`.
 */
export function greedyGraph(
  config: T5Config,
  lowering: GenerationLowering,
  masked: boolean,
  common: readonly number[] | null,
): Graph {
  const g = createGraphBuilder();
  const head = headOf(g, config, lowering, common);
  const steps = g.input("steps", "int64", []);
  const tokens = g.input("tokens", "int32", ["B", 1]);
  const buckets = g.input("position_buckets", "int32", ["M"]);
  const ended = g.input("ended", "bool", ["B", 1]);
  const stops = g.input("stops", "bool", [head.columns]);
  const processing = processingInputs(g, head, tokens);
  const text = g.input("text", "int32", ["B", "L"]);
  const reach = g.input("reach", "int32", ["B", "L"]);
  const past = decoderCacheInputs(g, config, "B");
  const { crossOf, mask } = encoderInputs(g, config, masked);

  const { columns, logProbabilities, present } = greedySteps(g, config, lowering, head, {
    ...{ steps, tokens, ended, text, reach, past, crossOf, mask, buckets, processing },
    padColumn: common === null ? config.padTokenId : common.indexOf(config.padTokenId),
    ends: (body, chosen) => ops.gather(body, stops, chosen, 0),
  });
  return g.build("greedy", { columns, log_probabilities: logProbabilities, ...cacheOutputs(present) });
}

/** Values that the loop begins with and depends on: inputs of {@link greedyGraph}, or computed ones. */
export interface GreedyValues extends Omit<EncoderInputs, "cross"> {
  readonly steps: Value;
  readonly tokens: Value;
  readonly ended: Value;
  readonly text: Value;
  readonly reach: Value;
  readonly past: readonly KeysAndValues[];
  readonly buckets: Value;
  readonly processing: Processing;
  /** The column of the padding that follows a row's end. */
  readonly padColumn: number;
  /** Whether chosen columns int64 [B, 1] end their rows, bool [B, 1]. */
  readonly ends: (body: GraphBuilder, chosen: Value) => Value;
}

/** The processing of logits; the tensors are inputs of {@link greedyGraph}. */
export interface Processing {
  readonly process: Value;
  readonly source: Value;
  readonly added: Value;
  /** int32 [], or [B, 1] */
  readonly ngram: Value;
  /** The bonuses of levels less one, int32 [B, Z] -> float32 [B, Z]. */
  readonly bonusOf: (b: GraphBuilder, level: Value) => Value;
  /** Z, int64 [1]. */
  readonly sourceEnd: Value;
  /** The first token's place in a text, int64 [1]. */
  readonly begin: Value;
  /** Ones, int32 [B, 1]. */
  readonly ones: Value;
}

/** The results of {@link greedySteps}: the outputs of {@link greedyGraph}. */
export interface GreedyResults {
  readonly columns: Value;
  readonly logProbabilities: Value;
  readonly present: readonly KeysAndValues[];
}

/** Adds the loop of greedy steps. */
export function greedySteps(
  g: GraphBuilder,
  config: T5Config,
  lowering: GenerationLowering,
  head: Head,
  values: GreedyValues,
): GreedyResults {
  const { steps, tokens, ended, text, reach, past, crossOf, mask, processing } = values;
  const { byDistance, begin, minusOne } = distanceBiases(g, config, lowering, values.buckets, layerCache(past, 0));

  const body = g.body();
  body.input("iteration", "int64", []);
  body.input("condition", "bool", []);
  const now = loopState(body, past);
  const end = body.constant("int64", [1], [Number.MAX_SAFE_INTEGER]);
  const biases = byDistance.map((bias) => ops.slice(body, bias, 3, now.begin, end, "P+1")); // [1, H, 1, P + 1]
  const layers = layersOn(body, config, lowering);
  // [B, 1, D]
  const x = layers.embed(head.ids(body, now.tokens), "decoder", () =>
    ops.shapeOf(body, layerCache(now.past, 0).key, 2, 3),
  );
  const { hidden, present } = layers.decoderStack(x, {
    biasOf: biasOfTables(config, "decoder", biases),
    crossOf,
    mask,
    past: { caches: now.past, total: "P+1" },
  });
  const logits = ops.reshape(body, head.logits(body, hidden), ["B", head.columns]);
  const { padColumn } = values;
  if (padColumn < 0) throw new RangeError("a shortlist holds the padding token");
  const choice = bestTokens(body, logits, now, processing);
  const best = ops.reshape(body, choice.best, ["B", 1]);
  const chosen = ops.where(body, now.ended, body.constant("int64", [], [padColumn]), best); // int64 [B, 1]
  const probabilities = ops.gatherElementsLast(body, ops.softmax(body, logits), chosen); // [B, 1]
  const endedNow = ops.or(body, now.ended, values.ends(body, chosen));
  const chosen32 = ops.cast(body, chosen, "int32");
  const step = body.build("greedy_step", {
    condition: anyOpen(body, endedNow),
    tokens: chosen32,
    ended: endedNow,
    begin: ops.add(body, now.begin, minusOne),
    text: ops.concat(body, [now.text, chosen32], 1, "L+1"),
    reach: choice.reach,
    ...cacheOutputs(present),
    columns: chosen,
    probabilities,
  });
  return greedyLoop(g, steps, step, [tokens, ended, begin, text, reach], past);
}

/**
 * The biases of each distance from int32 buckets [M], the farthest first, [1, H, 1, M]. Position p needs the last p + 1
 * of them: they begin at `begin` for the first new position, and one earlier for each that follows.
 */
function distanceBiases(g: GraphBuilder, config: T5Config, lowering: Lowering, buckets: Value, cache: KeysAndValues) {
  const byDistance = biasTables(config, "decoder").map((table) => {
    const values = ops.gather(g, biasRows(g, config, lowering(g), table), buckets, 0);
    return ops.reshape(g, ops.transpose(g, values, [1, 0]), [1, table.numHeads, 1, "M"]); // [H, M]
  });
  const minusOne = g.constant("int64", [1], [-1]);
  const last = ops.add(g, ops.shapeOf(g, buckets, 0, 1), minusOne);
  return { byDistance, minusOne, begin: ops.sub(g, last, ops.shapeOf(g, cache.key, 2, 3)) };
}

/** Runs a body up to `steps` times from the first values of what it carries. */
function greedyLoop(
  g: GraphBuilder,
  steps: Value,
  step: Graph,
  state: readonly Value[],
  past: readonly KeysAndValues[],
): GreedyResults {
  const initial = [...state, ...past.flatMap(({ key, value }) => [key, value])];
  const shapes = initial.map(({ shape }) => shape.map((dim) => (dim === "P" || dim === "L" ? `${dim}+steps` : dim)));
  const { carried, stacked } = ops.loop(g, steps, step, initial, shapes, "made");
  const caches = carried.slice(state.length);
  return {
    columns: at(stacked, 0),
    logProbabilities: ops.unary(g, "Log", at(stacked, 1)),
    present: past.map((_, layer) => ({ key: at(caches, 2 * layer), value: at(caches, 2 * layer + 1) })),
  };
}

/** Declares the values that the loop carries from step to step, in the order in which greedyGraph returns them. */
function loopState(body: GraphBuilder, past: readonly KeysAndValues[]) {
  return {
    tokens: body.input("tokens", "int32", ["B", 1]),
    ended: body.input("ended", "bool", ["B", 1]),
    begin: body.input("begin", "int64", [1]),
    text: body.input("text", "int32", ["B", "L"]),
    reach: body.input("reach", "int32", ["B", "L"]),
    past: past.map(({ key, value }) => ({
      key: body.input("past_key", "float32", key.shape),
      value: body.input("past_value", "float32", value.shape),
    })),
  };
}

/** Declares what the processing of logits depends on. */
function processingInputs(g: GraphBuilder, head: Head, tokens: Value): Processing {
  const process = g.input("process", "bool", []);
  const source = g.input("source", "int32", ["B", "Z"]);
  const sourceEnd = ops.shapeOf(g, source, 1, 2);
  const added = g.input("added", "float32", ["B", head.columns]);
  const begin = ops.add(g, sourceEnd, g.constant("int64", [1], [1]));
  const ngram = g.input("ngram", "int32", []);
  const bonuses = g.input("bonuses", "float32", [bonusLevels]);
  const bonusOf = (b: GraphBuilder, level: Value) => ops.gather(b, bonuses, level, 0);
  const ones = ops.add(g, ops.sub(g, tokens, tokens), g.constant("int32", [], [1]));
  return { process, source, sourceEnd, added, begin, ngram, bonusOf, ones };
}

/** Whether any row has not ended, bool []. */
function anyOpen(g: GraphBuilder, ended: Value): Value {
  const open = ops.unary(g, "Not", ops.reshape(g, ended, ["B"]));
  const most = ops.reduceLast(g, "ReduceMax", ops.cast(g, open, "int32")); // [1]
  return ops.reshape(g, ops.cast(g, most, "bool"), []);
}

/**
 * The best token of each row, int64 [B], by the logits or, where `process` holds, by the processed logits; and the next
 * reach.
 */
function bestTokens(
  g: GraphBuilder,
  logits: Value,
  { tokens, text, reach }: { tokens: Value; text: Value; reach: Value },
  input: Processing,
): { best: Value; reach: Value } {
  const plain = g.body();
  const asTheyAre = plain.build("plain", {
    best: argMax(plain, logits),
    reach: ops.concat(plain, [input.ones, reach], 1, "L+1"),
  });

  const b = g.body();
  const matched = ops.where(b, ops.equal(b, text, tokens), reach, b.constant("int32", [], [0])); // [B, L]
  const next = ops.concat(b, [input.ones, ops.add(b, matched, b.constant("int32", [], [1]))], 1, "L+1");
  const allowed = ops.add(b, logits, input.added); // [B, C]

  // Copying: a source token gains the more of the tokens before it were just generated.
  const reached = ops.slice(b, next, 1, b.constant("int64", [1], [0]), input.sourceEnd, "Z");
  const level = ops.min(b, reached, b.constant("int32", [], [bonusLevels]));
  const bonus = input.bonusOf(b, ops.sub(b, level, b.constant("int32", [], [1]))); // [B, Z]
  const raised = ops.add(b, ops.gatherElementsLast(b, allowed, input.source), bonus);
  const lifted = ops.scatterLast(b, "max", allowed, input.source, raised);

  // N-grams: a token is barred where the tokens before an earlier occurrence are those before this position.
  const rest = b.constant("int64", [1], [Number.MAX_SAFE_INTEGER]);
  const followers = ops.slice(b, text, 1, input.begin, rest, "N");
  const before = ops.slice(b, next, 1, input.begin, b.constant("int64", [1], [-1]), "N");
  const free = ops.less(b, before, input.ngram);
  const most = ops.where(b, free, b.constant("float32", [], [1e9]), b.constant("float32", [], [-1e9]));
  const barred = ops.scatterLast(b, "min", lifted, followers, most);
  const then = b.build("processed", { best: argMax(b, barred), reach: next });

  const chosen = ops.branch(g, input.process, then, asTheyAre);
  return { best: at(chosen, 0), reach: at(chosen, 1) };
}

/**
 * The index of each row's largest logit, int64 [B], the first of equals. The maximum over blocks, which the runtime
 * vectorizes, and then the position within the best block take a third of the time of its ArgMax.
 */
function argMax(g: GraphBuilder, logits: Value): Value {
  const block = 128;
  const [rows = 0, width] = logits.shape;
  if (typeof width !== "number" || width % block !== 0) return ops.argMaxLast(g, logits);
  const blocks = ops.reshape(g, logits, [rows, width / block, block]);
  const largest = ops.reshape(g, ops.reduceLast(g, "ReduceMax", blocks), [rows, width / block]);
  const bestBlock = ops.argMaxLast(g, largest); // [B]
  const within = ops.pickRows(g, blocks, bestBlock);
  return ops.add(g, ops.mul(g, bestBlock, g.constant("int64", [], [block])), ops.argMaxLast(g, within));
}
