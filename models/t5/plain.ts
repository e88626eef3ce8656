/** The lowering in plain operators: the reference for the fused one, and what differentiation works on. */
import type { GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Value } from "../graph/types.ts";
import { plainAttention } from "./attention.ts";
import type { T5Config } from "./config.ts";
import type { GenerationLowering } from "./lowering.ts";

/**
 * Returns the lowering whose weights are given by name.
 * @param weight gives the value of a float tensor by its Hugging Face name (an initializer or, in training, an input)
 */
export function plainLowering(config: T5Config, weight: (g: GraphBuilder, name: string) => Value): GenerationLowering {
  function norm(g: GraphBuilder, x: Value, name: string): Value {
    const scalar = (value: number) => g.constant(x.dtype, [], [value]);
    const meanSquare = ops.reduceLast(g, "ReduceMean", ops.mul(g, x, x)); // [.., 1]
    const root = ops.unary(g, "Sqrt", ops.add(g, meanSquare, scalar(config.layerNormEpsilon)));
    return ops.mul(g, ops.div(g, x, root), weight(g, name));
  }

  function linear(g: GraphBuilder, x: Value, name: string): Value {
    return ops.matmul(g, x, ops.transpose(g, weight(g, `${name}.weight`), [1, 0]));
  }

  const head = config.tieWordEmbeddings ? "shared" : "lm_head";

  function scaled(g: GraphBuilder, x: Value): Value {
    return config.scaleDecoderOutputs ? ops.mul(g, x, g.constant(x.dtype, [], [config.dModel ** -0.5])) : x;
  }

  return {
    weight,
    embed: (g, ids) => ops.gather(g, weight(g, "shared.weight"), ids, 0),
    norm,
    addNorm(g, x, update, name) {
      const sum = ops.add(g, x, update);
      return { sum, normed: norm(g, sum, name) };
    },
    linears: (g, x, names) => names.map((name) => linear(g, x, name)),
    attention: plainAttention,
    logits: (g, x) => linear(g, scaled(g, x), head),
    someLogits(g, common, own) {
      const ids = ops.concat(g, [g.constant(own.dtype, [common.length], common), own], 0, "C");
      const rows = ops.gather(g, weight(g, `${head}.weight`), ids, 0); // [C, D]
      return (b, x) => ops.matmul(b, scaled(b, x), ops.transpose(b, rows, [1, 0]));
    },
  };
}
