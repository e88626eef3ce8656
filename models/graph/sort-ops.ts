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

/**
 * The largest elements along the last axis, largest first, the first of equals before the others, and their places.
 * @param count int64 [1]
 * @param extent the name of the number of them
 */
export function largestLast(
  g: GraphBuilder,
  x: Value,
  count: Value,
  extent: string,
): { readonly values: Value; readonly places: Value } {
  const shape = [...x.shape.slice(0, -1), extent];
  const results = [x.dtype, "int64" as const].map((dtype) => ({ dtype, shape }));
  const found = g.add("TopK", [x, count], results, { axis: { int: -1 }, largest: { int: 1 }, sorted: { int: 1 } });
  return { values: at(found, 0), places: at(found, 1) };
}
