/** Plants outlying channels in a model without changing what it computes in exact arithmetic. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { safetensorsHeader } from "../../models/checkpoint/safetensors.ts";
import { layerCount } from "../../models/t5/weights.ts";
import { readTensor } from "../../server/catalog/folder/checkpoint.ts";
import { type PreparedWeights, prepareWeights } from "../../server/catalog/folder/int8/prepare.ts";
import { TOKENIZER_FILES } from "../../server/catalog/folder/model-files.ts";

/**
 * Where a channel stands out: within the feed-forward layers, in attention's values, after the norms of the layers, or
 * after the encoder's last norm, which feeds every layer of the decoder.
 */
export const PLANTED_PLACES = ["feed-forward", "values", "norms", "last norm"] as const;
export type PlantedPlace = (typeof PLANTED_PLACES)[number];

/** Outlying channels: `factor` 1 plants none. */
export interface Outliers {
  readonly place: PlantedPlace;
  readonly factor: number;
}

/**
 * Writes a copy of a model in float32 in which a channel of every layer is `factor` times as large, and what reads it
 * as much smaller.
 */
export async function writeWithOutliers(from: string, to: string, cache: string, outliers: Outliers): Promise<void> {
  mkdirSync(to, { recursive: true });
  for (const name of ["config.json", "generation_config.json", ...TOKENIZER_FILES])
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
  const prepared = await prepareWeights(from, "float32", { cacheFolder: cache });
  const specs = [...prepared.tensors].map(([name, { shape }]) => ({ name, shape, dtype: "F32" as const }));
  const changes = changesOf(prepared, outliers);
  const parts: Uint8Array[] = [safetensorsHeader(specs, {}).bytes];
  for (const { name, shape } of specs) {
    const values = await readPrepared(prepared, name);
    const width = shape.at(-1) ?? 1;
    for (const { axis, channel, factor } of changes.filter((change) => change.name === name))
      for (let i = 0; i < values.length; i += 1)
        if ((axis === "column" ? i % width : Math.floor(i / (shape.length === 1 ? 1 : width))) === channel)
          values[i] = (values[i] ?? 0) * factor;
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  writeFileSync(join(to, "model.safetensors"), Buffer.concat(parts));
}

interface Change {
  readonly name: string;
  readonly axis: "row" | "column";
  readonly channel: number;
  readonly factor: number;
}

const CHANNEL = 3;

function changesOf({ config }: PreparedWeights, { place, factor }: Outliers): Change[] {
  const changes: Change[] = [];
  const move = (layer: string, producer: string, readers: readonly string[]) => {
    changes.push({ name: `${layer}.${producer}.weight`, axis: "row", channel: CHANNEL, factor });
    for (const reader of readers)
      changes.push({ name: `${layer}.${reader}.weight`, axis: "column", channel: CHANNEL, factor: 1 / factor });
  };
  const dense = config.feedForward === "relu" ? ["wi"] : ["wi_1", "wi_0"];
  for (const stack of ["encoder", "decoder"] as const) {
    for (let block = 0; block < layerCount(config, stack); block += 1) {
      const layer = (index: number) => `${stack}.block.${block}.layer.${index}`;
      const last = layer(stack === "encoder" ? 1 : 2);
      if (place === "feed-forward") move(last, `DenseReluDense.${dense[0]}`, ["DenseReluDense.wo"]);
      if (place === "values") move(layer(0), "SelfAttention.v", ["SelfAttention.o"]);
      if (place === "norms") {
        move(
          layer(0),
          "layer_norm",
          ["q", "k", "v"].map((part) => `SelfAttention.${part}`),
        );
        move(
          last,
          "layer_norm",
          dense.map((part) => `DenseReluDense.${part}`),
        );
      }
    }
  }
  if (place === "last norm") {
    const cross = (layer: number) => `decoder.block.${layer}.layer.1.EncDecAttention`;
    const readers = Array.from({ length: config.numDecoderLayers }, (_, i) => [`${cross(i)}.k`, `${cross(i)}.v`]);
    move("encoder", "final_layer_norm", []);
    for (const reader of readers.flat())
      changes.push({ name: `${reader}.weight`, axis: "column", channel: CHANNEL, factor: 1 / factor });
  }
  return changes;
}

function readPrepared({ folder, tensors }: PreparedWeights, name: string): Promise<Float32Array> {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`there is no ${name}`);
  return readTensor(name, { ...tensor, file: join(folder, tensor.file) });
}
