/** The lowering for inference: the runtime's fused norms and attention, and linears in whatever form the weights are stored. */
import { ModelError } from "../errors.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import * as runtime from "../graph/runtime-ops.ts";
import type { Value } from "../graph/types.ts";
import { plainAttention } from "./attention.ts";
import type { T5Config } from "./config.ts";
import type { Attention, GenerationLowering, TensorSource } from "./lowering.ts";

/**
 * Returns the lowering that reads `tensors`. A linear is stored as one of three forms, tried in this order:
 * - `<name>.q8` + `<name>.scale`: blocks of 8-bit values, uint8 [out, blocks, blockSize];
 * - `<name>.s8t` + `<name>.scale`: int8 columns, [in, out];
 * - `<name>.weight`: float32 [out, in].
 */
export function fusedLowering(config: T5Config, tensors: TensorSource): GenerationLowering {
  const weight = weightOf(tensors);

  function linear(g: GraphBuilder, x: Value, name: string): Value {
    if (tensors.has(`${name}.q8`))
      return runtime.blockLinear(g, x, weight(g, `${name}.q8`), weight(g, `${name}.scale`));
    if (tensors.has(`${name}.s8t`))
      return runtime.columnLinear(g, x, weight(g, `${name}.s8t`), weight(g, `${name}.scale`));
    return runtime.fusedLinear(g, x, weight(g, `${name}.weight`));
  }

  const head = config.tieWordEmbeddings ? "shared" : "lm_head";

  function scaled(g: GraphBuilder, x: Value): Value {
    return config.scaleDecoderOutputs ? ops.mul(g, x, g.constant("float32", [], [config.dModel ** -0.5])) : x;
  }

  return {
    weight,
    embed(g, ids) {
      if (!tensors.has("shared.q8")) return ops.gather(g, weight(g, "shared.weight"), ids, 0);
      return runtime.gatherBlocks(g, weight(g, "shared.q8"), weight(g, "shared.scale"), ids, config.dModel);
    },
    norm: (g, x, name) => runtime.simplifiedLayerNorm(g, x, weight(g, name), config.layerNormEpsilon),
    addNorm: (g, x, update, name) =>
      runtime.skipSimplifiedLayerNorm(g, x, update, weight(g, name), config.layerNormEpsilon),
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
    // The runtime's own operator knows neither heads that talk nor heads that share keys and values.
    attention: (g, inputs) =>
      inputs.mixing === null && keyHeads(inputs) === inputs.heads
        ? runtime.multiHeadAttention(g, inputs)
        : plainAttention(g, inputs),
    logits: (g, x) => linear(g, scaled(g, x), head),
    someLogits(g, common, own) {
      const ids = g.constant("int32", [common.length], common);
      // The runtime makes constants of what hangs on these alone, so that the common rows are laid out for its kernels once.
      const rows = (name: string) => ops.gather(g, weight(g, name), ids, 0);
      const inBlocks = tensors.has(`${head}.q8`);
      const ownRows = inBlocks
        ? runtime.gatherBlocks(g, weight(g, `${head}.q8`), weight(g, `${head}.scale`), own, config.dModel)
        : ops.gather(g, weight(g, `${head}.weight`), own, 0);
      const ownColumns = scaled(g, ops.transpose(g, ownRows, [1, 0])); // [D, U]
      const values = inBlocks ? rows(`${head}.q8`) : scaled(g, rows(`${head}.weight`));
      const scales = inBlocks ? scaled(g, rows(`${head}.scale`)) : null;
      return (b, x) => {
        const first = scales === null ? runtime.fusedLinear(b, x, values) : runtime.blockLinear(b, x, values, scales);
        return ops.concat(b, [first, ops.matmul(b, x, ownColumns)], 2, "C");
      };
    },
  };
}

/** What makes a stored tensor a value of a graph. @throws ModelError "checkpoint" where there is none of the name */
export function weightOf(tensors: TensorSource): (g: GraphBuilder, name: string) => Value {
  return (g, name) => {
    const stored = tensors.get(name);
    if (stored === undefined) throw new ModelError("checkpoint", `The weights hold no tensor named ${name}.`);
    return g.external(name, stored.dtype, stored.shape, stored.data);
  };
}

/** Heads of the keys: [B, S, heads*K], or [B, heads, S, K]. */
function keyHeads({ key, query, heads }: Attention): number {
  if (key.shape.length === 4) return Number(key.shape[1]);
  return (heads * Number(key.shape.at(-1))) / Number(query.shape.at(-1));
}

function isStored(tensors: TensorSource, name: string): boolean {
  return [".q8", ".s8t", ".weight"].some((form) => tensors.has(name + form));
}
