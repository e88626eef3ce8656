/** ONNX's operators as functions: each checks the shapes of its inputs, states the result's, and adds the node. */
import type { GraphBuilder } from "./builder.ts";
import { broadcast, dimAt, elementwise, one, requireEqual, requireSameType, shapeError, shapeText } from "./node.ts";
import { type Dim, type DType, elementTypes, type Graph, type Shape, type Value } from "./types.ts";

// Element-wise, with NumPy's broadcasting.

/** a + b. */
export function add(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, "Add", a, b);
}

/** a - b. */
export function sub(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, "Sub", a, b);
}

/** a * b. */
export function mul(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, "Mul", a, b);
}

/** a / b. */
export function div(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, "Div", a, b);
}

/** The smaller of a and b. */
export function min(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, "Min", a, b);
}

/** a == b, as bool. */
export function equal(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, "Equal", a, b, "bool");
}

/** a < b, as bool. */
export function less(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, "Less", a, b, "bool");
}

/** a or b, both bool. */
export function or(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, "Or", a, b);
}

/** condition ? a : b, element by element. */
export function where(g: GraphBuilder, condition: Value, a: Value, b: Value): Value {
  requireSameType("Where", a, b);
  const shape = broadcast("Where", condition.shape, broadcast("Where", a.shape, b.shape));
  return one(g, "Where", [condition, a, b], a.dtype, shape);
}

type UnaryOp = "Relu" | "Sigmoid" | "Sign" | "Exp" | "Log" | "Sqrt" | "Reciprocal" | "Not" | "Neg" | "Identity";

/** A function of each element, of the same shape and type. */
export function unary(g: GraphBuilder, op: UnaryOp, x: Value): Value {
  return one(g, op, [x], x.dtype, x.shape);
}

/** 1 where x (at least 0) is above 0, else 0. HardSigmoid runs on several threads, unlike Sign, but not in float64. */
export function positive(g: GraphBuilder, x: Value): Value {
  if (x.dtype !== "float32") return unary(g, "Sign", x);
  return one(g, "HardSigmoid", [x], x.dtype, x.shape, { alpha: { float: 1e38 }, beta: { float: 0 } });
}

/** GELU in its tanh form (0.044715), as T5 1.1's gated-gelu uses it. */
export function geluTanh(g: GraphBuilder, x: Value): Value {
  return one(g, "Gelu", [x], x.dtype, x.shape, { approximate: { string: "tanh" } });
}

/** GELU by the error function. */
export function gelu(g: GraphBuilder, x: Value): Value {
  return one(g, "Gelu", [x], x.dtype, x.shape, { approximate: { string: "none" } });
}

/** x limited to low..high. */
export function clip(g: GraphBuilder, x: Value, low: number, high: number): Value {
  return one(g, "Clip", [x, g.constant(x.dtype, [], [low]), g.constant(x.dtype, [], [high])], x.dtype, x.shape);
}

/** x with its elements converted to another type. */
export function cast(g: GraphBuilder, x: Value, dtype: DType): Value {
  return one(g, "Cast", [x], dtype, x.shape, { to: { int: elementTypes[dtype] } });
}

/** The integers from `begin` up to `end` (int64 [] both, `end` excluded), [extent]. */
export function range(g: GraphBuilder, begin: Value, end: Value, extent: Dim): Value {
  return one(g, "Range", [begin, end, g.constant("int64", [], [1])], "int64", [extent]);
}

// Reductions.

/** Softmax over the last axis. */
export function softmax(g: GraphBuilder, x: Value): Value {
  return one(g, "Softmax", [x], x.dtype, x.shape, { axis: { int: -1 } });
}

/** The logs of {@link softmax}. */
export function logSoftmax(g: GraphBuilder, x: Value): Value {
  return one(g, "LogSoftmax", [x], x.dtype, x.shape, { axis: { int: -1 } });
}

/** Reduces the last axis to extent 1. */
export function reduceLast(
  g: GraphBuilder,
  op: "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin",
  x: Value,
): Value {
  const axes = g.constant("int64", [1], [-1]);
  return one(g, op, [x, axes], x.dtype, [...x.shape.slice(0, -1), 1], { keepdims: { int: 1 } });
}

/** Sums over the axes, which are removed unless `keep`. */
export function reduceSum(g: GraphBuilder, x: Value, axes: readonly number[], keep: boolean): Value {
  const shape = x.shape.flatMap((dim, i) => (axes.includes(i) ? (keep ? [1] : []) : [dim]));
  const inputs = [x, g.constant("int64", [axes.length], axes)];
  return one(g, "ReduceSum", inputs, x.dtype, shape, { keepdims: { int: Number(keep) } });
}

/** Index (int64) of the largest element along the last axis, which is removed; the first of equals. */
export function argMaxLast(g: GraphBuilder, x: Value): Value {
  return one(g, "ArgMax", [x], "int64", x.shape.slice(0, -1), { axis: { int: -1 }, keepdims: { int: 0 } });
}

// Shapes and positions.

/** The same elements in another shape. Extents that are not numbers are copied from x (0) or, once, inferred (-1). */
export function reshape(g: GraphBuilder, x: Value, shape: Shape): Value {
  const inferred = shape.filter((dim, i) => typeof dim === "string" && x.shape[i] !== dim).length;
  if (inferred > 1)
    throw shapeError("Reshape", `${shapeText(x.shape)} to ${shapeText(shape)} leaves more than one extent to infer`);
  const target = shape.map((dim, i) => (typeof dim === "number" ? dim : x.shape[i] === dim ? 0 : -1));
  return one(g, "Reshape", [x, g.constant("int64", [target.length], target)], x.dtype, shape);
}

/** The same elements in a shape known at run time (an int64 vector), whose extents the caller names. */
export function reshapeTo(g: GraphBuilder, x: Value, target: Value, shape: Shape): Value {
  return one(g, "Reshape", [x, target], x.dtype, shape);
}

/** x with a new axis of extent 1. */
export function unsqueeze(g: GraphBuilder, x: Value, axis: number): Value {
  const shape = [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)];
  return one(g, "Unsqueeze", [x, g.constant("int64", [1], [axis])], x.dtype, shape);
}

/** x with its axes in another order. */
export function transpose(g: GraphBuilder, x: Value, order: readonly number[]): Value {
  if (order.length !== x.shape.length) throw shapeError("Transpose", `${shapeText(x.shape)} by ${order.join(", ")}`);
  return one(
    g,
    "Transpose",
    [x],
    x.dtype,
    order.map((axis) => dimAt(x.shape, axis)),
    { perm: { ints: order } },
  );
}

/** The values joined along an axis; `extent` names the joined extent where one of them is not a number. */
export function concat(g: GraphBuilder, values: readonly Value[], axis: number, extent?: Dim): Value {
  const first = values[0];
  if (first === undefined) throw shapeError("Concat", "no values");
  let sum = 0;
  for (const value of values) {
    requireSameType("Concat", first, value);
    const dim = dimAt(value.shape, axis);
    sum += typeof dim === "number" ? dim : Number.NaN;
  }
  const joined = extent ?? (Number.isNaN(sum) ? undefined : sum);
  if (joined === undefined) throw shapeError("Concat", "the joined extent needs a name");
  const shape = first.shape.map((dim, i) => (i === axis ? joined : dim));
  return one(g, "Concat", [...values], first.dtype, shape, { axis: { int: axis } });
}

/** x cut along its last axis into pieces of these extents. */
export function splitLast(g: GraphBuilder, x: Value, extents: readonly number[]): Value[] {
  const last = x.shape.at(-1);
  const sum = extents.reduce((total, extent) => total + extent, 0);
  if (last !== sum) throw shapeError("Split", `${shapeText(x.shape)} into ${extents.join(" + ")}`);
  const results = extents.map((extent) => ({ dtype: x.dtype, shape: [...x.shape.slice(0, -1), extent] }));
  return g.add("Split", [x, g.constant("int64", [extents.length], extents)], results, { axis: { int: -1 } });
}

/** x[..., begin : end, ...] along one axis; begin and end are int64 [1]. `extent` names the resulting extent. */
export function slice(g: GraphBuilder, x: Value, axis: number, begin: Value, end: Value, extent: Dim): Value {
  const shape = x.shape.map((dim, i) => (i === axis ? extent : dim));
  return one(g, "Slice", [x, begin, end, g.constant("int64", [1], [axis])], x.dtype, shape);
}

/** data's slices along an axis, picked by integer indices: axis is replaced by the indices' shape. */
export function gather(g: GraphBuilder, data: Value, indices: Value, axis: number): Value {
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  return one(g, "Gather", [data, indices], data.dtype, shape, { axis: { int: axis } });
}

/** For each row of data [B, N, M] its slice at index [B]: [B, M]. */
export function pickRows(g: GraphBuilder, data: Value, index: Value): Value {
  const place = unsqueeze(g, index, 1); // [B, 1]
  return one(g, "GatherND", [data, place], data.dtype, [dimAt(data.shape, 0), dimAt(data.shape, 2)], {
    batch_dims: { int: 1 },
  });
}

/** data's elements along the last axis, picked by indices of the same rank. */
export function gatherElementsLast(g: GraphBuilder, data: Value, indices: Value): Value {
  return one(g, "GatherElements", [data, indices], data.dtype, indices.shape, { axis: { int: -1 } });
}

/** The smaller (or larger) of data and updates at indices along the last axis; negative indices count from the end. */
export function scatterLast(g: GraphBuilder, keep: "min" | "max", data: Value, indices: Value, updates: Value): Value {
  return one(g, "ScatterElements", [data, indices, updates], data.dtype, data.shape, {
    axis: { int: -1 },
    reduction: { string: keep },
  });
}

/** x broadcast to a shape; extents are taken from an int64 vector at run time. */
export function expand(g: GraphBuilder, x: Value, extents: Value, shape: Shape): Value {
  return one(g, "Expand", [x, extents], x.dtype, shape);
}

/** The extents begin..end of x's shape, int64. */
export function shapeOf(g: GraphBuilder, x: Value, begin: number, end: number): Value {
  return one(g, "Shape", [x], "int64", [end - begin], { start: { int: begin }, end: { int: end } });
}

// Products.

/** a @ b over the last two axes; leading axes broadcast. */
export function matmul(g: GraphBuilder, a: Value, b: Value): Value {
  requireSameType("MatMul", a, b);
  requireEqual("MatMul", a, a.shape.at(-1), b, b.shape.at(-2));
  const lead = broadcast("MatMul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  return one(g, "MatMul", [a, b], a.dtype, [...lead, dimAt(a.shape, -2), dimAt(b.shape, -1)]);
}

/**
 * A transposed copy of a matrix. Products that read its rows take two thirds of the time of those that transpose as
 * they go. The reshape changes nothing; it keeps the runtime from fusing the transposition into the product.
 */
export function transposedCopy(g: GraphBuilder, x: Value): Value {
  const across = transpose(g, x, [1, 0]);
  return reshapeTo(g, across, shapeOf(g, across, 0, 2), across.shape);
}

/** Options of gemm. */
export interface GemmOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Added to the product; broadcast to it. */
  readonly plus?: Value;
}

/** a @ b of two matrices, each optionally transposed. */
export function gemm(g: GraphBuilder, a: Value, b: Value, options: GemmOptions = {}): Value {
  const { transposeA = false, transposeB = false, plus } = options;
  requireSameType("Gemm", a, b);
  requireEqual("Gemm", a, a.shape[transposeA ? 0 : 1], b, b.shape[transposeB ? 1 : 0]);
  const shape = [dimAt(a.shape, transposeA ? 1 : 0), dimAt(b.shape, transposeB ? 0 : 1)];
  const attributes = { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) } };
  return one(g, "Gemm", plus === undefined ? [a, b] : [a, b, plus], a.dtype, shape, attributes);
}

// Control.

/** The outputs of one of two branches (graphs without inputs), with the types that `otherwise` states. */
export function branch(g: GraphBuilder, condition: Value, then: Graph, otherwise: Graph): Value[] {
  const results = otherwise.outputs.map(({ dtype, shape }) => ({ dtype, shape }));
  return g.add("If", [condition], results, { then_branch: { graph: then }, else_branch: { graph: otherwise } });
}

/**
 * Runs a body up to `trips` times, as long as its condition holds.
 * @param trips int64 []
 * @param body inputs: iteration int64 [], condition bool [], carried values; outputs: condition, carried values,
 *   scanned values
 * @param initial the carried values' first values
 * @param carriedShapes shapes of the carried values after the loop
 * @param scanned the name of the extent along which the scanned values are stacked
 */
export function loop(
  g: GraphBuilder,
  trips: Value,
  body: Graph,
  initial: readonly Value[],
  carriedShapes: readonly Shape[],
  scanned: Dim,
): { carried: Value[]; stacked: Value[] } {
  const outputs = body.outputs.slice(1);
  const results = outputs.map((value, i) =>
    i < initial.length
      ? { dtype: value.dtype, shape: carriedShapes[i] ?? value.shape }
      : { dtype: value.dtype, shape: [scanned, ...value.shape] },
  );
  const values = g.add("Loop", [trips, null, ...initial], results, { body: { graph: body } });
  return { carried: values.slice(0, initial.length), stacked: values.slice(initial.length) };
}
