/** The lowering for training: plain operators with gradient rules, activations as one row per token, and dropout. */
import type { GraphBuilder } from "../../graph/builder.ts";
import { at } from "../../graph/node.ts";
import * as ops from "../../graph/ops.ts";
import * as runtime from "../../graph/runtime-ops.ts";
import type { Dim, Shape, Value } from "../../graph/types.ts";
import { type BottleneckGraph, type BottleneckMethod, bottleneck, bottleneckShapes } from "../adapters/bottleneck.ts";
import { attentionWeights } from "../attention.ts";
import type { T5Config } from "../config.ts";
import { plusBias } from "../fairseq/layers.ts";
import { biasName } from "../fairseq/shapes.ts";
import { plainBlockAttention } from "../long/attention.ts";
import { type MetroTokens, metroShapes } from "../metro/shapes.ts";
import { tensorShapes } from "../weights.ts";
import type { Attention, AttentionResult, DropoutPlace, Lowering, Operations, Routing } from "./lowering.ts";

/** The parameters of a model that learn. The others are never written. */
export type Method =
  /** Every weight; the embedding (but not an untied head) may be frozen. `metro` adds a generator and a detector. */
  | { readonly kind: "full"; readonly freezeEmbedding: boolean; readonly metro?: MetroTokens }
  /**
   * Two low-rank matrices for each chosen linear layer: W x + alpha / rank * B (A x).
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
  | BottleneckMethod
  /** Rows of the embedding, from `firstId` on, that precede every input. @see Lester et al. 2021, "Prompt tuning" */
  | { readonly kind: "prompt"; readonly tokens: number; readonly firstId: number };

/** Whether what learns stands beside the weights, which stay as they are. */
export function isBeside({ kind }: Method): boolean {
  return kind === "lora" || kind === "bottleneck";
}

/** The name of a soft prompt's only tensor, [tokens, D]. */
export const PROMPT = "prompt.weight";

/** The names of a layer's two LoRA matrices, A [rank, in] and B [out, rank], for the name of its weight. */
export function adapterNames(weight: string): { readonly a: string; readonly b: string } {
  const module = weight.replace(/\.weight$/, "");
  return { a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` };
}

/**
 * Returns the tensors that learn, by name, with their shapes: those of tensorShapes (full), both matrices of each
 * chosen layer (lora), the four arrays of each bottleneck, or PROMPT.
 */
export function learnedShapes(config: T5Config, method: Method): Map<string, readonly number[]> {
  const shapes = new Map(tensorShapes(config));
  if (method.kind === "prompt") return new Map([[PROMPT, [method.tokens, config.dModel]]]);
  if (method.kind === "bottleneck") return bottleneckShapes(config, method);
  if (method.kind === "full") {
    if (method.freezeEmbedding) shapes.delete("shared.weight");
    return method.metro === undefined ? shapes : new Map([...shapes, ...metroShapes(config)]);
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

/** Whether a weight belongs to one of the layers that LoRA adapts. */
function isTarget(name: string, targets: readonly string[]): boolean {
  const [, layer] = /\.\w*(?:SelfAttention|EncDecAttention|DenseReluDense|mlp)\.(\w+)\.weight$/.exec(name) ?? [];
  return layer !== undefined && targets.includes(layer);
}

/** A stack's tokens as rows, and the extents to unfold them into. */
export interface Rows {
  /** The name of the rows' extent, by which the lowering recognizes them. */
  readonly rows: string;
  readonly batch: Dim;
  readonly length: Dim;
  /** int64 [2]: batch and length at run time. */
  readonly extents: Value;
}

/** A dropout mask. Masks are inputs of the graph, so that the caller can repeat what was dropped. */
export interface DropoutMask {
  readonly name: string;
  /** Whether it applies to a LoRA matrix's input, which has a separate rate. */
  readonly adapter: boolean;
  /**
   * Broadcast over the positions, as in T5's own code: one draw for each sequence and channel (attention: head and
   * key).
   */
  readonly shape: Shape;
}

/** LoRA in a graph. */
export interface LoraGraph {
  /** A and B of a layer, by its name without ".weight"; undefined where it is not adapted. */
  readonly matrices: (name: string) => { readonly a: Value; readonly b: Value } | undefined;
  /** alpha / rank. */
  readonly scale: number;
  readonly dropout: boolean;
}

/** The lowering, and the values that it adds to as layers are built. */
export interface Trainable {
  readonly lowering: Lowering;
  /** The masks, in the order of their use. */
  readonly masks: readonly DropoutMask[];
  /** The rows of the embedding that were looked up, before dropout. */
  readonly embedded: readonly Value[];
  /** The choices of the routers in sparse layers, [N, E]. */
  readonly routings: readonly Routing[];
}

/** The dropout that a graph computes. */
export interface TrainableOptions {
  /** Whether values are dropped at T5's own places. */
  readonly dropout: boolean;
  readonly lora?: LoraGraph | undefined;
  readonly bottlenecks?: BottleneckGraph | undefined;
}

/**
 * Returns a lowering on rows [N, width], one for each token. Attention weights are dropped by dropping their values.
 * @param weight returns a tensor by its Hugging Face name
 * @param stacks each kind of rows that occurs, by its extent
 * @see transformer_layers.py and transformer.py of mesh_tensorflow for the places and the broadcast of dropout
 */
export function trainableLowering(
  config: T5Config,
  weight: (name: string) => Value,
  stacks: readonly Rows[],
  { dropout, lora, bottlenecks }: TrainableOptions,
): Trainable {
  const masks: DropoutMask[] = [];
  const embedded: Value[] = [];
  const routings: Routing[] = [];

  function masked(g: GraphBuilder, x: Value, shape: Shape, adapter = false): Value {
    const name = `dropout_${masks.length}`;
    masks.push({ name, adapter, shape });
    return ops.mul(g, x, g.input(name, x.dtype, shape));
  }

  const lowering: Lowering = (g) => {
    function drop(place: DropoutPlace, x: Value): Value {
      const adapter = place === "adapter.input";
      const drops = adapter ? lora?.dropout : dropout;
      return drops ? dropChannels(g, stacks, x, (values, shape) => masked(g, values, shape, adapter)) : x;
    }

    const { norm, addNorm } = normsOn(g, config, weight);

    function linear(x: Value, name: string): Value {
      const products = ops.gemm(g, x, weight(`${name}.weight`), { transposeB: true }); // [N, out]
      const y = plusBias(g, config, weight, products, name);
      const matrices = lora?.matrices(name);
      if (lora === undefined || matrices === undefined) return y;
      const thin = ops.gemm(g, drop("adapter.input", x), matrices.a, { transposeB: true }); // [N, rank]
      const scaled = ops.mul(g, thin, g.constant(x.dtype, [], [lora.scale]));
      return ops.add(g, y, ops.gemm(g, scaled, matrices.b, { transposeB: true }));
    }

    const dropKeys = (values: Value, shape: Shape) => (dropout ? masked(g, values, shape) : values);
    const operations: Operations = {
      ...{ weight, norm, linear },
      attention: (inputs) => attentionOnRows(g, config, stacks, inputs, dropKeys),
      blockAttention: (inputs) => plainBlockAttention(g, inputs, dropKeys),
      ...expertsOnRows(g, stacks, routings, () => operations),
      dropout: drop,
      adapt: (...place) => bottleneck(g, bottlenecks, ...place),
      embed(ids) {
        embedded.push(ops.gather(g, weight("shared.weight"), ids, 0));
        return at(embedded, embedded.length - 1);
      },
      addNorm,
      linears: (x, names) => names.map((name) => linear(x, name)),
      logits: noLogits,
    };
    return operations;
  };
  return { lowering, masks, embedded, routings };
}

/** Attention on rows. @param drop drops values [B, H or 1, S, K] by a mask of the shape [B, H, S, 1] */
function attentionOnRows(
  g: GraphBuilder,
  { dKv }: T5Config,
  stacks: readonly Rows[],
  { query, key, value, bias, heads, mixing }: Attention,
  drop: (values: Value, shape: Shape) => Value,
): AttentionResult {
  const split = (x: Value, order: readonly number[]) =>
    ops.transpose(g, unfold(g, rowsOf(stacks, x), x, [Number(x.shape[1]) / dKv, dKv]), order);
  const products = ops.matmul(g, split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1])); // [B, H, T, S]
  const weights = attentionWeights(g, products, bias, mixing);
  const values = split(value, [0, 2, 1, 3]); // [B, H or 1, S, K]
  const { batch, length } = rowsOf(stacks, key);
  // A key is dropped for all queries at once. Dropping its value is the same, of fewer numbers, and nothing more is
  // stored.
  const left = drop(values, [batch, heads, length, 1]);
  const mixed = ops.transpose(g, ops.matmul(g, weights, left), [0, 2, 1, 3]); // [B, T, H, K]
  return { output: ops.reshape(g, mixed, query.shape), present: null };
}

/** Drops channels of rows, the same ones at every position of a sequence, by a mask of the shape [B, 1, width]. */
function dropChannels(
  g: GraphBuilder,
  stacks: readonly Rows[],
  x: Value,
  masked: (values: Value, shape: Shape) => Value,
): Value {
  const width = Number(x.shape[1]);
  const rows = rowsOf(stacks, x);
  return alongPositions(g, stacks, x, (values) => masked(values, [rows.batch, 1, width]));
}

/** The norm, T5's or METRO-T0's. */
function normsOn(
  g: GraphBuilder,
  config: T5Config,
  weight: (name: string) => Value,
): Pick<Operations, "norm" | "addNorm"> {
  const scaled = (x: Value, name: string) =>
    runtime.rootMeanSquareNorm(g, x, weight(name), config.layerNormEpsilon).normed;
  const norm = (x: Value, name: string) =>
    config.fairseq === null ? scaled(x, name) : ops.add(g, scaled(centered(g, x), name), weight(biasName(name)));
  return {
    norm,
    addNorm(x, update, name) {
      const sum = ops.add(g, x, update);
      return { sum, normed: norm(sum, name) };
    },
  };
}

/** Rows less their means, by a product, since that has a gradient rule. */
function centered(g: GraphBuilder, x: Value): Value {
  const width = Number(x.shape.at(-1));
  return ops.add(g, x, ops.matmul(g, x, g.constant(x.dtype, [width, 1], Array<number>(width).fill(-1 / width))));
}

function noLogits(): never {
  throw new RangeError("training takes the loss of the decoder's states without their logits");
}

/** Experts in training, all of which compute; their routers' choices are added to `routings`. */
function expertsOnRows(
  g: GraphBuilder,
  stacks: readonly Rows[],
  routings: Routing[],
  operations: () => Operations,
): Pick<Operations, "expert" | "ofRows" | "onRouted"> {
  return {
    expert: (_, compute) => compute(g, operations()),
    ofRows: (x, along) => alongPositions(g, stacks, x, along),
    onRouted: (routing) => routings.push(routing),
  };
}

/** Applies a function of [B, length, width] to rows. */
function alongPositions(g: GraphBuilder, stacks: readonly Rows[], x: Value, along: (values: Value) => Value): Value {
  return ops.reshape(g, along(unfold(g, rowsOf(stacks, x), x, [Number(x.shape[1])])), x.shape);
}

function rowsOf(stacks: readonly Rows[], x: Value): Rows {
  const rows = stacks.find((each) => each.rows === x.shape[0]);
  if (rows === undefined) throw new RangeError(`no stack has the rows ${x.shape[0]}`);
  return rows;
}

/** [N, ..rest flat] -> [B, length, ..rest]. */
function unfold(g: GraphBuilder, { batch, length, extents }: Rows, x: Value, rest: readonly number[]): Value {
  const target = ops.concat(g, [extents, g.constant("int64", [rest.length], rest)], 0);
  return ops.reshapeTo(g, x, target, [batch, length, ...rest]);
}
