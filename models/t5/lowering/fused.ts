/**
 * The lowering for inference: the runtime's fused norms and attention, and linear layers by the form of their weights.
 */
import { ModelError } from "../../errors.ts";
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import * as runtime from "../../graph/runtime-ops.ts";
import type { Value } from "../../graph/types.ts";
import { plainAttention } from "../attention.ts";
import type { T5Config } from "../config.ts";
import { expertsIfBusy } from "../experts/routing.ts";
import { expertOf } from "../experts/shapes.ts";
import { plusBias } from "../fairseq/layers.ts";
import { biasName } from "../fairseq/shapes.ts";
import { loopedBlockAttention } from "../long/attention.ts";
import type { Attention, AttentionResult, GenerationLowering, GenerationOperations, TensorSource } from "./lowering.ts";

/**
 * Returns the lowering that reads `tensors`. A linear layer is stored in one of three forms, tried in this order:
 * - `<name>.q8` + `<name>.scale`: blocks of 8-bit values, uint8 [out, blocks, blockSize];
 * - `<name>.s8t` + `<name>.scale`: int8 columns, [in, out];
 * - `<name>.weight`: float32 [out, in].
 * @param unsignedColumns multiplies int8 columns as uint8, for processors on which products of int8 saturate
 */
export function fusedLowering(config: T5Config, tensors: TensorSource, unsignedColumns = false): GenerationLowering {
  const stored = weightOf(tensors);
  const isStored = (name: string) => [".q8", ".s8t", ".weight"].some((form) => tensors.has(name + form));
  const head = config.tieWordEmbeddings ? "shared" : "lm_head";

  const factor = config.scaleDecoderOutputs ? config.dModel ** -0.5 : 1;

  const operationsOn = (g: GraphBuilder): GenerationOperations => {
    const weight = (name: string) => stored(g, name);
    const products = (x: Value, name: string) => {
      const scale = () => weight(`${name}.scale`);
      if (tensors.has(`${name}.q8`)) return runtime.blockLinear(g, x, weight(`${name}.q8`), scale());
      if (tensors.has(`${name}.s8t`))
        return runtime.columnLinear(g, x, weight(`${name}.s8t`), scale(), unsignedColumns);
      return runtime.fusedLinear(g, x, weight(`${name}.weight`));
    };
    const biased = (x: Value, name: string) => plusBias(g, config, weight, x, name);
    const linear = (x: Value, name: string) => biased(products(x, name), name);
    const scaled = (x: Value) => (factor === 1 ? x : ops.mul(g, x, g.constant("float32", [], [factor])));
    /** Rows of a table in blocks or float32, [.., D]. */
    const rowsOf = (name: string, ids: Value) =>
      tensors.has(`${name}.q8`)
        ? runtime.gatherBlocks(g, weight(`${name}.q8`), weight(`${name}.scale`), ids, config.dModel)
        : ops.gather(g, weight(`${name}.weight`), ids, 0);
    return {
      weight,
      linear,
      embed: (ids) => rowsOf("shared", ids),
      ...(config.fairseq === null ? rootMeanSquareNorms(g, config, weight) : layerNorms(g, config, weight)),
      linears(x, names, fused) {
        if (names.length === 1 || !isStored(fused)) return names.map((name) => linear(x, name));
        const joined = linear(x, fused);
        const width = Number(joined.shape.at(-1)) / names.length;
        const parts = ops.splitLast(g, joined, Array<number>(names.length).fill(width));
        return parts.map((part, i) => biased(part, names[i] ?? ""));
      },
      attention: (inputs) => attention(g, inputs),
      blockAttention: (inputs) => loopedBlockAttention(g, inputs),
      ...expertsIfBusy(g, operationsOn),
      dropout: (_, x) => x,
      logits: (x) => linear(scaled(x), head),
      headRows: (ids) => rowsOf(head, ids),
      someLogits(common, added) {
        const ids = g.constant("int32", [common.length], common);
        // The runtime folds nodes that depend only on constants, so it packs the common rows for its kernels once.
        const commonRows = (name: string) => ops.gather(g, weight(name), ids, 0);
        const addedColumns = scaled(ops.transpose(g, added, [1, 0])); // [D, U]
        const inBlocks = tensors.has(`${head}.q8`);
        const values = inBlocks ? commonRows(`${head}.q8`) : scaled(commonRows(`${head}.weight`));
        const scales = inBlocks ? scaled(commonRows(`${head}.scale`)) : null;
        return (b, x) => {
          const first = scales === null ? runtime.fusedLinear(b, x, values) : runtime.blockLinear(b, x, values, scales);
          return ops.concat(b, [first, ops.matmul(b, x, addedColumns)], 2, "C");
        };
      },
    };
  };
  return operationsOn;
}

type Norms = Pick<GenerationOperations, "norm" | "addNorm">;

function rootMeanSquareNorms(g: GraphBuilder, config: T5Config, weight: (name: string) => Value): Norms {
  const { layerNormEpsilon: epsilon } = config;
  return {
    norm: (x, name) => runtime.simplifiedLayerNorm(g, x, weight(name), epsilon),
    addNorm: (x, update, name) => runtime.skipSimplifiedLayerNorm(g, x, update, weight(name), epsilon),
  };
}

function layerNorms(g: GraphBuilder, config: T5Config, weight: (name: string) => Value): Norms {
  const { layerNormEpsilon: epsilon } = config;
  const parts = (name: string) => ({ weight: weight(name), bias: weight(biasName(name)) });
  return {
    norm: (x, name) => runtime.layerNorm(g, x, parts(name), epsilon),
    addNorm: (x, update, name) => runtime.skipLayerNorm(g, x, update, parts(name), epsilon),
  };
}

/**
 * Returns the function that adds a stored tensor to a graph.
 * @throws ModelError "checkpoint" for a name that is not stored
 */
export function weightOf(tensors: TensorSource): (g: GraphBuilder, name: string) => Value {
  return (g, name) => {
    const stored = tensors.get(name);
    if (stored === undefined) throw new ModelError("checkpoint", `The weights hold no tensor named ${name}.`);
    return g.external(name, stored.dtype, stored.shape, stored.data, expertOf(name) !== undefined);
  };
}

/** The runtime's operator supports neither talking heads nor heads that share keys and values. */
function attention(g: GraphBuilder, inputs: Attention): AttentionResult {
  const fits = inputs.mixing === null && keyHeads(inputs) === inputs.heads;
  return fits ? runtime.multiHeadAttention(g, inputs) : plainAttention(g, inputs);
}

/** The number of heads of keys [B, S, heads*K] or [B, heads, S, K]. */
function keyHeads({ key, query, heads }: Attention): number {
  if (key.shape.length === 4) return Number(key.shape[1]);
  return (heads * Number(key.shape.at(-1))) / Number(query.shape.at(-1));
}
