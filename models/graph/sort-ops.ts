/** ONNX's operators that count and sort: which rows go where. */
import type { GraphBuilder } from "./builder.ts";
import { at, dimAt, one } from "./node.ts";
import type { Value } from "./types.ts";

/** Sums of x from the first element along an axis up to each. */
export function cumulativeSum(g: GraphBuilder, x: Value, axis: number): Value {
  return one(g, "CumSum", [x, g.constant("int64", [], [axis])], x.dtype, x.shape);
}

/**
 * The places of a vector's elements from the smallest to the largest, int64.
 * @param count int64 [1], the vector's length
 */
export function ascendingOrder(g: GraphBuilder, x: Value, count: Value): Value {
  const results = [x.dtype, "int64" as const].map((dtype) => ({ dtype, shape: [dimAt(x.shape, 0)] }));
  return at(g.add("TopK", [x, count], results, { largest: { int: 0 }, sorted: { int: 1 } }), 1);
}
