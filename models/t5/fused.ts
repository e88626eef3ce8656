/** The lowering for inference: the runtime's fused norms and attention, and linears in whatever form the weights are stored. */
import { ModelError } from "../errors.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import type { Value } from "../graph/types.ts";
import type { T5Config } from "./config.ts";
import type { Lowering, TensorSource } from "./lowering.ts";

/**
 * Returns the lowering that reads `tensors`. A linear is stored as one of three forms, tried in this order:
 * - `<name>.q8` + `<name>.scale`: blocks of 8-bit values, uint8 [out, blocks, blockSize];
 * - `<name>.s8t` + `<name>.scale`: int8 columns, [in, out];
 * - `<name>.weight`: float32 [out, in].
 */
export function fusedLowering(config: T5Config, tensors: TensorSource): Lowering {
  function weight(g: GraphBuilder, name: string): Value {
    const stored = tensors.get(name);
    if (stored === undefined) throw new ModelError("checkpoint", `The weights hold no tensor named ${name}.`);
    return g.external(name, stored.dtype, stored.shape, stored.data);
  }

  function linear(g: GraphBuilder, x: Value, name: string): Value {
    if (tensors.has(`${name}.q8`)) return ops.blockLinear(g, x, weight(g, `${name}.q8`), weight(g, `${name}.scale`));
    if (tensors.has(`${name}.s8t`)) return ops.columnLinear(g, x, weight(g, `${name}.s8t`), weight(g, `${name}.scale`));
    return ops.fusedLinear(g, x, weight(g, `${name}.weight`));
  }

  return {
    weight,
    embed(g, ids) {
      if (!tensors.has("shared.q8")) return ops.gather(g, weight(g, "shared.weight"), ids, 0);
      return ops.gatherBlocks(g, weight(g, "shared.q8"), weight(g, "shared.scale"), ids, config.dModel);
    },
    norm: (g, x, name) => ops.simplifiedLayerNorm(g, x, weight(g, name), config.layerNormEpsilon),
    addNorm: (g, x, update, name) =>
      ops.skipSimplifiedLayerNorm(g, x, update, weight(g, name), config.layerNormEpsilon),
    linears(g, x, names, fused) {
      if (names.length === 1 || !isStored(tensors, fused)) return names.map((name) => linear(g, x, name));
      const joined = linear(g, x, fused);
      const width = Number(joined.shape.at(-1)) / names.length;
      return ops.splitLast(
        g,
        joined,
        names.map(() => width),
      );
    },
    attention: ops.multiHeadAttention,
    logits(g, x) {
      const head = config.tieWordEmbeddings ? "shared" : "lm_head";
      if (!config.scaleDecoderOutputs) return linear(g, x, head);
      const scale = g.constant("float32", [], [config.dModel ** -0.5]);
      return linear(g, ops.mul(g, x, scale), head);
    },
  };
}

function isStored(tensors: TensorSource, name: string): boolean {
  return [".q8", ".s8t", ".weight"].some((form) => tensors.has(name + form));
}
