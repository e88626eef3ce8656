/** One function an operator: each checks its inputs' shapes, states the result's, and adds the node. */
import { ModelError } from "../errors.ts";
import type { GraphBuilder } from "./builder.ts";
import { type Dim, type DType, elementTypes, type Graph, type Shape, type Value } from "./types.ts";

const MICROSOFT = "com.microsoft";

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

/** a and b, both bool. */
export function and(g: GraphBuilder, a: Value, b: Value): Value {
  return elementwise(g, "And", a, b);
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

/** A function of each element; the shape and the type stay. */
export function unary(g: GraphBuilder, op: UnaryOp, x: Value): Value {
  return one(g, op, [x], x.dtype, x.shape);
}

/** 1 where x is above 0, else 0, in one pass of several threads (Sign has one); float64 has Sign alone. For x of at least 0. */
export function positive(g: GraphBuilder, x: Value): Value {
  if (x.dtype !== "float32") return unary(g, "Sign", x);
  return one(g, "HardSigmoid", [x], x.dtype, x.shape, { alpha: { float: 1e38 }, beta: { float: 0 } });
}

/** GELU in its tanh form (0.044715), as T5 1.1's gated-gelu uses it. */
export function geluTanh(g: GraphBuilder, x: Value): Value {
  return one(g, "Gelu", [x], x.dtype, x.shape, { approximate: { string: "tanh" } });
}

/** x with its elements converted to another type. */
export function cast(g: GraphBuilder, x: Value, dtype: DType): Value {
  return one(g, "Cast", [x], dtype, x.shape, { to: { int: elementTypes[dtype] } });
}

// Reductions.

/** Softmax over the last axis. */
export function softmax(g: GraphBuilder, x: Value): Value {
  return one(g, "Softmax", [x], x.dtype, x.shape, { axis: { int: -1 } });
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

/** Sums over the given axes, which are dropped unless `keep`. */
export function reduceSum(g: GraphBuilder, x: Value, axes: readonly number[], keep: boolean): Value {
  const shape = x.shape.flatMap((dim, i) => (axes.includes(i) ? (keep ? [1] : []) : [dim]));
  const inputs = [x, g.constant("int64", [axes.length], axes)];
  return one(g, "ReduceSum", inputs, x.dtype, shape, { keepdims: { int: Number(keep) } });
}

/** Index (int64) of the largest element of the last axis, which is dropped; the first of equals. */
export function argMaxLast(g: GraphBuilder, x: Value): Value {
  return one(g, "ArgMax", [x], "int64", x.shape.slice(0, -1), { axis: { int: -1 }, keepdims: { int: 0 } });
}

// Shape and place.

/** The same elements in another shape. Extents that are not numbers are copied from x (0) or, once, inferred (-1). */
export function reshape(g: GraphBuilder, x: Value, shape: Shape): Value {
  const inferred = shape.filter((dim, i) => typeof dim === "string" && x.shape[i] !== dim).length;
  if (inferred > 1)
    throw shapeError("Reshape", `${text(x.shape)} to ${text(shape)} leaves more than one extent to infer`);
  const target = shape.map((dim, i) => (typeof dim === "number" ? dim : x.shape[i] === dim ? 0 : -1));
  return one(g, "Reshape", [x, g.constant("int64", [target.length], target)], x.dtype, shape);
}

/** The same elements in a shape given at run time (int64 vector), which the caller names. */
export function reshapeTo(g: GraphBuilder, x: Value, target: Value, shape: Shape): Value {
  return one(g, "Reshape", [x, target], x.dtype, shape);
}

/** x with a new axis of extent 1. */
export function unsqueeze(g: GraphBuilder, x: Value, axis: number): Value {
  const shape = [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)];
  return one(g, "Unsqueeze", [x, g.constant("int64", [1], [axis])], x.dtype, shape);
}

/** x with its axes in the given order. */
export function transpose(g: GraphBuilder, x: Value, order: readonly number[]): Value {
  if (order.length !== x.shape.length) throw shapeError("Transpose", `${text(x.shape)} by ${order.join(", ")}`);
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

/** x cut along its last axis into pieces of the given extents. */
export function splitLast(g: GraphBuilder, x: Value, extents: readonly number[]): Value[] {
  const last = x.shape.at(-1);
  const sum = extents.reduce((total, extent) => total + extent, 0);
  if (last !== sum) throw shapeError("Split", `${text(x.shape)} into ${extents.join(" + ")}`);
  const results = extents.map((extent) => ({ dtype: x.dtype, shape: [...x.shape.slice(0, -1), extent] }));
  return g.add("Split", [x, g.constant("int64", [extents.length], extents)], results, { axis: { int: -1 } });
}

/** x[..., begin : end, ...] along one axis; begin and end are int64 [1]. `extent` names what is left. */
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

/** The smaller (or larger) of data and the updates at indices along the last axis; negative indices count from its end. */
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
 * A matrix turned, in memory of its own: products read its rows, where one that turns it as it goes takes half as long again. The
 * reshape changes nothing; it keeps the runtime from putting both into one.
 */
export function turned(g: GraphBuilder, x: Value): Value {
  const across = transpose(g, x, [1, 0]);
  return reshapeTo(g, across, shapeOf(g, across, 0, 2), across.shape);
}

/** How gemm reads its operands. */
export interface GemmOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Added to the product; broadcast to it. */
  readonly plus?: Value;
}

/** a @ b of two matrices, either one transposed. */
export function gemm(g: GraphBuilder, a: Value, b: Value, options: GemmOptions = {}): Value {
  const { transposeA = false, transposeB = false, plus } = options;
  requireSameType("Gemm", a, b);
  requireEqual("Gemm", a, a.shape[transposeA ? 0 : 1], b, b.shape[transposeB ? 1 : 0]);
  const shape = [dimAt(a.shape, transposeA ? 1 : 0), dimAt(b.shape, transposeB ? 0 : 1)];
  const attributes = { transA: { int: Number(transposeA) }, transB: { int: Number(transposeB) } };
  return one(g, "Gemm", plus === undefined ? [a, b] : [a, b, plus], a.dtype, shape, attributes);
}

/** x @ weight^T: a linear layer whose weight is [out, in], as checkpoints hold it. The runtime's own operator. */
export function fusedLinear(g: GraphBuilder, x: Value, weight: Value): Value {
  requireEqual("FusedMatMul", x, x.shape.at(-1), weight, weight.shape.at(-1));
  return one(
    g,
    "FusedMatMul",
    [x, weight],
    x.dtype,
    [...x.shape.slice(0, -1), dimAt(weight.shape, 0)],
    { transB: { int: 1 } },
    MICROSOFT,
  );
}

/**
 * x @ W^T where W [out, in] is held in blocks of 8-bit values with one scale each, multiplied in int8.
 * @param values uint8 [out, blocks, blockSize], zero point 128
 * @param scales float32 [out, blocks]
 */
export function blockLinear(g: GraphBuilder, x: Value, values: Value, scales: Value): Value {
  const [out, blocks, blockSize] = values.shape;
  const inner = x.shape.at(-1);
  if (
    typeof out !== "number" ||
    typeof blocks !== "number" ||
    typeof blockSize !== "number" ||
    typeof inner !== "number"
  ) {
    throw shapeError("MatMulNBits", "weights need known extents");
  }
  if (Math.ceil(inner / blockSize) !== blocks)
    throw shapeError("MatMulNBits", `${text(x.shape)} with ${text(values.shape)}`);
  return one(
    g,
    "MatMulNBits",
    [x, values, scales],
    x.dtype,
    [...x.shape.slice(0, -1), out],
    {
      K: { int: inner },
      N: { int: out },
      bits: { int: 8 },
      block_size: { int: blockSize },
      accuracy_level: { int: 4 },
    },
    MICROSOFT,
  );
}

/**
 * x @ W where W [in, out] is int8 with one scale a column; x is quantized as it comes.
 * @param values int8 [in, out]
 * @param scales float32 [out]
 */
export function columnLinear(g: GraphBuilder, x: Value, values: Value, scales: Value): Value {
  requireEqual("DynamicQuantizeMatMul", x, x.shape.at(-1), values, values.shape[0]);
  const shape = [...x.shape.slice(0, -1), dimAt(values.shape, 1)];
  return one(g, "DynamicQuantizeMatMul", [x, values, scales], x.dtype, shape, {}, MICROSOFT);
}

/**
 * Rows of a table held in blocks of 8-bit values (as in blockLinear), as float32 [.., width]. In plain operators: the
 * runtime's GatherBlockQuantized takes twenty times as long.
 * @param values uint8 [rows, blocks, blockSize], zero point 128
 * @param scales float32 [rows, blocks]
 */
export function gatherBlocks(g: GraphBuilder, values: Value, scales: Value, indices: Value, width: number): Value {
  const [, blocks, blockSize] = values.shape;
  if (typeof blocks !== "number" || typeof blockSize !== "number")
    throw shapeError("Gather", "a table needs known extents");
  const centred = sub(g, cast(g, gather(g, values, indices, 0), "float32"), g.constant("float32", [], [128]));
  const rows = mul(g, centred, unsqueeze(g, gather(g, scales, indices, 0), indices.shape.length + 1));
  const flat = reshape(g, rows, [...indices.shape, blocks * blockSize]);
  if (blocks * blockSize === width) return flat;
  return slice(g, flat, indices.shape.length, g.constant("int64", [1], [0]), g.constant("int64", [1], [width]), width);
}

// Fused T5 parts.

/** Root-mean-square norm over the last axis. @param weight float32 [D] */
export function simplifiedLayerNorm(g: GraphBuilder, x: Value, weight: Value, epsilon: number): Value {
  requireEqual("SimplifiedLayerNormalization", x, x.shape.at(-1), weight, weight.shape[0]);
  return one(g, "SimplifiedLayerNormalization", [x, weight], x.dtype, x.shape, {
    axis: { int: -1 },
    epsilon: { float: epsilon },
    stash_type: { int: 1 },
  });
}

/** The same norm with what its gradient needs: the reciprocal root mean squares [.., 1]. */
export function rootMeanSquareNorm(
  g: GraphBuilder,
  x: Value,
  weight: Value,
  epsilon: number,
): { normed: Value; reciprocal: Value } {
  requireEqual("SimplifiedLayerNormalization", x, x.shape.at(-1), weight, weight.shape[0]);
  const results = [x.shape, [...x.shape.slice(0, -1), 1]].map((shape) => ({ dtype: x.dtype, shape }));
  const attributes = { axis: { int: -1 }, epsilon: { float: epsilon }, stash_type: { int: elementTypes[x.dtype] } };
  const nodes = g.add("SimplifiedLayerNormalization", [x, weight], results, attributes);
  return { normed: at(nodes, 0), reciprocal: at(nodes, 1) };
}

/** Returns [rmsNorm(x + skip), x + skip] in one operator. */
export function skipSimplifiedLayerNorm(
  g: GraphBuilder,
  x: Value,
  skip: Value,
  weight: Value,
  epsilon: number,
): { normed: Value; sum: Value } {
  requireEqual("SkipSimplifiedLayerNormalization", x, x.shape.at(-1), weight, weight.shape[0]);
  const result = { dtype: x.dtype, shape: x.shape };
  const nodes = g.add(
    "SkipSimplifiedLayerNormalization",
    [x, skip, weight],
    [result, { dtype: "float32", shape: [1] }, { dtype: "float32", shape: [1] }, result],
    { epsilon: { float: epsilon } },
    MICROSOFT,
  );
  return { normed: at(nodes, 0), sum: at(nodes, 3) };
}

/** What multiHeadAttention takes. */
export interface AttentionInputs {
  /** float32 [B, T, H*K] */
  readonly query: Value;
  /** float32 [B, S, H*K], or [B, H, S, K] as kept by the encoder. */
  readonly key: Value;
  readonly value: Value;
  /** float32, broadcast to [B, H, T, past + S]; added to the scores. */
  readonly bias: Value | null;
  /** Keys and values of earlier positions, float32 [B, H, P, K], and the name of the extent P + S. */
  readonly past?: { readonly key: Value; readonly value: Value; readonly total: Dim };
  readonly heads: number;
}

/** Attention without scaling (T5 has none), in one operator. */
export function multiHeadAttention(
  g: GraphBuilder,
  { query, key, value, bias, past, heads }: AttentionInputs,
): { output: Value; present: { key: Value; value: Value } | null } {
  const result = { dtype: query.dtype, shape: query.shape };
  const attributes = { num_heads: { int: heads }, scale: { float: 1 } };
  if (past === undefined) {
    const nodes = g.add("MultiHeadAttention", [query, key, value, null, null, bias], [result], attributes, MICROSOFT);
    return { output: at(nodes, 0), present: null };
  }
  const kept = { dtype: query.dtype, shape: past.key.shape.map((dim, i) => (i === 2 ? past.total : dim)) };
  const nodes = g.add(
    "MultiHeadAttention",
    [query, key, value, null, null, bias, past.key, past.value],
    [result, kept, kept],
    attributes,
    MICROSOFT,
  );
  return { output: at(nodes, 0), present: { key: at(nodes, 1), value: at(nodes, 2) } };
}

// Control.

/** The outputs of one of two branches (graphs without inputs); their types are those of the first. */
export function branch(g: GraphBuilder, condition: Value, then: Graph, otherwise: Graph): Value[] {
  const results = then.outputs.map(({ dtype, shape }) => ({ dtype, shape }));
  return g.add("If", [condition], results, { then_branch: { graph: then }, else_branch: { graph: otherwise } });
}

/**
 * Runs a body up to `trips` times, while its condition holds.
 * @param trips int64 []
 * @param body inputs: iteration int64 [], condition bool [], carried values; outputs: condition, carried values, scanned values
 * @param initial the carried values' first values
 * @param scanned how many of the body's outputs are stacked, and the name of the extent they are stacked along
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

// Helpers.

/** Adds a node with one result. */
function one(
  g: GraphBuilder,
  op: string,
  inputs: readonly (Value | null)[],
  dtype: DType,
  shape: Shape,
  attributes: Parameters<GraphBuilder["add"]>[3] = {},
  domain = "",
): Value {
  return at(g.add(op, inputs, [{ dtype, shape }], attributes, domain), 0);
}

function elementwise(g: GraphBuilder, op: string, a: Value, b: Value, dtype: DType = a.dtype): Value {
  requireSameType(op, a, b);
  return one(g, op, [a, b], dtype, broadcast(op, a.shape, b.shape));
}

function broadcast(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === 1) return y;
    if (y === 1 || x === y) return x;
    throw shapeError(op, `${text(a)} with ${text(b)}`);
  });
}

function requireSameType(op: string, a: Value, b: Value): void {
  if (a.dtype !== b.dtype) throw shapeError(op, `${a.name} is ${a.dtype} and ${b.name} is ${b.dtype}`);
}

function requireEqual(op: string, a: Value, x: Dim | undefined, b: Value, y: Dim | undefined): void {
  if (x !== y) throw shapeError(op, `${a.name} ${text(a.shape)} with ${b.name} ${text(b.shape)}`);
}

function dimAt(shape: Shape, axis: number): Dim {
  const dim = shape.at(axis);
  if (dim === undefined) throw shapeError("graph", `${text(shape)} has no axis ${axis}`);
  return dim;
}

function at(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw shapeError("graph", `a node has no output ${index}`);
  return value;
}

function text(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

function shapeError(op: string, what: string): ModelError {
  return new ModelError("shape", `${op}: ${what}. This is a mistake in the graph's code: please report it.`);
}
