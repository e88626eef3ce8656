/** ONNX Runtime's own operators, fused and quantized, which other runtimes may lack. */
import type { GraphBuilder } from "./builder.ts";
import { at, dimAt, one, requireEqual, shapeError, shapeText } from "./node.ts";
import { add, cast, gather, mul, reshape, slice, sub, unsqueeze } from "./ops.ts";
import { type Dim, elementTypes, type Value } from "./types.ts";

const MICROSOFT = "com.microsoft";

/** x @ weight^T: a linear layer whose weight is [out, in], as in checkpoints. */
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
 * x @ W^T, multiplied in int8, where W [out, in] is stored in blocks of 8-bit values with one scale each.
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
    throw shapeError("MatMulNBits", `${shapeText(x.shape)} with ${shapeText(values.shape)}`);
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
 * x @ W where W [in, out] is int8 with one scale per column; x is quantized at run time.
 * @param values int8 [in, out]
 * @param scales float32 [out]
 * @param unsigned computes with uint8 values and a zero point of 128, which the runtime's kernels never saturate; the
 * runtime converts the values once, when it loads the graph
 */
export function columnLinear(g: GraphBuilder, x: Value, values: Value, scales: Value, unsigned = false): Value {
  requireEqual("DynamicQuantizeMatMul", x, x.shape.at(-1), values, values.shape[0]);
  const columns = dimAt(values.shape, 1);
  const shape = [...x.shape.slice(0, -1), columns];
  const inputs = unsigned
    ? [x, shifted(g, values), scales, g.constant("uint8", [Number(columns)], Array<number>(Number(columns)).fill(128))]
    : [x, values, scales];
  return one(g, "DynamicQuantizeMatMul", inputs, x.dtype, shape, {}, MICROSOFT);
}

/** int8 values plus 128, as uint8. */
function shifted(g: GraphBuilder, values: Value): Value {
  return cast(g, add(g, cast(g, values, "int32"), g.constant("int32", [], [128])), "uint8");
}

/**
 * Rows of a table in blocks of 8-bit values (as in blockLinear), as float32 [.., width]. Written in plain operators,
 * since the runtime's GatherBlockQuantized takes twenty times as long.
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

/** The same norm, and the reciprocal root mean squares [.., 1] that its gradient needs. */
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

/** x + skip and the root-mean-square norm of it, in one operator. */
export function skipSimplifiedLayerNorm(
  g: GraphBuilder,
  x: Value,
  skip: Value,
  weight: Value,
  epsilon: number,
): { normed: Value; sum: Value } {
  return skipNorm(g, "SkipSimplifiedLayerNormalization", [x, skip, weight], epsilon);
}

/** A layer norm's weight and bias, float32 [D] each. */
export interface LayerNormWeights {
  readonly weight: Value;
  readonly bias: Value;
}

/** Layer norm over the last axis: the mean subtracted, and a bias. */
export function layerNorm(g: GraphBuilder, x: Value, { weight, bias }: LayerNormWeights, epsilon: number): Value {
  requireEqual("LayerNormalization", x, x.shape.at(-1), weight, weight.shape[0]);
  const attributes = { axis: { int: -1 }, epsilon: { float: epsilon } };
  return one(g, "LayerNormalization", [x, weight, bias], x.dtype, x.shape, attributes);
}

/** x + skip and the layer norm of it, in one operator. */
export function skipLayerNorm(
  g: GraphBuilder,
  x: Value,
  skip: Value,
  { weight, bias }: LayerNormWeights,
  epsilon: number,
): { normed: Value; sum: Value } {
  return skipNorm(g, "SkipLayerNormalization", [x, skip, weight, bias], epsilon);
}

function skipNorm(
  g: GraphBuilder,
  operator: string,
  inputs: readonly [x: Value, skip: Value, weight: Value, bias?: Value],
  epsilon: number,
): { normed: Value; sum: Value } {
  const [x, , weight] = inputs;
  requireEqual(operator, x, x.shape.at(-1), weight, weight.shape[0]);
  const result = { dtype: x.dtype, shape: x.shape };
  const statistic = { dtype: "float32", shape: [1] } as const;
  const results = [result, statistic, statistic, result];
  const nodes = g.add(
    operator,
    inputs.filter((input) => input !== undefined),
    results,
    { epsilon: { float: epsilon } },
    MICROSOFT,
  );
  return { normed: at(nodes, 0), sum: at(nodes, 3) };
}

/** Keys and values of one layer: float32 [B, H, S, K] in a cache, [B, S, H*K] as linear layers return them. */
export interface KeysAndValues {
  readonly key: Value;
  readonly value: Value;
}

/** The operands of multiHeadAttention. */
export interface AttentionInputs extends KeysAndValues {
  /** float32 [B, T, H*K] */
  readonly query: Value;
  /** float32, broadcast to [B, H, T, past + S]; added to the scores. */
  readonly bias: Value | null;
  /** Keys and values of earlier positions, float32 [B, H, P, K], and the name of the extent P + S. */
  readonly past?: KeysAndValues & { readonly total: Dim };
  readonly heads: number;
}

/** Attention without scaling (T5 has none), in one operator. */
export function multiHeadAttention(
  g: GraphBuilder,
  { query, key, value, bias, past, heads }: AttentionInputs,
): { output: Value; present: KeysAndValues | null } {
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
