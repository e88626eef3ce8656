/** The lowering in plain operators: the reference for the fused one, and for devices without kernels for that. */
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import type { Value } from "../../graph/types.ts";
import { plainAttention } from "../attention.ts";
import type { T5Config } from "../config.ts";
import { expertsIfBusy } from "../experts/routing.ts";
import { plusBias } from "../fairseq/layers.ts";
import { biasName } from "../fairseq/shapes.ts";
import { plainBlockAttention } from "../long/attention.ts";
import type { GenerationLowering, GenerationOperations } from "./lowering.ts";

/**
 * Returns the lowering in plain operators.
 * @param weightOf returns a float tensor by its Hugging Face name, as a value of the graph
 */
export function plainLowering(
  config: T5Config,
  weightOf: (g: GraphBuilder, name: string) => Value,
): GenerationLowering {
  const head = config.tieWordEmbeddings ? "shared" : "lm_head";
  const scaled = (g: GraphBuilder, x: Value) =>
    config.scaleDecoderOutputs ? ops.mul(g, x, g.constant(x.dtype, [], [config.dModel ** -0.5])) : x;

  const operationsOn = (g: GraphBuilder): GenerationOperations => {
    const weight = (name: string) => weightOf(g, name);
    // [.., out]
    const linear = (x: Value, name: string) =>
      plusBias(g, config, weight, product(g, x, ops.transpose(g, weight(`${name}.weight`), [1, 0])), name);
    const scaledNorm = (x: Value, name: string) => {
      const meanSquare = ops.reduceLast(g, "ReduceMean", ops.mul(g, x, x)); // [.., 1]
      const root = ops.unary(g, "Sqrt", ops.add(g, meanSquare, g.constant(x.dtype, [], [config.layerNormEpsilon])));
      return ops.mul(g, ops.div(g, x, root), weight(name));
    };
    const norm = (x: Value, name: string) => {
      if (config.fairseq === null) return scaledNorm(x, name);
      const centered = ops.sub(g, x, ops.reduceLast(g, "ReduceMean", x));
      return ops.add(g, scaledNorm(centered, name), weight(biasName(name)));
    };
    return {
      weight,
      norm,
      linear,
      embed: (ids) => inFloat32(g, ops.gather(g, weight("shared.weight"), ids, 0)),
      addNorm(x, update, name) {
        const sum = ops.add(g, x, update);
        return { sum, normed: norm(sum, name) };
      },
      linears: (x, names) => names.map((name) => linear(x, name)),
      attention: (inputs) => plainAttention(g, inputs),
      blockAttention: (inputs) => plainBlockAttention(g, inputs),
      ...expertsIfBusy(g, operationsOn),
      dropout: (_, x) => x,
      logits: (x) => linear(scaled(g, x), head),
      headRows: (ids) => ops.gather(g, weight(`${head}.weight`), ids, 0),
      someLogits(common, added) {
        const first = ops.gather(g, weight(`${head}.weight`), g.constant("int32", [common.length], common), 0);
        const rows = ops.concat(g, [first, added], 0, "C"); // [C, D]
        return (b, x) => ops.matmul(b, scaled(b, x), ops.transpose(b, rows, [1, 0]));
      },
    };
  };
  return operationsOn;
}

/** The largest value that goes through a float16, less what transformers leaves. @see T5Block, modeling_t5.py */
const CLAMP = 64_504;

/** x times a matrix; in the matrix's type, if that is of 16 bits. A float16 clamps, so that nothing is infinite. */
function product(g: GraphBuilder, x: Value, matrix: Value): Value {
  if (matrix.dtype === x.dtype) return ops.matmul(g, x, matrix);
  const clamped = (value: Value) => (matrix.dtype === "float16" ? ops.clip(g, value, -CLAMP, CLAMP) : value);
  return clamped(inFloat32(g, ops.matmul(g, ops.cast(g, clamped(x), matrix.dtype), matrix)));
}

function inFloat32(g: GraphBuilder, x: Value): Value {
  return x.dtype === "float16" || x.dtype === "bfloat16" ? ops.cast(g, x, "float32") : x;
}
