/**
 * Bottleneck adapters that learn: two small layers with a function between them, after or beside sublayers.
 * @see Houlsby et al. 2019, "Parameter-Efficient Transfer Learning"; Pfeiffer et al. 2020; He et al. 2021 (parallel)
 */
import type { GraphBuilder } from "../../graph/builder.ts";
import * as ops from "../../graph/ops.ts";
import type { Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import {
  ACTIVATIONS,
  type Activation,
  type BottleneckInput,
  bottleneckInput,
  type Sublayer,
  sublayers,
} from "./adapters.ts";

/** Bottlenecks of one width, which begin as nothing. */
export interface BottleneckMethod {
  readonly kind: "bottleneck";
  readonly layout: BottleneckLayout;
  readonly width: number;
  /** The factor of what is added. */
  readonly scale: number;
}

/** Where bottlenecks stand, and the function in them, as AdapterHub's configurations of these names have it. */
export type BottleneckLayout = keyof typeof BOTTLENECK_LAYOUTS;
export const BOTTLENECK_LAYOUTS = {
  houlsby: { parts: ["self", "ff"], reads: "output", activation: "silu" },
  pfeiffer: { parts: ["ff"], reads: "sum", activation: "relu" },
  parallel: { parts: ["ff"], reads: "residual", activation: "relu" },
} as const satisfies Readonly<
  Record<string, { parts: readonly Sublayer["part"][]; reads: BottleneckInput; activation: Activation }>
>;

/** The sublayers that have a bottleneck. */
export function bottleneckLayers(config: T5Config, layout: BottleneckLayout): string[] {
  const parts: readonly string[] = BOTTLENECK_LAYOUTS[layout].parts;
  return sublayers(config).flatMap(({ name, part }) => (parts.includes(part) ? [name] : []));
}

/** The names of a sublayer's learned arrays: down [width, D], up [D, width] and their biases. */
export function bottleneckNames(layer: string) {
  const [down, up] = [`${layer}.adapter_down`, `${layer}.adapter_up`];
  return { down: `${down}.weight`, downBias: `${down}.bias`, up: `${up}.weight`, upBias: `${up}.bias` };
}

/** The learned arrays by name, with their shapes. */
export function bottleneckShapes(
  config: T5Config,
  { layout, width: R }: BottleneckMethod,
): Map<string, readonly number[]> {
  const { dModel: D } = config;
  return new Map(
    bottleneckLayers(config, layout).flatMap((layer): [string, number[]][] => {
      const { down, downBias, up, upBias } = bottleneckNames(layer);
      return [
        [down, [R, D]],
        [downBias, [R]],
        [up, [D, R]],
        [upBias, [D]],
      ];
    }),
  );
}

/** Bottlenecks in a graph. */
export interface BottleneckGraph {
  readonly layout: BottleneckLayout;
  readonly scale: number;
  /** The arrays of a sublayer; undefined where it has none. */
  readonly arrays: (layer: string) => Readonly<Record<"down" | "downBias" | "up" | "upBias", Value>> | undefined;
}

/** Bottlenecks' arrays by their sublayer. */
export function bottleneckGraph(method: BottleneckMethod, weights: ReadonlyMap<string, Value>): BottleneckGraph {
  return {
    ...method,
    arrays(layer) {
      const names = bottleneckNames(layer);
      const [down, downBias] = [weights.get(names.down), weights.get(names.downBias)];
      const [up, upBias] = [weights.get(names.up), weights.get(names.upBias)];
      if (down === undefined || downBias === undefined || up === undefined || upBias === undefined) return undefined;
      return { down, downBias, up, upBias };
    },
  };
}

/** A sublayer's output with what its bottleneck adds. */
export function bottleneck(
  g: GraphBuilder,
  graph: BottleneckGraph | undefined,
  layer: string,
  x: Value,
  update: Value,
): Value {
  const found = graph?.arrays(layer);
  if (graph === undefined || found === undefined) return update;
  const { layout, scale } = graph;
  const { reads, activation } = BOTTLENECK_LAYOUTS[layout];
  const input = bottleneckInput(g, reads, x, update);
  const thin = ops.add(g, ops.gemm(g, input, found.down, { transposeB: true }), found.downBias); // [N, width]
  const active = ACTIVATIONS[activation](g, thin);
  const wide = ops.add(g, ops.gemm(g, active, found.up, { transposeB: true }), found.upBias); // [N, D]
  return ops.add(g, update, scale === 1 ? wide : ops.mul(g, wide, g.constant(x.dtype, [], [scale])));
}
