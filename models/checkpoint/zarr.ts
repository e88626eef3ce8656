/** Arrays in zarr's second format, as T5X and Orbax keep large tensors: a folder with `.zarray` and a file for each chunk. */
import { z } from "zod";
import { DTYPE_BYTES, elementCount, type TensorDtype } from "./safetensors.ts";
import { type ByteSource, type MadeTensor, malformed } from "./tensor.ts";

/**
 * Opens an array.
 * @param folder relative to the checkpoint's own
 * @param sibling opens a file by its path relative to the checkpoint's folder
 * @returns a tensor whose chunks are read and unpacked when it is
 * @throws ModelError "checkpoint" when its description is malformed, or a chunk is missing
 * @see Zarr storage specification version 2
 */
export async function zarrTensor(folder: string, sibling: (path: string) => Promise<ByteSource>): Promise<MadeTensor> {
  const source = await sibling(`${folder}/.zarray`);
  const { shape, chunks, dtype, compressor } = await description(source);
  const grid = shape.map((axis, i) => Math.ceil(axis / (chunks[i] ?? 1)));
  if (elementCount(grid) > MAX_CHUNKS) throw malformed(source.name, `describes ${elementCount(grid)} chunks`);
  const opened: { readonly origin: readonly number[]; readonly file: ByteSource }[] = [];
  for (const index of indices(grid)) {
    const file = await sibling(`${folder}/${index.length === 0 ? "0" : index.join(".")}`);
    opened.push({ origin: index.map((at, i) => at * (chunks[i] ?? 1)), file });
  }
  const size = DTYPE_BYTES[dtype];
  const make = async () => {
    const values = new Uint8Array(elementCount(shape) * size);
    for (const { origin, file } of opened) {
      const bytes = await chunkBytes(file, compressor, elementCount(chunks) * size);
      copyChunk(bytes, chunks, values, shape, origin, size);
    }
    return values;
  };
  return { file: source.file, dtype, shape, offset: undefined, make };
}

const MAX_CHUNKS = 100_000;
const MAX_DESCRIPTION_BYTES = 1 << 16;

const dtypes: Readonly<Record<string, TensorDtype>> = {
  "<f8": "F64",
  "<f4": "F32",
  "<f2": "F16",
  bfloat16: "BF16",
  "<i8": "I64",
  "<i4": "I32",
  "<i2": "I16",
  "|i1": "I8",
  "|u1": "U8",
  "|b1": "U8",
};

const schema = z.object({
  zarr_format: z.literal(2),
  shape: z.array(z.int().min(0)).max(8),
  chunks: z.array(z.int().min(1)).max(8),
  dtype: z.string().refine((name) => Object.hasOwn(dtypes, name), "is no type of weights"),
  compressor: z.object({ id: z.enum(["gzip", "zlib"]) }).nullable(),
  order: z.literal("C"),
  filters: z.null().optional(),
  dimension_separator: z.literal(".").optional(),
});

async function description(source: ByteSource) {
  if (source.sizeBytes > MAX_DESCRIPTION_BYTES) throw malformed(source.name, "is no description of an array");
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(await source.read(0, source.sizeBytes)));
    const { shape, chunks, dtype, compressor } = schema.parse(json);
    if (shape.length !== chunks.length) throw new Error("array and chunks differ in their axes");
    // A chunk may be larger than the array only by being cut at its edge.
    if (chunks.some((chunk, i) => chunk > Math.max(1, shape[i] ?? 0)))
      throw new Error("a chunk is larger than the array");
    return { shape, chunks, dtype: dtypes[dtype] ?? "F32", compressor: compressor?.id };
  } catch (cause) {
    throw malformed(source.name, "does not describe an array of weights that can be read", cause);
  }
}

/** Every index of a grid, the last axis fastest. */
function* indices(grid: readonly number[]): Generator<number[]> {
  const [first, ...rest] = grid;
  if (first === undefined) yield [];
  else for (let i = 0; i < first; i += 1) for (const others of indices(rest)) yield [i, ...others];
}

async function chunkBytes(file: ByteSource, compressor: "gzip" | "zlib" | undefined, length: number) {
  const stored = await file.read(0, file.sizeBytes);
  const bytes = compressor === undefined ? stored : await inflated(stored, compressor, length, file.name);
  if (bytes.length !== length) {
    throw malformed(file.name, `holds ${bytes.length} bytes of an array, where ${length} are needed`);
  }
  return bytes;
}

/** Unpacks at most `length` bytes and one more, whatever the data says it would become. */
async function inflated(stored: Uint8Array, compressor: "gzip" | "zlib", length: number, name: string) {
  const bytes = new Uint8Array(length + 1);
  let at = 0;
  const stream = new DecompressionStream(compressor === "zlib" ? "deflate" : "gzip");
  const writer = stream.writable.getWriter();
  const written = writer.write(stored).then(() => writer.close());
  written.catch(() => undefined); // the reader below sees the same error
  try {
    for await (const piece of stream.readable) {
      const part = new Uint8Array(piece).subarray(0, bytes.length - at);
      bytes.set(part, at);
      at += part.length;
      if (at > length) break;
    }
  } catch (cause) {
    throw malformed(name, "is damaged: it cannot be unpacked", cause);
  }
  return bytes.subarray(0, at);
}

function copyChunk(
  chunk: Uint8Array,
  chunkShape: readonly number[],
  values: Uint8Array,
  shape: readonly number[],
  origin: readonly number[],
  size: number,
): void {
  const last = shape.length - 1;
  const run = last < 0 ? 1 : Math.min(chunkShape[last] ?? 0, (shape[last] ?? 0) - (origin[last] ?? 0));
  const copy = (axis: number, from: number, to: number) => {
    if (axis >= last) {
      const begin = (last < 0 ? 0 : to + (origin[last] ?? 0)) * size;
      values.set(chunk.subarray(from * size, (from + run) * size), begin);
      return;
    }
    const count = Math.min(chunkShape[axis] ?? 0, (shape[axis] ?? 0) - (origin[axis] ?? 0));
    for (let i = 0; i < count; i += 1) {
      copy(axis + 1, (from + i) * (chunkShape[axis + 1] ?? 1), (to + (origin[axis] ?? 0) + i) * (shape[axis + 1] ?? 1));
    }
  };
  copy(0, 0, 0);
}
