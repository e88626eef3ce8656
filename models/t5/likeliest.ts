/** The likeliest tokens of a step, chosen in the graph: the logits of a whole vocabulary need not leave it. */
import type { GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import { largestLast } from "../graph/sort-ops.ts";
import type { Value } from "../graph/types.ts";

/** The log probability of what is kept apart, among those that compete. */
export const KEPT_APART = -1e30;

/**
 * Adds the choice, which is made when the input `choose` bool [] holds; else its outputs are empty.
 *
 * Inputs: `apart` int32 [R, Z], columns that do not compete; `count` int64 [1], how many are wanted.
 * @param logits float32 [R, T, C], of which the last position counts
 * @returns outputs: `likeliest` float32 [R, K], the largest log probabilities but for those apart, largest first;
 *   `likeliest_columns` int64 [R, K]; `apart_log_probs` float32 [R, Z]
 */
export function likeliest(g: GraphBuilder, logits: Value): Record<string, Value> {
  const choose = g.input("choose", "bool", []);
  const apart = g.input("apart", "int32", ["R", "Z"]);
  const count = g.input("count", "int64", [1]);

  const idle = g.body();
  const nothing = idle.constant("float32", [0, 0], []);
  const none = idle.build("none", {
    likeliest: nothing,
    likeliest_columns: idle.constant("int64", [0, 0], []),
    apart_log_probs: ops.unary(idle, "Identity", nothing),
  });

  const b = g.body();
  const last = ops.gather(b, logits, b.constant("int64", [], [-1]), 1); // [R, C]
  const logProbs = ops.logSoftmax(b, last);
  const lowest = ops.expand(b, b.constant("float32", [1, 1], [KEPT_APART]), ops.shapeOf(b, apart, 0, 2), ["R", "Z"]);
  const { values, places } = largestLast(b, ops.scatterLast(b, "min", logProbs, apart, lowest), count, "K");
  const chosen = b.build("chosen", {
    likeliest: values,
    likeliest_columns: places,
    apart_log_probs: ops.gatherElementsLast(b, logProbs, apart),
  });
  const [best, columns, kept] = ops.branch(g, ops.unary(g, "Not", choose), none, chosen);
  if (best === undefined || columns === undefined || kept === undefined) throw new RangeError("a branch lost a value");
  return { likeliest: best, likeliest_columns: columns, apart_log_probs: kept };
}
