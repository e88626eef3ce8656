/** The lowering that training uses: plain operators with gradient rules, activations as matrices (a row a token), and dropout. */
import type { GraphBuilder } from "../graph/builder.ts";
import * as ops from "../graph/ops.ts";
import * as runtime from "../graph/runtime-ops.ts";
import type { Dim, Shape, Value } from "../graph/types.ts";
import { attentionWeights } from "./attention.ts";
import type { T5Config } from "./config.ts";
import type { Lowering } from "./lowering.ts";
import { tensorShapes } from "./weights.ts";

/** What of a model learns. The rest is read and never written. */
export type Method =
  /** Every weight; the embedding (not an untied head) may be left as it is. */
  | { readonly kind: "full"; readonly freezeEmbedding: boolean }
  /**
   * Two thin matrices beside each chosen linear layer: W x + alpha / rank * B (A x).
   * @see Hu et al. 2021, "LoRA"; lora/layer.py of peft
   */
  | {
      readonly kind: "lora";
      /** The last part of the layers' names: q, k, v, o, wi, wi_0, wi_1, wo. */
      readonly targets: readonly string[];
      readonly rank: number;
      readonly alpha: number;
      /** Share of A's inputs dropped. */
      readonly dropoutRate: number;
    }
  /** Rows of the embedding, from `firstId` on, that stand before every input. @see Lester et al. 2021, "Prompt tuning" */
  | { readonly kind: "prompt"; readonly tokens: number; readonly firstId: number };

/** The one tensor that a soft prompt is, [tokens, D]. */
export const PROMPT = "prompt.weight";

/** The names of a layer's two LoRA matrices, A [rank, in] and B [out, rank], for the name of its weight. */
export function adapterNames(weight: string): { readonly a: string; readonly b: string } {
  const module = weight.replace(/\.weight$/, "");
  return { a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` };
}

/**
 * The tensors that learn, by name, with their shapes.
 * @returns full: of tensorShapes; lora: both matrices of each chosen layer; prompt: PROMPT
 */
export function learnedShapes(config: T5Config, method: Method): Map<string, readonly number[]> {
  const shapes = new Map(tensorShapes(config));
  if (method.kind === "prompt") return new Map([[PROMPT, [method.tokens, config.dModel]]]);
  if (method.kind === "full") {
    if (method.freezeEmbedding) shapes.delete("shared.weight");
    return shapes;
  }
  const chosen = [...shapes].filter(([name]) => isTarget(name, method.targets));
  return new Map(
    chosen.flatMap(([name, [out = 0, inner = 0]]): [string, number[]][] => {
      const { a, b } = adapterNames(name);
      return [
        [a, [method.rank, inner]],
        [b, [out, method.rank]],
      ];
    }),
  );
}

/** Whether a weight is of one of the layers that LoRA was told to learn beside. */
function isTarget(name: string, targets: readonly string[]): boolean {
  const [, layer] = /\.(?:SelfAttention|EncDecAttention|DenseReluDense)\.(\w+)\.weight$/.exec(name) ?? [];
  return layer !== undefined && targets.includes(layer);
}

/** A stack's tokens as rows: what unfolds them again. */
export interface Rows {
  /** The extent of the rows, under which the lowering knows them. */
  readonly rows: string;
  readonly batch: Dim;
  readonly length: Dim;
  /** int64 [2]: batch and length at run time. */
  readonly extents: Value;
}

/** A dropout's place. Its mask is an input of the graph, so that what is dropped is the caller's to repeat. */
export interface DropoutMask {
  readonly name: string;
  /** Whether it is before a LoRA matrix, whose rate is its own. */
  readonly adapter: boolean;
  /** Broadcast over the positions, as T5's own code does: one draw for each sequence and channel (attention: head and key). */
  readonly shape: Shape;
}

/** LoRA's part in a graph. */
export interface LoraGraph {
  /** A and B of a layer, by its name without ".weight"; undefined where it has none. */
  readonly matrices: (name: string) => { readonly a: Value; readonly b: Value } | undefined;
  /** alpha / rank. */
  readonly scale: number;
  readonly dropout: boolean;
}

/** The lowering, and what it has made on the way. */
export interface Trainable {
  readonly lowering: Lowering;
  /** In the order of their places. */
  readonly masks: readonly DropoutMask[];
  /** The rows of the embedding that were looked up, before dropout. */
  readonly embedded: readonly Value[];
}

/**
 * Returns a lowering on rows [N, width]. Where dropout is wanted it drops after the embeddings, on attention's weights (as values), on the
 * feed-forward layers' hidden values, on each sub-layer's output, and after the final norms.
 * @param weight gives a tensor by its Hugging Face name
 * @param stacks each kind of rows that occurs, by its extent
 * @see transformer_layers.py and transformer.py of mesh_tensorflow for the places and the broadcast of dropout
 */
export function trainableLowering(
  config: T5Config,
  weight: (name: string) => Value,
  stacks: readonly Rows[],
  dropout: boolean,
  lora?: LoraGraph,
): Trainable {
  const { dKv, dModel } = config;
  // What relu drops is dropped before it: the same, and only what is left is kept for the way back.
  const early = config.feedForward === "relu";
  const masks: DropoutMask[] = [];
  const embedded: Value[] = [];

  function rowsOf(x: Value): Rows {
    const found = stacks.find(({ rows }) => rows === x.shape[0]);
    if (found === undefined) throw new RangeError(`no stack has the rows ${x.shape[0]}`);
    return found;
  }

  /** [N, ..rest flat] -> [B, length, ..rest]. */
  function unfold(g: GraphBuilder, x: Value, rest: readonly number[]): Value {
    const { batch, length, extents } = rowsOf(x);
    const target = ops.concat(g, [extents, g.constant("int64", [rest.length], rest)], 0);
    return ops.reshapeTo(g, x, target, [batch, length, ...rest]);
  }

  function masked(g: GraphBuilder, x: Value, shape: Shape, adapter = false): Value {
    const name = `dropout_${masks.length}`;
    masks.push({ name, adapter, shape });
    return ops.mul(g, x, g.input(name, x.dtype, shape));
  }

  /** Drops channels of rows, the same at every position of a sequence. */
  function dropped(g: GraphBuilder, x: Value, wanted = dropout, adapter = false): Value {
    if (!wanted) return x;
    const width = Number(x.shape[1]);
    const kept = masked(g, unfold(g, x, [width]), [rowsOf(x).batch, 1, width], adapter);
    return ops.reshape(g, kept, x.shape);
  }

  function norm(g: GraphBuilder, x: Value, name: string): Value {
    const { normed } = runtime.rootMeanSquareNorm(g, x, weight(name), config.layerNormEpsilon);
    return name.endsWith("final_layer_norm.weight") ? dropped(g, normed) : normed;
  }

  function linear(g: GraphBuilder, x: Value, name: string): Value {
    const hidden = name.endsWith(".wo") && !early ? dropped(g, x) : x;
    const y = adapted(g, hidden, ops.gemm(g, hidden, weight(`${name}.weight`), { transposeB: true }), name);
    return /\.w?o$/.test(name) || (early && name.endsWith(".wi")) ? dropped(g, y) : y;
  }

  /** y + scale * x A^T B^T, where the layer has such matrices. */
  function adapted(g: GraphBuilder, x: Value, y: Value, name: string): Value {
    const matrices = lora?.matrices(name);
    if (lora === undefined || matrices === undefined) return y;
    const thin = ops.gemm(g, dropped(g, x, lora.dropout, true), matrices.a, { transposeB: true }); // [N, rank]
    const scaled = ops.mul(g, thin, g.constant(x.dtype, [], [lora.scale]));
    return ops.add(g, y, ops.gemm(g, scaled, matrices.b, { transposeB: true }));
  }

  const lowering: Lowering = {
    weight: (_, name) => weight(name),
    embed(g, ids) {
      const rows = ops.gather(g, weight("shared.weight"), ids, 0);
      embedded.push(rows);
      return dropped(g, rows);
    },
    norm,
    addNorm(g, x, update, name) {
      const sum = ops.add(g, x, update);
      return { sum, normed: norm(g, sum, name) };
    },
    linears: (g, x, names) => names.map((name) => linear(g, x, name)),
    attention(g, { query, key, value, bias, heads, mixing }) {
      const split = (x: Value, order: readonly number[]) =>
        ops.transpose(g, unfold(g, x, [Number(x.shape[1]) / dKv, dKv]), order);
      const products = ops.matmul(g, split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1])); // [B, H, T, S]
      const weights = attentionWeights(g, products, bias, mixing);
      const { batch, length } = rowsOf(key);
      const values = split(value, [0, 2, 1, 3]); // [B, H or 1, S, K]
      // A key is dropped for all queries at once, so its value is: fewer numbers than the weights, and nothing more is kept.
      const kept = dropout ? masked(g, values, [batch, heads, length, 1]) : values;
      const mixed = ops.matmul(g, weights, kept); // [B, H, T, K]
      const output = ops.reshape(g, ops.transpose(g, mixed, [0, 2, 1, 3]), query.shape);
      return { output, present: null };
    },
    logits() {
      throw new RangeError(`training takes the loss of the states [N, ${dModel}] without their logits`);
    },
  };
  return { lowering, masks, embedded };
}
