/** The encoder's position biases: read once, then laid out for each input length. */
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { type EncoderStage, LONG_NAMES } from "../../../models/t5/encoder.ts";
import { type LongLayout, longLayout } from "../../../models/t5/long/layout.ts";
import { encoderBiases } from "../../../models/t5/position.ts";
import { biasTables, sideTable } from "../../../models/t5/weights.ts";
import { readTensor } from "../../catalog/folder/checkpoint.ts";
import type { PreparedWeights } from "../../catalog/folder/int8/prepare.ts";
import { longFeeds } from "./long-feeds.ts";
import { float32, int64, type RuntimeTensor } from "./session.ts";

/**
 * Inputs of a stage for rows of these lengths: `bias_t` [1, H, S, S] of each table that its layers share, or a
 * LongT5's.
 */
export type EncoderBiases = (stage: EncoderStage, lengths: readonly number[]) => Record<string, RuntimeTensor>;

/**
 * Reads a model's bias tables. Only the latest biases are kept, because they grow with the square of the length, and
 * only those of one stage, because umT5 has a table in every layer.
 * @throws ModelError "checkpoint" when a table is missing
 */
export async function readEncoderBiases(weights: PreparedWeights): Promise<EncoderBiases> {
  const { config } = weights;
  if (config.longAttention !== null) return longBiases(weights);
  const tables = await Promise.all(
    biasTables(config, "encoder").map(async ({ name, ...table }) => {
      return { ...table, values: await tableValues(weights, name) };
    }),
  );
  const laidOut: { memory: Float32Array<ArrayBuffer>; table?: number; length?: number }[] = [];
  return ({ from, to }, lengths) => {
    const length = Math.max(1, ...lengths);
    const feeds: Record<string, RuntimeTensor> = {};
    const needed = [...tables.entries()].filter(([, table]) => table.from < to && from < table.to);
    for (const [slot, [t, { values, numHeads }]] of needed.entries()) {
      const layout = laidOut[slot] ?? { memory: new Float32Array(0) };
      laidOut[slot] = layout;
      const count = numHeads * length * length;
      if (layout.memory.length < count) layout.memory = new Float32Array(count);
      const biases = layout.memory.subarray(0, count);
      if (layout.table !== t || layout.length !== length) {
        encoderBiases(values, numHeads, config, length, biases);
        [layout.table, layout.length] = [t, length];
      }
      feeds[`bias_${t}`] = float32(biases, [1, numHeads, length, length]);
    }
    return feeds;
  };
}

/** The inputs of a LongT5's encoder; those of the latest lengths are kept. */
async function longBiases(weights: PreparedWeights): Promise<EncoderBiases> {
  const { config } = weights;
  const [table] = biasTables(config, "encoder");
  const window = { name: LONG_NAMES.window, values: await tableValues(weights, table?.name ?? "") };
  const side =
    config.longAttention?.globalBlockSize == null
      ? null
      : { name: LONG_NAMES.side, values: await tableValues(weights, sideTable(config)) };
  let latest: { readonly layout: LongLayout; readonly feeds: Record<string, RuntimeTensor> } | undefined;
  return ({ from, to, ends }, lengths) => {
    const length = { length: int64([Math.max(1, ...lengths)]) };
    if (from === to) return length;
    if (latest?.layout.lengths.join() !== lengths.join()) {
      const layout = longLayout(config, lengths);
      if (layout === null) throw new RangeError("the encoder has no blocks");
      latest = { layout, feeds: longFeeds(config, layout, window, side, (count) => new Float32Array(count)) };
    }
    return { ...latest?.feeds, ...(ends && length) };
  };
}

/** @throws ModelError "checkpoint" when the table is missing */
async function tableValues({ folder, tensors }: PreparedWeights, name: string): Promise<Float32Array> {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new ModelError("checkpoint", `The weights lack ${name}.`);
  return readTensor(name, { ...tensor, file: join(folder, tensor.file) });
}
