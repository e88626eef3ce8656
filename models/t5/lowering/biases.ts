/** The position biases of a stack's layers, by the tables that they share. */
import type { GraphBuilder } from "../../graph/builder.ts";
import type { Value } from "../../graph/types.ts";
import type { T5Config } from "../config.ts";
import { type BiasTable, biasTables, type Stack } from "../weights.ts";
import type { Operations } from "./lowering.ts";

/** Returns the bias that a layer adds to its attention's products. */
export type BiasOf = (layer: number) => Value;

/** The bias of each layer, from those of a stack's tables (see biasTables); null for tables that no layer asks for. */
export function biasOfTables(config: T5Config, stack: Stack, biases: readonly (Value | null)[]): BiasOf {
  const tables = biasTables(config, stack);
  return (layer) => {
    const bias = biases[tables.findIndex(({ to }) => layer < to)];
    if (bias == null) throw new RangeError(`the ${stack}'s layer ${layer} has no biases`);
    return bias;
  };
}

/** A table's biases, [buckets, H]: zeros where none are learned. */
export function biasRows(
  g: GraphBuilder,
  { relativeAttentionNumBuckets: buckets }: T5Config,
  { weight }: Pick<Operations, "weight">,
  { name, learned, numHeads }: BiasTable,
): Value {
  if (learned) return weight(name);
  return g.constant("float32", [buckets, numHeads], Array<number>(buckets * numHeads).fill(0));
}
