/** The encoder's position biases: read once, then laid out for each input length. */
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import type { EncoderStage } from "../../../models/t5/encoder.ts";
import { encoderBiases } from "../../../models/t5/position.ts";
import { biasTables } from "../../../models/t5/weights.ts";
import { readTensor } from "../../catalog/folder/checkpoint.ts";
import type { PreparedWeights } from "../../catalog/folder/prepare.ts";
import { float32, type RuntimeTensor } from "./session.ts";

/** Inputs of a stage for one length: `bias_t` [1, H, S, S] of each table that its layers share. */
export type EncoderBiases = (stage: EncoderStage, length: number) => Record<string, RuntimeTensor>;

/**
 * Reads a model's bias tables. Only the latest biases are kept, because they grow with the square of the length, and
 * only those of one stage, because umT5 has a table in every layer.
 * @throws ModelError "checkpoint" when a table is missing
 */
export async function readEncoderBiases({ config, folder, tensors }: PreparedWeights): Promise<EncoderBiases> {
  const { relativeAttentionNumBuckets: buckets, relativeAttentionMaxDistance: distance } = config;
  const tables = await Promise.all(
    biasTables(config, "encoder").map(async ({ name, ...table }) => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new ModelError("checkpoint", `The weights lack ${name}.`);
      return { ...table, values: await readTensor(name, { ...tensor, file: join(folder, tensor.file) }) };
    }),
  );
  const laidOut: { memory: Float32Array<ArrayBuffer>; table?: number; length?: number }[] = [];
  return ({ from, to }, length) => {
    const feeds: Record<string, RuntimeTensor> = {};
    const needed = [...tables.entries()].filter(([, table]) => table.from < to && from < table.to);
    for (const [slot, [t, { values, numHeads }]] of needed.entries()) {
      const layout = laidOut[slot] ?? { memory: new Float32Array(0) };
      laidOut[slot] = layout;
      const count = numHeads * length * length;
      if (layout.memory.length < count) layout.memory = new Float32Array(count);
      const biases = layout.memory.subarray(0, count);
      if (layout.table !== t || layout.length !== length) {
        encoderBiases(values, numHeads, buckets, distance, length, biases);
        [layout.table, layout.length] = [t, length];
      }
      feeds[`bias_${t}`] = float32(biases, [1, numHeads, length, length]);
    }
    return feeds;
  };
}
