/** Reads checkpoints of T5X: a msgpack file named `checkpoint` with small arrays in it, and a zarr folder for each large one. */
import { flaxArrays } from "./flax.ts";
import type { MsgpackMap, MsgpackValue } from "./msgpack.ts";
import { type ByteSource, malformed, type StoredTensor, type TensorMap, transposedTensor } from "./tensor.ts";
import { zarrTensor } from "./zarr.ts";

/**
 * The parameters in a T5X checkpoint: under `target`, beside the optimizer's state.
 * @returns undefined when the file is none
 */
export function t5xTarget(file: MsgpackValue): MsgpackMap | undefined {
  const target = child(child(file, "optimizer") ?? file, "target");
  return target instanceof Map ? target : undefined;
}

/**
 * Finds the tensors, under Hugging Face's names and in their shapes.
 * @param target what {@link t5xTarget} found
 * @param sibling opens a file by its path relative to the checkpoint's folder
 * @throws ModelError "checkpoint" when an array is malformed or missing
 * @see t5x/checkpoints.py; transformers' convert_t5x_checkpoint_to_pytorch.py for the names
 */
export async function readT5x(
  target: MsgpackMap,
  source: ByteSource,
  sibling: (path: string) => Promise<ByteSource>,
): Promise<TensorMap> {
  const tensors = new Map<string, StoredTensor>();
  const add = (path: readonly string[], tensor: StoredTensor) => {
    const name = t5xName(path);
    const plain = path.at(-1) === "embedding" || tensor.shape.length !== 2;
    if (name !== undefined) tensors.set(name, plain ? tensor : transposedTensor(source, tensor));
  };
  for (const [path, tensor] of flaxArrays(target, source)) add(path, tensor);
  for (const [path, folder] of folders(target, source)) add(path, await zarrTensor(folder, sibling));
  return tensors;
}

/** Places in a layer: of attention, of norms. */
const attentions: Readonly<Record<string, string>> = {
  attention: "layer.0.SelfAttention",
  self_attention: "layer.0.SelfAttention",
  encoder_decoder_attention: "layer.1.EncDecAttention",
};
const projections: Readonly<Record<string, string>> = { query: "q", key: "k", value: "v", out: "o" };

/** Hugging Face's name of a parameter; undefined for what no T5 has. */
function t5xName(path: readonly string[]): string | undefined {
  const [stack = "", layer = "", part = "", name = ""] = path;
  const joined = path.join("/");
  if (joined === "token_embedder/embedding") return "shared.weight";
  if (joined === "decoder/logits_dense/kernel") return "lm_head.weight";
  if (joined === `${stack}/${stack}_norm/scale`) return `${stack}.final_layer_norm.weight`;
  if (joined === `${stack}/relpos_bias/rel_embedding`) {
    return `${stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`;
  }
  const [, block] = /^layers_(\d+)$/.exec(layer) ?? [];
  if (block === undefined) return undefined;
  const feedForward = stack === "encoder" ? 1 : 2;
  const attention = attentions[part];
  const projection = projections[name];
  const norms: Readonly<Record<string, number>> = {
    pre_attention_layer_norm: 0,
    pre_self_attention_layer_norm: 0,
    pre_cross_attention_layer_norm: 1,
    pre_mlp_layer_norm: feedForward,
  };
  const inside =
    attention !== undefined && projection !== undefined
      ? `${attention}.${projection}`
      : part === "mlp"
        ? `layer.${feedForward}.DenseReluDense.${name}`
        : `layer.${norms[part]}.layer_norm`;
  return `${stack}.block.${block}.${inside}.weight`;
}

/** The folders that stand for arrays: TensorStore's description of one, or Orbax's word for its name. */
function* folders(
  value: MsgpackValue,
  source: ByteSource,
  path: readonly string[] = [],
): Generator<[readonly string[], string]> {
  const placeholder = typeof value === "string" ? /^PLACEHOLDER:\/\/(.+)$/.exec(value)?.[1] : undefined;
  const described = child(value, "driver") === "zarr" ? child(child(value, "kvstore"), "path") : undefined;
  const folder = placeholder ?? described;
  if (typeof folder === "string") {
    const name = folder.replace(/\/$/, "").split("/").at(-1) ?? "";
    if (/^\.*$|\\/.test(name))
      throw malformed(source.name, `keeps ${path.join("/")} in "${folder}", which is no folder`);
    yield [path, name];
  } else if (value instanceof Map) {
    for (const [key, each] of value) yield* folders(each, source, [...path, key]);
  }
}

function child(value: MsgpackValue, key: string): MsgpackValue {
  return value instanceof Map ? value.get(key) : undefined;
}
