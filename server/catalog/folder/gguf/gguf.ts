/** The configuration that a GGUF file contains, where no config.json lies beside it. */
import type { TensorMap } from "../../../../models/checkpoint/tensor.ts";
import { parseConfig, type T5Config } from "../../../../models/t5/config.ts";
import { LM_HEAD } from "../../../../models/t5/weights.ts";
import { readTensor } from "../checkpoint.ts";
import { openSource } from "../source.ts";

/** Reads a file's shape. @returns a function of its tensors @throws ModelError "config" or "checkpoint" */
export async function ggufShape(path: string): Promise<(tensors: TensorMap) => Promise<T5Config>> {
  const [{ readGgufMetadata }, { configOfGguf }] = await Promise.all([
    import("../../../../models/checkpoint/gguf/gguf.ts"),
    import("../../../../models/checkpoint/gguf/gguf-config.ts"),
  ]);
  const metadata = await readGgufMetadata(await openSource(path));
  return async (tensors) => parseConfig(configOfGguf(metadata, tensors, await isTied(tensors), path));
}

/**
 * Whether the LM head is the embedding, which the file does not say: it is where there is no head, or one with the
 * embedding's values up to another rounding. Gated layers are T5 1.1's, whose head is separate.
 */
async function isTied(tensors: TensorMap): Promise<boolean> {
  const head = tensors.get(LM_HEAD);
  const embedding = tensors.get("shared.weight");
  if (head === undefined || embedding === undefined) return true;
  if (tensors.has("encoder.block.0.layer.1.DenseReluDense.wi_0.weight")) return false;
  const [x, y] = await Promise.all([readTensor(LM_HEAD, head), readTensor("shared.weight", embedding)]);
  let difference = 0;
  let size = 0;
  for (const [i, value] of x.entries()) {
    difference += (value - (y[i] ?? 0)) ** 2;
    size += value ** 2;
  }
  return difference <= 0.1 * size;
}
