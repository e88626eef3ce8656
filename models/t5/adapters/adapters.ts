/**
 * Adapters beside frozen weights: bottlenecks after or beside a sublayer, and LoRA beside a linear layer. Their arrays
 * are inputs of a graph, so one session serves a base with any of its adapters, and with none.
 * @see Houlsby et al. 2019; Pfeiffer et al. 2020; He et al. 2021 (parallel); Hu et al. 2021 (LoRA)
 */
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import type { Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import type { GenerationLowering } from "../lowering/lowering.ts";
import { layerCount, type Stack, tensorShapes } from "../weights.ts";

/** The functions that a bottleneck may have between its two layers. */
export const ACTIVATIONS = {
  relu: (g, x) => ops.unary(g, "Relu", x),
  silu: (g, x) => ops.mul(g, x, ops.unary(g, "Sigmoid", x)),
  "gelu-tanh": ops.geluTanh,
  gelu: ops.gelu,
  sigmoid: (g, x) => ops.unary(g, "Sigmoid", x),
  "leaky-relu": (g, x) => {
    const below = ops.unary(g, "Relu", ops.unary(g, "Neg", x));
    return ops.sub(g, ops.unary(g, "Relu", x), ops.mul(g, below, g.constant(x.dtype, [], [0.01])));
  },
} as const satisfies Readonly<Record<string, (g: GraphBuilder, x: Value) => Value>>;
export type Activation = keyof typeof ACTIVATIONS;

/** The input of a bottleneck: the sublayer's output, that added to the residual stream, or the stream before it. */
export type BottleneckInput = "output" | "sum" | "residual";

/** A bottleneck's place and form. Its width is not part of it. */
export interface BottleneckSlot {
  readonly kind: "bottleneck";
  /** The sublayer, as `encoder.block.0.layer.1`. */
  readonly layer: string;
  readonly reads: BottleneckInput;
  readonly activation: Activation;
}

/** A place of LoRA's two matrices. */
export interface LoraSlot {
  readonly kind: "lora";
  /** The linear layer's name without ".weight". */
  readonly layer: string;
}

export type AdapterSlot = BottleneckSlot | LoraSlot;

/** The places that a graph has inputs for, by {@link slotName}. */
export type AdapterSlots = ReadonlyMap<string, AdapterSlot>;

/** A name that tells a place and its form from all others. */
export function slotName(slot: AdapterSlot): string {
  return slot.kind === "lora" ? `lora ${slot.layer}` : `${slot.activation} ${slot.reads} ${slot.layer}`;
}

/** One array of an adapter as a graph takes it, float32. */
export interface AdapterInput {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** An adapter as graphs take it: its places, and an array for each of their inputs ({@link slotInputs}). */
export interface GraphAdapter {
  readonly slots: AdapterSlots;
  readonly inputs: ReadonlyMap<string, AdapterInput>;
}

/** The arrays of a place. Factors are already multiplied into those that come last. */
export type SlotArrays =
  | {
      readonly down: Float32Array;
      readonly downBias: Float32Array;
      readonly up: Float32Array;
      readonly upBias: Float32Array;
    }
  | { readonly a: Float32Array; readonly b: Float32Array };

/**
 * The inputs of a place: a bottleneck's `down` [D, R], `downBias` [R], `up` [R, D] and `upBias` [D]; LoRA's `a` [in, R]
 * and `b` [R, out]. R is free in a graph.
 * @param width the R of an adapter
 * @returns shapes by the arrays' names
 */
export function slotInputs<W extends number | string>(
  config: T5Config,
  slot: AdapterSlot,
  width: W,
): Readonly<Record<string, readonly (number | W)[]>> {
  const { dModel: D } = config;
  if (slot.kind === "bottleneck") return { down: [D, width], downBias: [width], up: [width, D], upBias: [D] };
  const [out = 0, inner = 0] = tensorShapes(config).get(`${slot.layer}.weight`) ?? [];
  return { a: [inner, width], b: [width, out] };
}

/** The name of a graph's input for an array of a place. */
export function inputName(slot: AdapterSlot, array: string): string {
  return `adapter ${slotName(slot)} ${array}`;
}

/** Whether an input of a graph belongs to an adapter. */
export function isAdapterInput(name: string): boolean {
  return name.startsWith("adapter ");
}

/** An adapter that leaves a model as it is, with the given places. */
export function idleAdapter(config: T5Config, slots: AdapterSlots): GraphAdapter {
  const inputs = [...slots.values()].flatMap((slot) =>
    Object.entries(slotInputs(config, slot, 1)).map(([array, dims]): [string, AdapterInput] => {
      const values = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
      return [inputName(slot, array), { dims, values }];
    }),
  );
  return { slots, inputs: new Map(inputs) };
}

/** A sublayer of a model. */
export interface Sublayer {
  /** As `encoder.block.0.layer.1`. */
  readonly name: string;
  readonly part: "self" | "cross" | "ff";
  /** The number of its layer, the decoder's counted after the encoder's. */
  readonly index: number;
}

/** The self-attention, cross-attention and feed-forward of every layer of a model. */
export function sublayers(config: T5Config): Sublayer[] {
  const of = (stack: Stack, parts: readonly Sublayer["part"][], first: number) =>
    Array.from({ length: layerCount(config, stack) }, (_, block) =>
      parts.map((part, i) => ({ name: `${stack}.block.${block}.layer.${i}`, part, index: first + block })),
    ).flat();
  return [...of("encoder", ["self", "ff"], 0), ...of("decoder", ["self", "cross", "ff"], config.numLayers)];
}

/** The value that a bottleneck reads. */
export function bottleneckInput(g: GraphBuilder, reads: BottleneckInput, x: Value, update: Value): Value {
  if (reads === "sum") return ops.add(g, x, update);
  return reads === "residual" ? x : update;
}

/** A lowering with inputs for adapters at the given places. */
export function withAdapters(config: T5Config, lowering: GenerationLowering, slots: AdapterSlots): GenerationLowering {
  if (slots.size === 0) return lowering;
  const bottlenecks = [...slots.values()].filter((slot) => slot.kind === "bottleneck");
  return (g) => {
    const plain = lowering(g);
    const inputOf = (slot: AdapterSlot, array: string) => {
      const shape = slotInputs(config, slot, `width of ${slotName(slot)}`)[array];
      if (shape === undefined) throw new RangeError(`an adapter has no ${array}`);
      return g.outerInput(inputName(slot, array), "float32", shape);
    };
    const product = (slot: AdapterSlot, x: Value, array: string) => ops.matmul(g, x, inputOf(slot, array));
    function adapted(x: Value, y: Value, name: string): Value {
      const slot = slots.get(slotName({ kind: "lora", layer: name }));
      return slot === undefined ? y : ops.add(g, y, product(slot, product(slot, x, "a"), "b"));
    }
    return {
      ...plain,
      linear: (x, name) => adapted(x, plain.linear(x, name), name),
      linears: (x, names, fused) => plain.linears(x, names, fused).map((y, i) => adapted(x, y, names[i] ?? fused)),
      adapt: (layer, x, update) =>
        bottlenecks
          .filter((slot) => slot.layer === layer)
          .reduce((sum, slot) => {
            const thin = ops.add(
              g,
              product(slot, bottleneckInput(g, slot.reads, x, update), "down"),
              inputOf(slot, "downBias"),
            );
            const active = ACTIVATIONS[slot.activation](g, thin);
            return ops.add(g, sum, ops.add(g, product(slot, active, "up"), inputOf(slot, "upBias")));
          }, update),
    };
  };
}
