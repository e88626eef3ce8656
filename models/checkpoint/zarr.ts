/**
 * Reads arrays in zarr's second format, which T5X and Orbax use for large tensors: a folder with `.zarray` and chunk
 * files.
 */
import * as z from "zod";
import { reason } from "../../base/reason.ts";
import { table } from "../../base/table.ts";
import { DTYPE_BYTES, elementCount, type TensorDtype } from "./safetensors.ts";
import { type ByteSource, copyBlock, type MadeTensor, malformed } from "./tensor.ts";
import { unpackZstd } from "./zstd.ts";

/**
 * Opens an array.
 * @param folder path relative to the checkpoint's folder
 * @param sibling opens a file by its path relative to the checkpoint's folder
 * @returns a tensor whose chunks are read and unpacked when its values are
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
      copyBlock(bytes, chunks, values, shape, origin, size);
    }
    return values;
  };
  return { file: source.file, dtype, shape, offset: undefined, make };
}

const MAX_CHUNKS = 100_000;
const MAX_DESCRIPTION_BYTES = 1 << 16;

const dtypes: Readonly<Record<string, TensorDtype>> = table({
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
});

const schema = z.object({
  zarr_format: z.literal(2),
  shape: z.array(z.int().min(0)).max(8),
  chunks: z.array(z.int().min(1)).max(8),
  dtype: z.string().refine((name) => Object.hasOwn(dtypes, name), "is not a type of weights"),
  compressor: z.object({ id: z.enum(["gzip", "zlib", "zstd"]) }).nullable(),
  order: z.literal("C"),
  filters: z.null().optional(),
  dimension_separator: z.literal(".").optional(),
});

async function description(source: ByteSource) {
  if (source.sizeBytes > MAX_DESCRIPTION_BYTES)
    throw malformed(source.name, "is too long for the description of an array");
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(await source.read(0, source.sizeBytes)));
    const { shape, chunks, dtype, compressor } = schema.parse(json);
    if (shape.length !== chunks.length) throw new Error("array and chunks differ in their number of axes");
    // A chunk may exceed the array only where the array's edge cuts it.
    if (chunks.some((chunk, i) => chunk > Math.max(1, shape[i] ?? 0)))
      throw new Error("a chunk is larger than the array");
    return { shape, chunks, dtype: dtypes[dtype] ?? "F32", compressor: compressor?.id };
  } catch (cause) {
    throw malformed(source.name, "does not describe an array of weights that can be read", cause);
  }
}

/** All indices of a grid, the last axis fastest. */
function* indices(grid: readonly number[]): Generator<number[]> {
  const [first, ...rest] = grid;
  if (first === undefined) yield [];
  else for (let i = 0; i < first; i += 1) for (const others of indices(rest)) yield [i, ...others];
}

async function chunkBytes(file: ByteSource, compressor: "gzip" | "zlib" | "zstd" | undefined, length: number) {
  const stored = await file.read(0, file.sizeBytes);
  const bytes =
    compressor === undefined
      ? stored
      : compressor === "zstd"
        ? unpacked(stored, length, file.name)
        : await inflated(stored, compressor, length, file.name);
  if (bytes.length !== length) {
    throw malformed(file.name, `holds ${bytes.length} bytes of an array instead of ${length}`);
  }
  return bytes;
}

function unpacked(stored: Uint8Array, length: number, name: string): Uint8Array {
  try {
    return unpackZstd(stored, length);
  } catch (cause) {
    throw malformed(name, `is damaged: ${reason(cause)}`, cause);
  }
}

/** Unpacks at most `length` + 1 bytes, whatever size the data claims. */
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
