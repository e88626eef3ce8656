/** Reads and writes the header of a safetensors file: names, types, shapes and places of its tensors. */
import * as z from "zod";
import { ModelError } from "../errors.ts";

/** The supported element types, under safetensors' names, with their sizes in bytes. */
export const DTYPE_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const;

/** A type of {@link DTYPE_BYTES}. */
export type TensorDtype = keyof typeof DTYPE_BYTES;

/** A tensor's name, type and shape, before it has a place in a file. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
}

/** A tensor's place: bytes [beginOffset, endOffset) from the start of the file; little-endian, row-major. */
export interface TensorPlace {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly beginOffset: number;
  readonly endOffset: number;
}

/** The content of a header. */
export interface SafetensorsHeader {
  /** The tensors, in the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorPlace>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes before the JSON text: its length as a 64-bit integer. */
export const PREFIX_BYTES = 8;

/**
 * The longest header that is read: forty times an 11B model's. The reference implementation's 100 MB could take 3 GB to
 * parse.
 */
const MAX_HEADER_BYTES = 4_000_000;

/**
 * Reads and checks the length of the header's JSON text.
 * @param prefix the first 8 bytes of the file, or fewer when there are no more
 * @param fileSizeBytes size of the whole file
 * @param file the file's name in messages
 * @throws ModelError "checkpoint" when the length is impossible
 */
export function headerLength(prefix: Uint8Array, fileSizeBytes: number, file: string): number {
  if (prefix.length < PREFIX_BYTES || fileSizeBytes < PREFIX_BYTES + 2) {
    throw wrong(file, `is ${fileSizeBytes} bytes long, too short for a safetensors file`);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw wrong(file, `is not a safetensors file: its header would be ${length} bytes (at most ${MAX_HEADER_BYTES})`);
  }
  if (length > BigInt(fileSizeBytes - PREFIX_BYTES)) {
    throw wrong(file, `is truncated: its header takes ${length} bytes and the file has ${fileSizeBytes}`);
  }
  return Number(length);
}

/**
 * Reads and checks a header: every tensor lies inside the file, has a known type and the length of its shape, no two
 * overlap, and no bytes are unused.
 * @param bytes the start of the file: at least 8 bytes and the whole header
 * @param fileSizeBytes size of the whole file
 * @param file the file's name in messages
 * @throws ModelError "checkpoint" when a check fails
 * @see Metadata::validate, safetensors/src/tensor.rs of huggingface/safetensors
 */
export function parseHeader(bytes: Uint8Array, fileSizeBytes: number, file: string): SafetensorsHeader {
  const length = headerLength(bytes.subarray(0, PREFIX_BYTES), fileSizeBytes, file);
  const dataBegin = PREFIX_BYTES + length;
  if (bytes.length < dataBegin) throw wrong(file, `is truncated: its header ends at ${dataBegin}`);
  const { __metadata__: metadata = {}, ...entries } = parseJson(bytes.subarray(PREFIX_BYTES, dataBegin), file);
  const tensors = Object.entries(entries).map(([name, entry]): [string, TensorPlace] => [
    name,
    place(name, entry, dataBegin, fileSizeBytes, file),
  ]);
  tensors.sort(([, a], [, b]) => a.beginOffset - b.beginOffset || a.endOffset - b.endOffset);
  refuseGaps(tensors, dataBegin, fileSizeBytes, file);
  return { tensors: new Map(tensors), metadata: textMetadata(metadata, file) };
}

/**
 * Lays out tensors in a new file: wider types first, so that all are aligned, and the data from a multiple of 64.
 * @returns `bytes`: prefix and header, to be followed by the tensors' data in the order of `tensors`, with nothing
 *   between
 */
export function safetensorsHeader(
  specs: readonly TensorSpec[],
  metadata: Readonly<Record<string, string>>,
): { readonly bytes: Uint8Array; readonly tensors: ReadonlyMap<string, TensorPlace>; readonly fileSizeBytes: number } {
  const ordered = specs.toSorted((a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype]);
  const entries: Record<string, unknown> = { __metadata__: metadata };
  const relative: [string, TensorPlace][] = [];
  let end = 0;
  for (const { name, dtype, shape } of ordered) {
    const begin = end;
    end += elementCount(shape) * DTYPE_BYTES[dtype];
    entries[name] = { dtype, shape, data_offsets: [begin, end] };
    relative.push([name, { dtype, shape, beginOffset: begin, endOffset: end }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(entries));
  const dataBegin = Math.ceil((PREFIX_BYTES + json.length) / 64) * 64;
  const bytes = new Uint8Array(dataBegin).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataBegin - PREFIX_BYTES), true);
  bytes.set(json, PREFIX_BYTES);
  const tensors = relative.map(([name, { dtype, shape, beginOffset, endOffset }]): [string, TensorPlace] => [
    name,
    { dtype, shape, beginOffset: dataBegin + beginOffset, endOffset: dataBegin + endOffset },
  ]);
  return { bytes, tensors: new Map(tensors), fileSizeBytes: dataBegin + end };
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

const axis = z.int().min(0);
const entrySchema = z.object({ dtype: z.string(), shape: z.array(axis), data_offsets: z.tuple([axis, axis]) });

function wrong(file: string, what: string, cause?: unknown): ModelError {
  return new ModelError("checkpoint", `${file} ${what}. Download the file again.`, { cause });
}

function parseJson(bytes: Uint8Array, file: string): Record<string, unknown> {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (!text.startsWith("{")) throw new SyntaxError("it does not start with {");
    value = JSON.parse(text);
  } catch (cause) {
    throw wrong(file, `is not a safetensors file: its header is not JSON`, cause);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw wrong(file, `names ${twice} twice in its header`);
  return z.record(z.string(), z.unknown()).parse(value);
}

/** The first duplicate key of the top-level object of a valid JSON text, which JSON.parse would ignore. */
function duplicateKey(text: string): string | undefined {
  const keys = new Set<string>();
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/[{}[\]]|"(?:[^"\\]|\\[\s\S]?)*(?:"|$)/g)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (depth === 1 && /^\s*:/.test(text.slice(index + token.length, index + token.length + 8))) {
      const key: string = JSON.parse(token);
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function place(name: string, entry: unknown, dataBegin: number, fileSizeBytes: number, file: string): TensorPlace {
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success) throw wrong(file, `has a malformed header entry for ${name}`, parsed.error);
  const { dtype, shape, data_offsets } = parsed.data;
  if (!isDtype(dtype)) {
    const known = Object.keys(DTYPE_BYTES).join(", ");
    throw new ModelError(
      "checkpoint",
      `${file} stores ${name} as ${dtype}; only ${known} can be read. Choose a float32, float16 or bfloat16 version of the model.`,
    );
  }
  const [begin, end] = data_offsets;
  const sizeBytes = elementCount(shape) * DTYPE_BYTES[dtype];
  if (end - begin !== sizeBytes) {
    throw wrong(file, `gives ${name} ${end - begin} bytes, but [${shape.join(",")}] of ${dtype} takes ${sizeBytes}`);
  }
  if (dataBegin + end > fileSizeBytes) {
    throw wrong(file, `is truncated: ${name} ends at ${dataBegin + end} and the file has ${fileSizeBytes} bytes`);
  }
  return { dtype, shape, beginOffset: dataBegin + begin, endOffset: dataBegin + end };
}

function refuseGaps(
  tensors: readonly [string, TensorPlace][],
  dataBegin: number,
  fileSizeBytes: number,
  file: string,
): void {
  let end = dataBegin;
  let previous = "the header";
  for (const [name, { beginOffset, endOffset }] of tensors) {
    if (beginOffset < end) throw wrong(file, `is malformed: ${name} overlaps ${previous}`);
    if (beginOffset > end)
      throw wrong(file, `is malformed: ${beginOffset - end} unused bytes between ${previous} and ${name}`);
    end = endOffset;
    previous = name;
  }
  if (end < fileSizeBytes) throw wrong(file, `is malformed: ${fileSizeBytes - end} unused bytes after ${previous}`);
}

function textMetadata(metadata: unknown, file: string): Record<string, string> {
  const parsed = z.record(z.string(), z.string()).safeParse(metadata);
  if (!parsed.success) throw wrong(file, `is malformed: its __metadata__ is not a map of texts`, parsed.error);
  return parsed.data;
}

function isDtype(dtype: string): dtype is TensorDtype {
  return Object.hasOwn(DTYPE_BYTES, dtype);
}
