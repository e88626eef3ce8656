/**
 * Reads checkpoints of T5X: a msgpack file `checkpoint` with the small arrays, and a zarr folder for each large one.
 */

import { table } from "../../../base/table.ts";
import { DTYPE_BYTES, elementCount } from "../safetensors.ts";
import {
  type ByteSource,
  byteLength,
  gather,
  malformed,
  readStored,
  type StoredTensor,
  type TensorMap,
  transposedTensor,
} from "../tensor.ts";
import { zarrTensor } from "../zarr.ts";
import { flaxArrays } from "./flax.ts";
import type { MsgpackMap, MsgpackValue } from "./msgpack.ts";

/**
 * Returns the parameters of a T5X checkpoint, which are under `target`; undefined for any other file.
 */
export function t5xTarget(file: MsgpackValue): MsgpackMap | undefined {
  const target = child(child(file, "optimizer") ?? file, "target");
  return target instanceof Map ? target : undefined;
}

/**
 * Finds the tensors, under Hugging Face's names and in their shapes.
 * @param target the result of {@link t5xTarget}
 * @param sibling opens a file by its path relative to the checkpoint's folder
 * @throws ModelError "checkpoint" when an array is malformed or missing
 * @see t5x/checkpoints.py; transformers' convert_t5x_checkpoint_to_pytorch.py for the names
 */
export async function readT5x(
  target: MsgpackMap,
  source: ByteSource,
  sibling: (path: string) => Promise<ByteSource>,
): Promise<TensorMap> {
  const arrays = [...flaxArrays(target, source)];
  for (const [path, folder] of folders(target, source)) arrays.push([path, await zarrTensor(folder, sibling)]);
  return t5xTensors(arrays, source);
}

/**
 * Returns the tensors of T5X's arrays, under Hugging Face's names and in their shapes.
 * @param arrays arrays by path; those of the scalable T5 hold all layers of a stack, along their second axis
 * @throws ModelError "checkpoint" when none belongs to a T5
 * @see transformers' convert_umt5_checkpoint_to_pytorch.py for the scalable T5
 */
export function t5xTensors(arrays: Iterable<[readonly string[], StoredTensor]>, source: ByteSource): TensorMap {
  const tensors = new Map<string, StoredTensor>();
  const add = (path: readonly string[], tensor: StoredTensor, expert?: number) => {
    const name = expert === undefined ? t5xName(path) : t5xExpertName(path, expert);
    if (name === undefined) return;
    if (tensors.has(name)) throw malformed(source.name, `holds ${name} twice`);
    const joined = { ...tensor, shape: matrixShape(path, tensor.shape) };
    const plain = path.at(-1) === "embedding" || joined.shape.length !== 2;
    tensors.set(name, plain ? joined : transposedTensor(source, joined));
  };
  const budget = { bytes: MAX_KEPT_BYTES };
  for (const [path, tensor] of arrays) {
    if (isOfExperts(path)) {
      for (let e = 0; e < (tensor.shape[0] ?? 0); e += 1) add(path, expertTensor(source, tensor, e), e);
      continue;
    }
    const [stack = "", scanned, ...rest] = path;
    const layers = scanned === stack ? (tensor.shape[1] ?? 0) : 0;
    if (layers > MAX_LAYERS) throw malformed(source.name, `has ${layers} layers in ${path.join("/")}`);
    const read = keeping(source, tensor, layers, budget);
    for (let i = 0; i < layers; i += 1) add([stack, `layers_${i}`, ...rest], layerTensor(tensor, i, read));
    if (layers === 0) add(path, tensor);
  }
  if (tensors.size === 0) throw malformed(source.name, "names no tensors of a T5");
  return tensors;
}

const MAX_LAYERS = 1024;
/** Enough for umT5-small; of larger models some arrays are unpacked once for each layer. */
const MAX_KEPT_BYTES = 512 * 1024 * 1024;

/** Reads an array of all layers, and keeps it (within the budget) until each layer has been read. */
function keeping(
  source: ByteSource,
  tensor: StoredTensor,
  layers: number,
  budget: { bytes: number },
): () => Promise<Uint8Array> {
  const size = byteLength(tensor);
  let kept: Promise<Uint8Array> | undefined;
  let left = layers;
  return () => {
    const bytes = kept ?? readStored(source, tensor);
    left -= 1;
    if (kept === undefined && left > 0 && size <= budget.bytes) {
      kept = bytes;
      budget.bytes -= size;
    }
    if (left > 0) return bytes;
    if (kept !== undefined) budget.bytes += size;
    kept = undefined;
    left = layers;
    return bytes;
  };
}

/** One layer of an array that holds all of them along its second axis. */
function layerTensor(tensor: StoredTensor, layer: number, read: () => Promise<Uint8Array>): StoredTensor {
  const { file, dtype, shape } = tensor;
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const without = (list: readonly number[]) => list.filter((_, axis) => axis !== 1);
  const begin = layer * (strides[1] ?? 0) * DTYPE_BYTES[dtype];
  const make = async () => gather((await read()).subarray(begin), DTYPE_BYTES[dtype], without(shape), without(strides));
  return { file, dtype, shape: without(shape), offset: undefined, make };
}

/** Whether an array holds a layer's experts along its first axis. @see moe_layers.py of flaxformer */
function isOfExperts(path: readonly string[]): boolean {
  return path[2] === "mlp" && path[3] === "expert" && path.length === 6;
}

/** One expert of an array that holds all of them along its first axis. */
function expertTensor(source: ByteSource, tensor: StoredTensor, expert: number): StoredTensor {
  const { file, dtype, shape } = tensor;
  const own = { file, dtype, shape: shape.slice(1) };
  const length = byteLength(own);
  if (tensor.offset !== undefined) return { ...own, offset: tensor.offset + expert * length, length };
  const make = async () => (await readStored(source, tensor)).slice(expert * length, (expert + 1) * length);
  return { ...own, offset: undefined, make };
}

function t5xExpertName(path: readonly string[], expert: number): string | undefined {
  const [, block] = /^layers_(\d+)$/.exec(path[1] ?? "") ?? [];
  if (block === undefined) return undefined;
  return `${path[0]}.block.${block}.layer.${path[0] === "encoder" ? 1 : 2}.mlp.experts.expert_${expert}.${path[4]}.weight`;
}

/** Attention's heads and their widths are separate axes in the scalable T5: [D, H, K], `out` [H, K, D]. */
function matrixShape(path: readonly string[], shape: readonly number[]): readonly number[] {
  const [first = 1, second = 1, third = 1] = shape;
  if (/_conv$/.test(path.at(-2) ?? "")) return [elementCount(shape)]; // of Primer, [H, K]
  if (shape.length !== 3) return shape;
  return path.at(-2) === "out" ? [first * second, third] : [first, second * third];
}

/** Positions of attention and norms in a layer. */
const attentions: Readonly<Record<string, string>> = table({
  attention: "layer.0.SelfAttention",
  self_attention: "layer.0.SelfAttention",
  encoder_decoder_attention: "layer.1.EncDecAttention",
});
const projections: Readonly<Record<string, string>> = table({ query: "q", key: "k", value: "v", out: "o" });

/** Hugging Face's name of a parameter; undefined for parameters that a T5 does not have. */
function t5xName(path: readonly string[]): string | undefined {
  const [stack = "", layer = "", part = "", name = ""] = path;
  const joined = path.join("/");
  if (joined === "token_embedder/embedding") return "shared.weight";
  if (joined === "decoder/logits_dense/kernel") return "lm_head.weight";
  if (joined === `${stack}/${stack}_norm/scale`) return `${stack}.final_layer_norm.weight`;
  if (joined === `${stack}/relpos_bias/rel_embedding`) {
    return `${stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`;
  }
  if (joined === "encoder/side_relpos_bias/rel_embedding")
    return "encoder.block.0.layer.0.TransientGlobalSelfAttention.global_relative_attention_bias.weight";
  const [, block] = /^layers_(\d+)$/.exec(layer) ?? [];
  if (block === undefined) return undefined;
  if (part === "attention" && name === "T5LayerNorm_0")
    return `encoder.block.${block}.layer.0.TransientGlobalSelfAttention.global_input_layer_norm.weight`;
  if (part === "relpos_bias") return `${stack}.block.${block}.layer.0.SelfAttention.relative_attention_bias.weight`;
  const feedForward = stack === "encoder" ? 1 : 2;
  const attention = attentions[part];
  const projection = projections[name];
  const norms: Readonly<Record<string, number>> = {
    pre_attention_layer_norm: 0,
    pre_self_attention_layer_norm: 0,
    pre_cross_attention_layer_norm: 1,
    pre_mlp_layer_norm: feedForward,
  };
  const convolution = /^([qkv])_conv$/.exec(name)?.[1];
  if (attention !== undefined && convolution !== undefined)
    return `${stack}.block.${block}.${attention}.${convolution}_${path.at(-1)}.weight`;
  const inside =
    attention !== undefined && projection !== undefined
      ? `${attention}.${projection}`
      : joined.endsWith("/mlp/router/router_weights/w/kernel")
        ? `layer.${feedForward}.mlp.router.classifier`
        : part === "mlp"
          ? `layer.${feedForward}.DenseReluDense.${name}`
          : `layer.${norms[part]}.layer_norm`;
  return `${stack}.block.${block}.${inside}.weight`;
}

/** The folders of arrays: TensorStore's description of one, or Orbax's reference to its name. */
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
      throw malformed(source.name, `keeps ${path.join("/")} in "${folder}", which is not a folder name`);
    yield [path, name];
  } else if (value instanceof Map) {
    for (const [key, each] of value) yield* folders(each, source, [...path, key]);
  }
}

function child(value: MsgpackValue, key: string): MsgpackValue {
  return value instanceof Map ? value.get(key) : undefined;
}
