/** The formats of published T5 checkpoints, each recognized by its content and read into the same kind of tensors. */
import { ModelError } from "../errors.ts";
import {
  BUNDLE_MAGIC,
  GGUF_MAGIC,
  HDF5_MAGIC,
  ORBAX_START,
  TORCH_MAGIC,
  TORCH_MAGIC_DECIMAL,
  ZIP_MAGIC,
} from "./magic.ts";
import { headerLength, PREFIX_BYTES, parseHeader } from "./safetensors.ts";
import type { ByteSource, PlacedTensor, TensorMap } from "./tensor.ts";

/** A format of weight files. */
export interface CheckpointFormat {
  /** Whether a file with this beginning and end (up to {@link EDGE_BYTES} each) is in this format. */
  readonly matches: (head: Uint8Array, tail: Uint8Array) => boolean;
  /**
   * Finds the tensors, under Hugging Face's names.
   * @param sibling opens another file by its path relative to the folder of this one
   * @throws ModelError "checkpoint"
   */
  readonly read: Read;
  /**
   * Compares the whole file with the checksums in it; absent where there are none, or reading compares them.
   * @throws ModelError "checkpoint" when one is wrong
   */
  readonly verify?: (source: ByteSource, signal: AbortSignal) => Promise<void>;
}

type Read = (source: ByteSource, sibling: (path: string) => Promise<ByteSource>) => Promise<TensorMap>;

/** Bytes at either end of a file by which its format is recognized. */
const EDGE_BYTES = 64;

/** All formats that can be read, in order of preference. A reader is loaded on first use: most models need none. */
export const checkpointFormats: readonly CheckpointFormat[] = [
  { matches: isSafetensors, read: async (source) => (await readSafetensors(source)).tensors },
  {
    matches: (head) => holds(head, 0, ZIP_MAGIC),
    read: async (source) => (await import("./torch/torch.ts")).readTorchZip(source),
    verify: async (source, signal) => (await import("./torch/zip.ts")).verifyZip(source, signal),
  },
  // The magic number follows the pickle's protocol, and from protocol 4 on a frame's length.
  {
    matches: (head) =>
      holds(head, 2, TORCH_MAGIC) || holds(head, 11, TORCH_MAGIC) || holds(head, 0, TORCH_MAGIC_DECIMAL),
    read: async (source) => (await import("./torch/torch.ts")).readTorchLegacy(source),
  },
  { matches: isMsgpackMap, read: readFlaxOrT5x },
  {
    matches: (_, tail) => holds(tail, tail.length - BUNDLE_MAGIC.length, BUNDLE_MAGIC),
    read: async (...files) => (await import("./tensorflow/tensorflow.ts")).readTensorBundle(...files),
  },
  {
    matches: (head) => holds(head, 0, GGUF_MAGIC),
    read: async (source) => (await import("./gguf/gguf.ts")).readGguf(source),
  },
  {
    matches: (head) => holds(head, 0, HDF5_MAGIC),
    read: async (source) => (await import("./tensorflow/keras.ts")).readKeras(source),
  },
  {
    matches: (head) => holds(head, 0, ORBAX_START),
    read: async (...files) => (await import("./orbax/orbax.ts")).readOrbax(...files),
  },
];

/**
 * Returns the format of a file, or undefined when it is none of {@link checkpointFormats}.
 */
export async function formatOf(source: ByteSource): Promise<CheckpointFormat | undefined> {
  const length = Math.min(EDGE_BYTES, source.sizeBytes);
  const head = await source.read(0, length);
  const tail = await source.read(source.sizeBytes - length, length);
  return checkpointFormats.find((format) => format.matches(head, tail));
}

/** The error for a file in an unknown format. It quotes the beginning, which often shows what the file is. */
export async function unknownFormat(source: ByteSource): Promise<ModelError> {
  const head = await source.read(0, Math.min(24, source.sizeBytes));
  const begins = JSON.stringify(new TextDecoder("latin1").decode(head));
  if (begins.startsWith('"version https://git-lfs'))
    return new ModelError(
      "checkpoint",
      `${source.name} is only a Git LFS pointer to the weights. Fetch them with "git lfs pull", or download the file from its repository.`,
    );
  const what =
    source.sizeBytes === 0
      ? "is 0 bytes long"
      : /^"\s*<(!doctype|html)/i.test(begins)
        ? "is a web page, not weights"
        : `begins with ${begins}, which is not a known format of weights`;
  return new ModelError("checkpoint", `${source.name} ${what}. Download the file again.`);
}

/**
 * Finds the tensors of a safetensors file, and the other information in its header.
 * @throws ModelError "checkpoint"
 */
export async function readSafetensors(
  source: ByteSource,
): Promise<{ readonly tensors: TensorMap; readonly metadata: Readonly<Record<string, string>> }> {
  const prefix = await source.read(0, Math.min(PREFIX_BYTES, source.sizeBytes));
  const bytes = await source.read(0, PREFIX_BYTES + headerLength(prefix, source.sizeBytes, source.name));
  const { tensors, metadata } = parseHeader(bytes, source.sizeBytes, source.name);
  const places = [...tensors].map(
    ([name, { dtype, shape, beginOffset: offset, endOffset }]): [string, PlacedTensor] => [
      name,
      { file: source.file, dtype, shape, offset, length: endOffset - offset },
    ],
  );
  return { tensors: new Map(places), metadata };
}

async function readFlaxOrT5x(...[source, sibling]: Parameters<Read>): Promise<TensorMap> {
  const [{ readMsgpack }, { flaxTensors }, { readT5x, t5xTarget }] = await Promise.all([
    import("./flax/msgpack.ts"),
    import("./flax/flax.ts"),
    import("./flax/t5x.ts"),
  ]);
  const content = await readMsgpack(source);
  const target = t5xTarget(content);
  return target === undefined ? flaxTensors(content, source) : readT5x(target, source, sibling);
}

/** The length of a header, far below 4 GB, and the header, which is JSON. */
function isSafetensors(head: Uint8Array): boolean {
  return head[4] === 0 && head[5] === 0 && head[6] === 0 && head[7] === 0 && head[8] === 0x7b;
}

/** A map whose first key is a word. */
function isMsgpackMap(head: Uint8Array): boolean {
  const [code = 0] = head;
  const key = code === 0xdf ? 5 : code === 0xde ? 3 : code > 0x80 && code < 0x90 ? 1 : EDGE_BYTES;
  const length = (head[key] ?? 0) - 0xa0;
  const word = new TextDecoder("latin1").decode(head.subarray(key + 1, key + 1 + Math.min(length, 31)));
  return length >= 3 && length < 32 && /^[a-z_]{3,}$/.test(word);
}

function holds(head: Uint8Array, at: number, magic: Uint8Array): boolean {
  return magic.every((byte, i) => head[at + i] === byte);
}
