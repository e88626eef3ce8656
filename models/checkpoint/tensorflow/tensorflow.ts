/** Reads checkpoints of Mesh TensorFlow, `model.ckpt-N.index` with its data shards: the format of T5's own buckets. */

import type { TensorDtype } from "../safetensors.ts";
import { DTYPE_BYTES, elementCount } from "../safetensors.ts";
import { maskedCrc32c } from "../snappy.ts";
import {
  type ByteSource,
  copyBlock,
  type MadeTensor,
  malformed,
  type StoredTensor,
  type TensorMap,
  transposedTensor,
} from "../tensor.ts";
import { type BundleEntry, readBundleIndex, sliceKey } from "./bundle.ts";

/**
 * Finds the tensors, under Hugging Face's names and in their shapes. Each is checked against its checksum when it is
 * read.
 * @param sibling opens a file in the index's folder
 * @throws ModelError "checkpoint" when the index or a shard is malformed or missing
 * @see load_tf_weights_in_t5, transformers modeling_t5.py (4.x) for the names
 */
export async function readTensorBundle(
  source: ByteSource,
  sibling: (path: string) => Promise<ByteSource>,
): Promise<TensorMap> {
  const { shards, entries } = await readBundleIndex(source);
  const prefix = (source.name.split(/[\\/]/).at(-1) ?? "").replace(/\.index$/, "");
  const digits = (value: number) => String(value).padStart(5, "0");
  const opened = new Map<number, ByteSource>();
  const open = async (shard: number) => {
    const file = opened.get(shard) ?? (await sibling(`${prefix}.data-${digits(shard)}-of-${digits(shards)}`));
    opened.set(shard, file);
    return file;
  };
  const tensors = new Map<string, StoredTensor>();
  for (const [path, entry] of entries) {
    const name = meshName(path);
    if (name === undefined) continue;
    if (tensors.has(name)) throw malformed(source.name, `holds ${name} twice`);
    const shard = await open(entry.shard);
    const whole =
      entry.slices.length === 0
        ? bundleTensor(path, entry, shard)
        : await slicedTensor(path, entry, entries, open, shard);
    const tensor = { ...whole, shape: matrixShape(path, whole.shape) };
    const plain = path.endsWith("/embedding") || tensor.shape.length !== 2;
    tensors.set(name, plain ? tensor : transposedTensor(shard, tensor));
  }
  if (tensors.size === 0) throw malformed(source.name, "names no tensors of a T5");
  return tensors;
}

const dtypes: Readonly<Record<number, TensorDtype>> = { 1: "F32", 2: "F64", 3: "I32", 9: "I64", 14: "BF16", 19: "F16" };

/** Hugging Face's name of a variable; undefined for optimizer slots and others that are not weights. */
function meshName(path: string): string | undefined {
  if (path === "shared/embedding") return "shared.weight";
  if (path === "decoder/logits/kernel") return "lm_head.weight";
  const [, last] = /^(encoder|decoder)\/(?:rms_norm|final_layer_norm|layer_norm)\/scale$/.exec(path) ?? [];
  if (last !== undefined) return `${last}.final_layer_norm.weight`;
  const [, stack, block, layer, rest] = /^(encoder|decoder)\/block_(\d+)\/layer_(\d+)\/(.+)$/.exec(path) ?? [];
  if (rest === undefined) return undefined;
  const inside = /^(rms_norm|layer_norm)\/scale$/.test(rest)
    ? "layer_norm"
    : PARTS.exec(rest)?.[0]?.replace("TalkingHeads", "").replace("/kernel", "").replace("/", ".").replace(/\.y$/, ".o");
  if (inside === undefined) return undefined;
  // Models whose layers differ (n4w10) have all of them in one block.
  const layers = stack === "encoder" ? 2 : 3;
  const index = Number(block) + Math.floor(Number(layer) / layers);
  return `${stack}.block.${index}.layer.${Number(layer) % layers}.${inside}.weight`;
}

const PARTS =
  /^((SelfAttention|EncDecAttention)\/([qkvo]|kv|relative_attention_bias)|TalkingHeads(SelfAttention|EncDecAttention)\/([qkvy]\/kernel|(logits|weights)\/kernel|relative_attention_bias)|DenseReluDense\/(wi|wi_0|wi_1|wo)\/kernel)$/;

/**
 * With talking heads, a projection has separate axes for heads and their width; a model with one head lacks the first.
 */
function matrixShape(path: string, shape: readonly number[]): readonly number[] {
  if (path.endsWith("/relative_attention_bias") && shape.length === 1) return [1, ...shape];
  const [first = 1, second = 1, third = 1] = shape;
  if (shape.length !== 3) return shape;
  return /\/[oy](\/kernel)?$/.test(path) ? [first * second, third] : [first, second * third];
}

function bundleTensor(path: string, entry: BundleEntry, shard: ByteSource): MadeTensor {
  const { type, shape, offset, sizeBytes, checksum } = entry;
  const dtype = dtypes[type];
  if (dtype === undefined)
    throw malformed(shard.name, `holds ${path} in TensorFlow's type ${type}, which cannot be read`);
  if (sizeBytes !== elementCount(shape) * DTYPE_BYTES[dtype]) {
    throw malformed(shard.name, `gives ${path} ${sizeBytes} bytes, but the shape [${shape.join(",")}]`);
  }
  if (offset + sizeBytes > shard.sizeBytes) {
    throw malformed(shard.name, `is truncated: ${path} ends at ${offset + sizeBytes} of ${shard.sizeBytes} bytes`);
  }
  const make = async () => {
    const bytes = await shard.read(offset, sizeBytes);
    if (maskedCrc32c(bytes) === checksum) return bytes;
    throw malformed(shard.name, `is damaged: the checksum of ${path} is wrong`);
  };
  return { file: shard.file, dtype, shape, offset: undefined, make };
}

/** A partitioned variable. Each piece is checked like a tensor, and together they must cover the whole. */
async function slicedTensor(
  path: string,
  whole: BundleEntry,
  entries: ReadonlyMap<string, BundleEntry>,
  open: (shard: number) => Promise<ByteSource>,
  source: ByteSource,
): Promise<MadeTensor> {
  const { shape, slices } = whole;
  const wrong = (what: string) => malformed(source.name, `has ${path} in ${slices.length} pieces ${what}`);
  const pieces: (Piece & { readonly tensor: MadeTensor })[] = [];
  for (const slice of slices) {
    const entry = entries.get(sliceKey(path, slice));
    if (entry === undefined || entry.slices.length > 0) throw wrong("of which one is missing");
    const extent = slice.map(({ start, length }, axis) =>
      length === -1 ? (shape[axis] ?? 0) : start < 0 ? -1 : length,
    );
    const origin = slice.map(({ start }) => Math.max(0, start));
    const inside = origin.every((from, axis) => from + (extent[axis] ?? 0) <= (shape[axis] ?? 0));
    const same = slice.length === shape.length && extent.join() === entry.shape.join();
    if (!inside || !same || entry.type !== whole.type) throw wrong("of which one does not fit");
    pieces.push({ origin, tensor: bundleTensor(path, entry, await open(entry.shard)) });
  }
  const [first] = pieces;
  const count = pieces.reduce((sum, { tensor }) => sum + elementCount(tensor.shape), 0);
  if (
    first === undefined ||
    count !== elementCount(shape) ||
    pieces.some((a, i) => pieces.slice(0, i).some((b) => overlap(a, b)))
  ) {
    throw wrong(`that do not make [${shape.join(",")}]`);
  }
  const { file, dtype } = first.tensor;
  const size = DTYPE_BYTES[dtype];
  const make = async () => {
    const values = new Uint8Array(count * size);
    for (const { origin, tensor } of pieces) copyBlock(await tensor.make(), tensor.shape, values, shape, origin, size);
    return values;
  };
  return { file, dtype, shape, offset: undefined, make };
}

interface Piece {
  readonly origin: readonly number[];
  readonly tensor: { readonly shape: readonly number[] };
}

function overlap(a: Piece, b: Piece): boolean {
  const ends = (piece: Piece, axis: number) => (piece.origin[axis] ?? 0) + (piece.tensor.shape[axis] ?? 0);
  return a.origin.every((from, axis) => from < ends(b, axis) && (b.origin[axis] ?? 0) < ends(a, axis));
}
