/**
 * A model's operations as graphs that inference servers run by themselves: ids go in, numbers come out, and nothing is
 * kept between requests. All in plain operators, so that runtimes other than ONNX Runtime open them too.
 */
import { ModelError } from "../../errors.ts";
import { createGraphBuilder, type GraphBuilder } from "../../graph/builder.ts";
import { at } from "../../graph/node.ts";
import * as ops from "../../graph/ops.ts";
import type { Graph, Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import { cacheOutputs, decoderCacheInputs, layerCache } from "../decoder.ts";
import { layersOn } from "../layers.ts";
import { biasOfTables } from "../lowering/biases.ts";
import { additiveMask, positionBiases, positionBuckets } from "../lowering/in-graph.ts";
import type { TensorSource } from "../lowering/lowering.ts";
import { plainLowering } from "../lowering/plain.ts";
import { generation } from "./generation.ts";
import { crossOf, encodedText, type Served } from "./text.ts";

/** The graphs. */
export const SERVED_GRAPHS = ["encode", "step", "generate", "decode"] as const;
export type ServedGraph = (typeof SERVED_GRAPHS)[number];

/**
 * Returns the graph of an operation. Ids, masks and counts are int32, B rows of a batch; each output has B rows, so
 * that a server can batch requests of equal shapes. All end with `model_sum` int32 [B, 8], the given sum.
 * - encode: `input_ids` [B, S], `attention_mask` [B, S] -> `hidden` float32 [B, S, D]
 * - step: those, `tokens` [B, R, T], `first` [B, 1], `candidates` [B, C] -> `logits` float32 [B, R, N, V or C], of the
 *   positions from the least `first` on. A negative candidate stands for the whole vocabulary.
 * - generate: see generation.ts
 * - decode: a step with its cache as tensors, for clients that keep it: `hidden` and `attention_mask`, `tokens` [B, T],
 *   `past_key_i`, `past_value_i` float32 [B, H, P, K] -> `logits` float32 [B, T, V], `present_key_i`, `present_value_i`
 *   [B, H, P + T, K]
 * @param tensors float32, of tensorShapes(config)
 * @throws ModelError "config" for a shape that has no such graph
 */
export function servedGraph(
  config: T5Config,
  tensors: TensorSource,
  sum: ArrayLike<number>,
  which: ServedGraph,
): Graph {
  refuseForServers(config);
  const g = createGraphBuilder();
  const lowering = plainLowering(config, (b, name) => {
    const stored = tensors.get(name);
    if (stored === undefined) throw new RangeError(`there is no weight ${name}`);
    return b.external(name, stored.dtype, stored.shape, stored.data);
  });
  const served = { g, config, lowering, layers: layersOn(g, config, lowering) };
  const outputs = outputsOf(served, which);
  const batch = ops.shapeOf(g, at(Object.values(outputs), 0), 0, 1);
  const extents = ops.concat(g, [batch, g.constant("int64", [1], [sum.length])], 0);
  const rows = ops.expand(g, g.constant("int32", [1, sum.length], sum), extents, ["B", sum.length]);
  return g.build(which, { ...outputs, model_sum: rows });
}

function outputsOf(served: Served, which: ServedGraph): Record<string, Value> {
  switch (which) {
    case "encode":
      return { hidden: encodedText(served).states };
    case "step":
      return { logits: step(served) };
    case "generate":
      return generation(served);
    case "decode":
      return decode(served);
  }
}

/** @throws ModelError "config" for a model that {@link servedGraph} does not write */
export function refuseForServers({ longAttention, experts, convolution, fairseq }: T5Config): void {
  const what =
    fairseq !== null
      ? "a METRO-T0's learned positions"
      : longAttention !== null
        ? "LongT5's attention in blocks"
        : experts !== null
          ? "A Switch Transformer's experts"
          : convolution > 0
            ? "Primer's convolutions"
            : undefined;
  if (what === undefined) return;
  throw new ModelError(
    "config",
    `${what} cannot be exported to other servers. Serve the model with spanfill serve --http instead.`,
  );
}

function step(served: Served): Value {
  const { g, config, lowering, layers } = served;
  const { ids, mask, states } = encodedText(served);
  const tokens = g.input("tokens", "int32", ["B", "R", "T"]);
  const first = g.input("first", "int32", ["B", 1]);
  const candidates = g.input("candidates", "int32", ["B", "C"]);
  const length = ops.shapeOf(g, tokens, 2, 3);
  const [inferred, width] = [g.constant("int64", [1], [-1]), g.constant("int64", [1], [0])];
  const rows = ops.reshapeTo(g, tokens, ops.concat(g, [inferred, length], 0), ["rows", "T"]);
  // The positions of all rows that share an encoder row attend to it as one row.
  const batch = ops.shapeOf(g, ids, 0, 1);
  const folding = {
    folded: ops.concat(g, [batch, inferred, width], 0),
    unfolded: ops.concat(g, [ops.shapeOf(g, rows, 0, 2), width], 0),
  };
  const buckets = positionBuckets(g, config, "decoder", { length, total: length, extents: ["T", "T"] });
  const biases = positionBiases(layers, config, "decoder", buckets);
  const inputs = { biasOf: biasOfTables(config, "decoder", biases), crossOf: crossOf(served, states), mask, folding };
  const { hidden } = layers.decoderStack(layers.embed(rows, "decoder"), inputs); // [rows, T, D]
  const least = ops.reduceLast(g, "ReduceMin", ops.reshape(g, first, [1, "B"])); // [1, 1]
  const begin = ops.cast(g, ops.reshape(g, least, [1]), "int64");
  const wanted = ops.slice(g, hidden, 1, begin, length, "N"); // [rows, N, D]
  const extents = ops.concat(g, [ops.shapeOf(g, tokens, 0, 2), ops.shapeOf(g, wanted, 1, 2), inferred], 0);
  const shape = ["B", "R", "N", config.vocabSize];
  const logits = ops.reshapeTo(g, lowering(g).logits(wanted), extents, shape);
  return someColumns(g, logits, candidates);
}

/** The candidates' columns of logits [B, R, N, V], or all of them where a candidate is negative. */
function someColumns(g: GraphBuilder, logits: Value, candidates: Value): Value {
  const least = ops.reduceLast(g, "ReduceMin", ops.reshape(g, candidates, [1, "B*C"])); // [1, 1]
  const whole = ops.reshape(g, ops.less(g, least, g.constant("int32", [], [0])), []);
  const [all, some] = [g.body(), g.body()];
  const extents = ops.concat(some, [ops.shapeOf(some, logits, 0, 3), ops.shapeOf(some, candidates, 1, 2)], 0);
  const columns = ops.unsqueeze(some, ops.unsqueeze(some, candidates, 1), 1); // [B, 1, 1, C]
  const indices = ops.expand(some, columns, extents, ["B", "R", "N", "columns"]);
  const chosen = ops.branch(
    g,
    whole,
    all.build("all", { logits: ops.unary(all, "Identity", logits) }),
    some.build("some", { logits: ops.gatherElementsLast(some, logits, indices) }),
  );
  return at(chosen, 0);
}

function decode(served: Served): Record<string, Value> {
  const { g, config, lowering, layers } = served;
  const states = g.input("hidden", "float32", ["B", "S", config.dModel]);
  const mask = additiveMask(g, g.input("attention_mask", "int32", ["B", "S"]));
  const tokens = g.input("tokens", "int32", ["B", "T"]);
  const caches = decoderCacheInputs(g, config, "B");
  const length = ops.shapeOf(g, tokens, 1, 2);
  const total = ops.add(g, ops.shapeOf(g, layerCache(caches, 0).key, 2, 3), length);
  const buckets = positionBuckets(g, config, "decoder", { length, total, extents: ["T", "P+T"] });
  const biases = positionBiases(layers, config, "decoder", buckets);
  const { hidden, present } = layers.decoderStack(layers.embed(tokens, "decoder"), {
    biasOf: biasOfTables(config, "decoder", biases),
    crossOf: crossOf(served, states),
    mask,
    past: { caches, total: "P+T" },
  });
  return { logits: lowering(g).logits(hidden), ...cacheOutputs(present) };
}
