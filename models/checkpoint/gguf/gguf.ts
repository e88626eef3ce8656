/** Reads GGUF files of T5, llama.cpp's format. */

import { table } from "../../../base/table.ts";
import { ModelError } from "../../errors.ts";
import { ByteCursor, EndOfBytes } from "../cursor.ts";
import { GGUF_MAGIC } from "../magic.ts";
import { DTYPE_BYTES, elementCount, type TensorDtype } from "../safetensors.ts";
import { type ByteSource, malformed, placedTensor, type StoredTensor, type TensorMap } from "../tensor.ts";
import { blockTypes, dequantized } from "./ggml-blocks.ts";

/**
 * Finds the tensors, under Hugging Face's names. Quantized ones become float32 when they are read.
 * @throws ModelError "checkpoint" when it is malformed, or holds a type that cannot be read
 * @see gguf.md of ggml; gguf-py/gguf/tensor_mapping.py of llama.cpp for the names
 */
export async function readGguf(source: ByteSource): Promise<TensorMap> {
  const { infos, dataOffset, alignment } = await readHeader(source, false);
  const gated = infos.some(({ name }) => name.includes(".ffn_gate."));
  const tensors = new Map<string, StoredTensor>();
  for (const info of infos) {
    const name = ggufName(info.name, gated);
    if (name === undefined) continue;
    if (tensors.has(name)) throw malformed(source.name, `holds ${info.name} twice`);
    tensors.set(name, ggufTensor(info, dataOffset, source));
  }
  if (tensors.size === 0) throw malformed(source.name, "holds no tensors of a T5");
  refuseMisplaced(infos, alignment, source.name);
  return tensors;
}

/** A value of the metadata: numbers of more than 53 bits are rounded. */
export type GgufValue = string | number | boolean | readonly string[] | readonly number[] | Uint8Array;

/**
 * Reads the metadata, which holds the model's configuration and vocabulary.
 * @throws ModelError "checkpoint" when it is malformed
 */
export async function readGgufMetadata(source: ByteSource): Promise<ReadonlyMap<string, GgufValue>> {
  return (await readHeader(source, true)).metadata;
}

interface Header {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly infos: readonly TensorInfo[];
  readonly dataOffset: number;
  /** Bytes of which the tensors' places are multiples. */
  readonly alignment: number;
}

interface TensorInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  /** Bytes from the beginning of the data. */
  readonly offset: number;
}

/** Most of a header is the vocabulary: 8 MB for mT5's. */
const MAX_HEADER_BYTES = 64 * 1024 * 1024;
const MAX_TENSORS = 100_000;
/** Eight times mT5's vocabulary. */
const MAX_TEXTS = 2_000_000;
/** Sizes of the metadata's types by number; those of texts (8) and lists (9) vary. */
const SIZES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const FLOATS = [6, 12];
const SIGNED = [1, 3, 5, 11];
const BOOL = 7;
const TEXT = 8;
const LIST = 9;

const plain: Readonly<Record<number, TensorDtype>> = { 0: "F32", 1: "F16", 24: "I8", 26: "I32", 28: "F64", 30: "BF16" };

const parts: Readonly<Record<string, string>> = table({
  attn_norm: "0.layer_norm",
  attn_q: "0.SelfAttention.q",
  attn_k: "0.SelfAttention.k",
  attn_v: "0.SelfAttention.v",
  attn_o: "0.SelfAttention.o",
  attn_rel_b: "0.SelfAttention.relative_attention_bias",
  cross_attn_norm: "1.layer_norm",
  cross_attn_q: "1.EncDecAttention.q",
  cross_attn_k: "1.EncDecAttention.k",
  cross_attn_v: "1.EncDecAttention.v",
  cross_attn_o: "1.EncDecAttention.o",
});

function ggufName(name: string, gated: boolean): string | undefined {
  if (name === "token_embd.weight") return "shared.weight";
  if (name === "output.weight") return "lm_head.weight";
  const [, side, block, part = ""] = /^(enc|dec)(?:\.blk\.(\d+)|)\.(\w+)\.weight$/.exec(name) ?? [];
  if (side === undefined) return undefined;
  const stack = side === "enc" ? "encoder" : "decoder";
  if (block === undefined) return part === "output_norm" ? `${stack}.final_layer_norm.weight` : undefined;
  const feedForward = side === "enc" ? 1 : 2;
  const dense: Readonly<Record<string, string>> = {
    ffn_norm: `${feedForward}.layer_norm`,
    ffn_gate: `${feedForward}.DenseReluDense.wi_0`,
    ffn_up: `${feedForward}.DenseReluDense.${gated ? "wi_1" : "wi"}`,
    ffn_down: `${feedForward}.DenseReluDense.wo`,
  };
  const inside = parts[part] ?? dense[part];
  return inside === undefined ? undefined : `${stack}.block.${block}.layer.${inside}.weight`;
}

function ggufTensor({ name, shape, type, offset }: TensorInfo, dataOffset: number, source: ByteSource): StoredTensor {
  const dtype = plain[type];
  if (dtype !== undefined) return placedTensor(source, name, dtype, shape, dataOffset + offset);
  const blocks = blockTypes.get(type);
  if (blocks === undefined) {
    const known = [...blockTypes.values()].map((each) => each.name).join(", ");
    throw new ModelError(
      "checkpoint",
      `${source.name} holds ${name} in ggml's type ${type}; of the quantized ones ${known} can be read. Choose a version of the model in one of these, or in float16.`,
    );
  }
  const length = (elementCount(shape) / blocks.values) * blocks.bytes;
  const begin = dataOffset + offset;
  if ((shape.at(-1) ?? 0) % blocks.values !== 0 || begin + length > source.sizeBytes) {
    throw malformed(source.name, `is truncated or malformed at ${name}, [${shape.join(",")}] in ${blocks.name}`);
  }
  const make = async () => new Uint8Array(dequantized(await source.read(begin, length), blocks).buffer);
  return { file: source.file, dtype: "F32", shape, offset: undefined, make };
}

/**
 * @throws ModelError "checkpoint" when tensors overlap, or one is where the alignment does not allow it
 * @see gguf_init_from_file, gguf.cpp of ggml
 */
function refuseMisplaced(infos: readonly TensorInfo[], alignment: number, file: string): void {
  let end = 0;
  let before = "";
  for (const { name, shape, type, offset } of infos.toSorted((a, b) => a.offset - b.offset)) {
    const shown = name.slice(0, 100);
    if (offset % alignment !== 0) throw malformed(file, `has ${shown} at ${offset}, not a multiple of ${alignment}`);
    if (offset < end) throw malformed(file, `has ${shown} where ${before} is`);
    const blocks = blockTypes.get(type);
    const dtype = plain[type];
    const bytes = blocks === undefined ? (dtype === undefined ? 0 : DTYPE_BYTES[dtype]) : blocks.bytes / blocks.values;
    end = offset + elementCount(shape) * bytes;
    before = shown;
  }
}

/** The header, read in a window that grows until it holds all of it. */
async function readHeader(source: ByteSource, withValues: boolean): Promise<Header> {
  for (let window = 1 << 20; ; window *= 4) {
    const bytes = await source.read(0, Math.min(window, source.sizeBytes));
    const header = parseHeader(bytes, source.name, withValues);
    if (header !== undefined) return header;
    if (bytes.length === source.sizeBytes) throw malformed(source.name, "is truncated: its list of tensors breaks off");
    if (window >= MAX_HEADER_BYTES) throw malformed(source.name, `has a header of over ${window} bytes`);
  }
}

/** @returns undefined when the bytes end before the header does */
function parseHeader(bytes: Uint8Array, file: string, withValues: boolean): Header | undefined {
  const cursor = new ByteCursor(bytes, { at: GGUF_MAGIC.length });
  const u32 = () => cursor.uint(4);
  const u64 = () => cursor.uint(8);
  const text = () => new TextDecoder().decode(cursor.bytes(u64()));
  try {
    const version = u32();
    if (version !== 2 && version !== 3) throw otherVersion(version, file);
    const [tensorCount, keyCount] = [u64(), u64()];
    if (tensorCount > MAX_TENSORS) throw malformed(file, `claims ${tensorCount} tensors`);
    const metadata = new Map<string, GgufValue>();
    for (let i = 0; i < keyCount; i += 1) {
      const key = text();
      const value = readValue(cursor, file, withValues || key === "general.alignment");
      if (value !== undefined) metadata.set(key, value);
    }
    const infos: TensorInfo[] = [];
    for (let i = 0; i < tensorCount; i += 1) {
      const name = text();
      const axes = u32();
      if (axes > 8) throw malformed(file, `gives ${name.slice(0, 100)} ${axes} axes`);
      const shape = Array.from({ length: axes }, u64).reverse(); // the fastest axis comes first
      infos.push({ name, shape, type: u32(), offset: u64() });
    }
    const alignment = metadata.get("general.alignment") ?? 32;
    if (typeof alignment !== "number" || alignment === 0 || alignment % 8 !== 0)
      throw malformed(file, `is aligned to ${JSON.stringify(alignment)?.slice(0, 60)} bytes`);
    return { metadata, infos, dataOffset: Math.ceil(cursor.at / alignment) * alignment, alignment };
  } catch (error) {
    if (error instanceof EndOfBytes) return undefined;
    throw error;
  }
}

function otherVersion(version: number, file: string): ModelError {
  const swapped = version === 0x02000000 || version === 0x03000000;
  const what = swapped ? "is a GGUF for big-endian machines" : `is GGUF version ${version}`;
  return new ModelError(
    "checkpoint",
    `${file} ${what}; only versions 2 and 3, little-endian, can be read. Convert the model again with a current llama.cpp, or choose another file.`,
  );
}

/** Reads a value of the metadata, or skips it. @returns undefined when it was skipped */
function readValue(cursor: ByteCursor, file: string, isWanted: boolean): GgufValue | undefined {
  const type = cursor.uint(4);
  if (type !== LIST) return readPlain(cursor, type, file);
  const [of, count] = [cursor.uint(4), cursor.uint(8)];
  if (of === LIST) throw malformed(file, "has nested lists in its metadata");
  if (of === TEXT && count > MAX_TEXTS) throw malformed(file, `has a list of ${count} texts in its metadata`);
  const size = SIZES[of];
  if (size === 1) return cursor.bytes(count);
  if (size !== undefined && !isWanted) cursor.skip(count * size);
  else if (isWanted) return readList(cursor, of, count, file);
  else for (let i = 0; i < count; i += 1) cursor.skip(cursor.uint(8));
  return undefined;
}

function readList(cursor: ByteCursor, of: number, count: number, file: string): readonly string[] | readonly number[] {
  const size = SIZES[of] ?? 8;
  if (count * size > cursor.left) throw new EndOfBytes();
  if (of !== TEXT) return Array.from({ length: count }, () => Number(readPlain(cursor, of, file)));
  return Array.from({ length: count }, () => String(readPlain(cursor, of, file)));
}

function readPlain(cursor: ByteCursor, type: number, file: string): string | number | boolean {
  if (type === TEXT) return new TextDecoder().decode(cursor.bytes(cursor.uint(8)));
  const size = SIZES[type];
  if (size === undefined) throw malformed(file, `has metadata of the unknown type ${type}`);
  if (type === BOOL) return cursor.uint(1) !== 0;
  if (!FLOATS.includes(type)) return SIGNED.includes(type) ? cursor.int(size) : cursor.uint(size);
  const bytes = cursor.bytes(size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  return size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
}
