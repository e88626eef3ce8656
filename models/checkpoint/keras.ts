/** Reads `tf_model.h5`, what TensorFlow models of transformers are saved as: Keras' groups in an HDF5 file. */
import { readHdf5 } from "./hdf5.ts";
import { type ByteSource, malformed, type StoredTensor, type TensorMap, transposedTensor } from "./tensor.ts";

/**
 * Finds the tensors, under the names and in the shapes of PyTorch: kernels [in, out] become weights [out, in].
 * @throws ModelError "checkpoint" when the file is malformed or refers to others
 * @see convert_tf_weight_name_to_pt_weight_name, transformers modeling_tf_pytorch_utils.py (4.x)
 */
export async function readKeras(source: ByteSource): Promise<TensorMap> {
  const tensors = new Map<string, StoredTensor>();
  for (const [path, tensor] of await readHdf5(source)) {
    const name = kerasName(path);
    if (name === undefined || (name === EMBEDDING && tensors.has(name))) continue; // the stacks may have it once more each
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
 * PyTorch's name of a tensor that Keras knows by a path.
 * @param path `tft5_for_conditional_generation/decoder/block_._0/layer_._1/EncDecAttention/q/kernel:0`
 * @returns undefined for what no T5 has
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
