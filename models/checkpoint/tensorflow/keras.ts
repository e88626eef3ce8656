/** Reads `tf_model.h5`, the file of TensorFlow models in transformers: Keras' groups in HDF5. */

import { type ByteSource, malformed, type StoredTensor, type TensorMap, transposedTensor } from "../tensor.ts";
import { readHdf5 } from "./hdf5.ts";

/**
 * Finds the tensors, under PyTorch's names and in its shapes: kernels [in, out] become weights [out, in].
 * @throws ModelError "checkpoint" when the file is malformed or refers to other files
 * @see convert_tf_weight_name_to_pt_weight_name, transformers modeling_tf_pytorch_utils.py (4.x)
 */
export async function readKeras(source: ByteSource): Promise<TensorMap> {
  const tensors = new Map<string, StoredTensor>();
  for (const [path, tensor] of await readHdf5(source)) {
    const name = kerasName(path);
    if (name === undefined || (name === EMBEDDING && tensors.has(name))) continue; // either stack may have a copy
    if (tensors.has(name)) throw malformed(source.name, `holds ${name} twice`);
    tensors.set(
      name,
      /\/kernel:0$/.test(path) && tensor.shape.length === 2 ? transposedTensor(source, tensor) : tensor,
    );
  }
  if (tensors.size === 0) throw malformed(source.name, "holds no tensors of a T5");
  return tensors;
}

const EMBEDDING = "shared.weight";

/**
 * PyTorch's name for the path of a tensor in Keras.
 * @param path `tft5_for_conditional_generation/decoder/block_._0/layer_._1/EncDecAttention/q/kernel:0`
 * @returns undefined for tensors that a T5 does not have
 */
export function kerasName(path: string): string | undefined {
  const plain = path
    .replace(/:0$/, "")
    .replaceAll("_._", ".")
    .replace(/\/(kernel|embeddings)$/, "/weight");
  const [, inside] =
    /(?:^|\/)((?:encoder|decoder)\/(?:block\.\d+\/layer\.\d+\/[\w/]+|final_layer_norm\/weight)|lm_head\/weight|shared\/weight)$/.exec(
      plain,
    ) ?? [];
  return inside?.replaceAll("/", ".");
}
