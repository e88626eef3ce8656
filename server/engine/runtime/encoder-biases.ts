/** The encoder's position biases: read once, laid out for the lengths that come. */
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import type { EncoderStage } from "../../../models/t5/encoder.ts";
import { encoderBiases } from "../../../models/t5/position.ts";
import { biasTables } from "../../../models/t5/weights.ts";
import { readTensor } from "../../catalog/folder/checkpoint.ts";
import type { PreparedWeights } from "../../catalog/folder/prepare.ts";
import { float32, type RuntimeTensor } from "./session.ts";

/** What a stage is fed for inputs of one length: `bias_t` [1, H, S, S] of each table that its layers share. */
export type EncoderBiases = (stage: EncoderStage, length: number) => Record<string, RuntimeTensor>;

/**
 * Reads the tables of a model. Only the latest biases are kept, because they grow with the length's square; and no more of them than one
 * stage needs, because umT5 has a table in every layer.
 * @throws ModelError "checkpoint" when one is missing
 */
export async function readEncoderBiases({ config, folder, tensors }: PreparedWeights): Promise<EncoderBiases> {
  const { relativeAttentionNumBuckets: buckets, relativeAttentionMaxDistance: distance } = config;
  const tables = await Promise.all(
    biasTables(config, "encoder").map(async ({ name, ...table }) => {
      const place = tensors.get(name);
      if (place === undefined) throw new ModelError("checkpoint", `The weights hold no tensor named ${name}.`);
      return { ...table, values: await readTensor(name, { ...place, file: join(folder, place.file) }) };
    }),
  );
  const laidOut: { memory: Float32Array<ArrayBuffer>; table?: number; length?: number }[] = [];
  return ({ from, to }, length) => {
    const feeds: Record<string, RuntimeTensor> = {};
    const needed = [...tables.entries()].filter(([, table]) => table.from < to && from < table.to);
    for (const [place, [t, { values, numHeads }]] of needed.entries()) {
      const kept = laidOut[place] ?? { memory: new Float32Array(0) };
      laidOut[place] = kept;
      const count = numHeads * length * length;
      if (kept.memory.length < count) kept.memory = new Float32Array(count);
      const biases = kept.memory.subarray(0, count);
      if (kept.table !== t || kept.length !== length) {
        encoderBiases(values, numHeads, buckets, distance, length, biases);
        [kept.table, kept.length] = [t, length];
      }
      feeds[`bias_${t}`] = float32(biases, [1, numHeads, length, length]);
    }
    return feeds;
  };
}
