/** Feeds of a training graph: a batch's tokens and weights, the biases of its positions, and dropout masks. */

import type { Graph, Value } from "../../../models/graph/types.ts";
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import type { Batch } from "../../../models/t5/batch.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { DropoutMask } from "../../../models/t5/lowering/trainable.ts";
import type { Stack } from "../../../models/t5/weights.ts";
import { longFeeds } from "../../engine/runtime/long-feeds.ts";
import { type Floats, floats, int32, int64, type RuntimeTensor } from "../../engine/runtime/session.ts";
import { layBiases } from "./biases.ts";

/** A table of position biases, and its name in the graph when it is laid out. */
export interface LaidTable {
  readonly name: string;
  readonly numHeads: number;
  /** The stack that it belongs to; or the global tokens of a LongT5's encoder. */
  readonly place: Stack | "global";
  readonly laidOut: string;
  /** Whether there are biases; else only the mask is laid out. */
  readonly learned: boolean;
}

/** Returns zeros in the precision of the graph. */
export type NewFloats = (count: number) => Floats;

type Feeds = Record<string, RuntimeTensor>;

/** The feeds of a batch. @param share the weight of each target token in the loss */
export function batchFeeds(batch: Batch, share: number, newFloats: NewFloats): Feeds {
  const { B, S, T } = batch.extents;
  const labelWeights = newFloats(B * T);
  const mask = newFloats(B * S);
  for (const [row, length] of batch.targetLengths.entries()) labelWeights.fill(share, row * T, row * T + length);
  for (const [row, length] of batch.inputLengths.entries()) mask.fill(-1e9, row * S + length, (row + 1) * S);
  return {
    extents: int64([B, S, T]),
    input_ids: int32(batch.inputIds, [B * S]),
    decoder_ids: int32(batch.decoderIds, [B * T]),
    labels: int32(batch.labels, [B * T]),
    label_weights: floats(labelWeights, [B * T]),
    mask: floats(mask, [B, 1, 1, S]),
  };
}

/** The tables of position biases, laid out for a batch. @param valuesOf returns a table's values, [buckets, H] */
export function biasFeeds(
  config: T5Config,
  batch: Batch,
  tables: readonly LaidTable[],
  valuesOf: (table: LaidTable) => Floats,
  newFloats: NewFloats,
): Feeds {
  const feeds: Feeds = {};
  const named = (table: LaidTable) => ({ name: table.laidOut, values: valuesOf(table) });
  const side = tables.find(({ place }) => place === "global");
  for (const table of tables) {
    const { place, numHeads: H } = table;
    if (place === "global") continue; // with the encoder's
    if (place === "encoder" && batch.long !== null) {
      const global = side === undefined ? null : named(side);
      Object.assign(feeds, longFeeds(config, batch.long, named(table), global, newFloats));
      continue;
    }
    const length = place === "encoder" ? batch.extents.S : batch.extents.T;
    const values = newFloats(H * length * length);
    const biases = table.learned ? valuesOf(table) : newFloats(config.relativeAttentionNumBuckets * H);
    layBiases(biases, batch.buckets[place], H, values);
    feeds[table.laidOut] = floats(values, [1, H, length, length]);
  }
  return feeds;
}

/**
 * Dropout masks, drawn anew for each batch.
 * @param rateOf returns the share of values that a mask drops
 * @param seeds of the step, and of the batch in it
 */
export function dropoutFeeds(
  masks: readonly DropoutMask[],
  extents: Readonly<Record<string, number>>,
  rateOf: (mask: DropoutMask) => number,
  seeds: readonly [number, number],
  newFloats: NewFloats,
): Feeds {
  const seed = mixSeeds(...seeds);
  const feeds: Feeds = {};
  for (const [place, mask] of masks.entries()) {
    const rate = rateOf(mask);
    const dims = mask.shape.map((dim) => (typeof dim === "number" ? dim : (extents[dim] ?? 0)));
    const random = seededRandom(mixSeeds(seed, place));
    const values = newFloats(dims.reduce((product, dim) => product * dim, 1));
    for (let i = 0; i < values.length; i += 1) values[i] = random() < rate ? 0 : 1 / (1 - rate);
    feeds[mask.name] = floats(values, dims);
  }
  return feeds;
}

/** Memory for the outputs whose extents follow from the batch; the gradients of weights have other memory. */
export function outputRoom(
  { outputs }: Graph,
  { extents }: Batch,
  newFloats: NewFloats,
): Record<string, RuntimeTensor> {
  const { B, S, T } = extents;
  const known: Readonly<Record<string, number>> = { B, S, T, source_tokens: B * S, target_tokens: B * T };
  const isSmall = ({ name, shape }: Value) => !name.startsWith("d ") || shape.some((dim) => typeof dim === "string");
  return Object.fromEntries(
    outputs.filter(isSmall).map(({ name, shape }) => {
      const dims = shape.map((dim) => (typeof dim === "number" ? dim : (known[dim] ?? missing(dim))));
      const count = dims.reduce((product, dim) => product * dim, 1);
      return [name, floats(newFloats(count), dims)];
    }),
  );
}

function missing(extent: string): never {
  throw new RangeError(`an output has an extent ${extent}, which no batch has`);
}
