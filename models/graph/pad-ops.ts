/** ONNX's padding, and shifts by it: what a position sees of its neighbors. */
import type { GraphBuilder } from "./builder.ts";
import { one } from "./node.ts";
import { concat } from "./ops.ts";
import type { Dim, Shape, Value } from "./types.ts";

/** x with zeros before and after along one axis, or with less by negative counts (int64 [1] each). */
export function pad(g: GraphBuilder, x: Value, axis: number, before: Value, after: Value, extent: Dim): Value {
  const none = (count: number) => (count === 0 ? [] : [g.constant("int64", [count], Array<number>(count).fill(0))]);
  const rank = x.shape.length;
  const counts = concat(g, [...none(axis), before, ...none(rank - 1), after, ...none(rank - axis - 1)], 0);
  return padBy(
    g,
    x,
    counts,
    x.shape.map((dim, i) => (i === axis ? extent : dim)),
  );
}

/** x with counts of zeros before each axis, then after each, int64 [2 * rank]; negative ones cut. */
export function padBy(g: GraphBuilder, x: Value, counts: Value, shape: Shape): Value {
  return one(g, "Pad", [x, counts], x.dtype, shape);
}

/** x moved along an axis by 1 or -1; zeros take the place that becomes free. */
export function shift(g: GraphBuilder, x: Value, axis: number, by: 1 | -1): Value {
  const counts = Array<number>(2 * x.shape.length).fill(0);
  counts[axis] = by;
  counts[x.shape.length + axis] = -by;
  return padBy(g, x, g.constant("int64", [counts.length], counts), x.shape);
}
