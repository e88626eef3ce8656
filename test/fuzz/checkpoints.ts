/**
 * Damaged files for every reader of files that others made, by fast-check: what is tried, and what counts as a finding.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import fc from "fast-check";
import { parseGin } from "../../models/checkpoint/gin/gin.ts";
import { configOfGin } from "../../models/checkpoint/gin/gin-config.ts";
import { openOcdbt } from "../../models/checkpoint/orbax/ocdbt.ts";
import { readPickle } from "../../models/checkpoint/torch/pickle.ts";
import { ModelError } from "../../models/errors.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { sentencepieceToTokenizerJson } from "../../models/tokenizer/sentencepiece.ts";
import { bundleBlock, bundleIndex, bytesFolder, ocdbtDatabase, readAll } from "../checkpoint/bytes.ts";

/** A reader, and files that it reads. */
export interface Reader {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  /** Reads all of a file; throws a ModelError where it is not as it should be. */
  readonly read: (bytes: Uint8Array) => unknown;
}

/** What a run found out. */
export interface Findings {
  readonly executions: number;
  /** Different errors, which is how far into the reader the files came. */
  readonly outcomes: number;
  readonly rssGrowthBytes: number;
  /** The smallest file found that does what none may, and what it does. */
  readonly failure: { readonly bytes: Uint8Array; readonly error: unknown } | undefined;
}

const FORMATS = "test/fixtures/checkpoint/formats";
const fixture = (path: string) => new Uint8Array(readFileSync(join(FORMATS, path)));
const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const decoded = (texts: readonly string[]) => texts.map((text) => new Uint8Array(Buffer.from(text, "base64")));

/** Files of a folder by their path relative to it. */
function folder(path: string): Map<string, Uint8Array> {
  const names = readdirSync(join(FORMATS, path), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = names.map((entry) => join(entry.parentPath, entry.name).slice(join(FORMATS, path).length + 1));
  return new Map(paths.map((name) => [name, fixture(join(path, name))]));
}

/** The readers of the formats that weights, shapes and vocabularies come in. */
export function checkpointReaders(): Reader[] {
  const pickles = json("test/fixtures/checkpoint/pickles.json");
  const h5: Record<string, string> = json(join(FORMATS, "h5.json"));
  const t5x = folder("t5x-scanned");
  const orbax = folder("orbax");
  const chunk = [...t5x.keys()].find((name) => /mlp\.wo\.kernel.*0\.0\.0$/.test(name)) ?? "";
  const packed = "target.token_embedder.embedding/0.0";
  const bundles = ["mesh-tf", "mesh-tf-partitioned"].map(folder);
  const shards = new Map(
    bundles.flatMap((files) =>
      [...files].map(([name, bytes]): [string, Uint8Array] => [name.replace("model.ckpt-7", "model.bin"), bytes]),
    ),
  );
  const names = {
    globals: new Map<string, unknown>([["collections.OrderedDict", () => new Map()]]),
    persistent: () => null,
  };
  const embedding = { file: "", dtype: "F32", shape: [40, 8], offset: 0, length: 0 } as const;
  const part = (files: ReadonlyMap<string, Uint8Array>, start: string, name: string): Reader["read"] => {
    const first = files.get(start) ?? new Uint8Array();
    return (bytes) => readAll(first, new Map(files).set(name, bytes));
  };
  return [
    { name: "safetensors", seeds: [fixture("reference/model.safetensors")], read: (bytes) => readAll(bytes) },
    { name: "torch-zip", seeds: [fixture("torch-zip/pytorch_model.bin")], read: (bytes) => readAll(bytes) },
    {
      name: "torch-legacy",
      seeds: [fixture("torch-legacy/pytorch_model.bin"), ...decoded(pickles.torch.map((row: string[]) => row[2]))],
      read: (bytes) => readAll(bytes),
    },
    {
      name: "pickle",
      seeds: decoded(pickles.pickles.map((row: string[]) => row[1])),
      read: (bytes) => readPickle(bytes, 0, names, "model.bin"),
    },
    {
      name: "flax",
      seeds: ["flax", "flax-chunked"].map((name) => fixture(`${name}/flax_model.msgpack`)),
      read: (bytes) => readAll(bytes),
    },
    { name: "t5x", seeds: [fixture("t5x-scanned/checkpoint")], read: (bytes) => readAll(bytes, t5x) },
    {
      name: "zarr-description",
      seeds: [fixture(`t5x-scanned/${chunk.replace("0.0.0", ".zarray")}`)],
      read: part(t5x, "checkpoint", chunk.replace("0.0.0", ".zarray")),
    },
    { name: "zarr-gzip", seeds: [fixture(`t5x-scanned/${chunk}`)], read: part(t5x, "checkpoint", chunk) },
    { name: "zarr-zstd", seeds: [fixture(`orbax/${packed}`)], read: part(orbax, "_METADATA", packed) },
    { name: "orbax", seeds: [fixture("orbax/_METADATA")], read: (bytes) => readAll(bytes, orbax) },
    {
      name: "bundle",
      seeds: bundles.map((files) => files.get("model.ckpt-7.index") ?? new Uint8Array()),
      read: (bytes) => readAll(bytes, shards),
    },
    {
      name: "bundle-entries", // below the checksums
      seeds: bundles.map((files) => bundleBlock(files.get("model.ckpt-7.index") ?? new Uint8Array())),
      read: (bytes) => readAll(bundleIndex(bytes), shards),
    },
    {
      name: "ocdbt-node", // below the checksums; a node is read as a leaf, and as one above leaves
      seeds: [
        Uint8Array.of(0, 0, 1, 1, 0x6b, 2, 0, 7, 8),
        Uint8Array.of(1, 1, 3, 0, 0x64, 0x2f, 0x30, 1, 1, 1, 0x6b, 0, 0, 32),
      ],
      read: async (bytes) => {
        const open = await openOcdbt(bytesFolder(ocdbtDatabase(bytes, bytes[0] ?? 0)));
        const source = await open("k");
        await source.read(0, source.sizeBytes);
      },
    },
    { name: "gguf", seeds: [fixture("gguf/model.gguf")], read: (bytes) => readAll(bytes) },
    {
      name: "hdf5",
      seeds: [...decoded(Object.values(h5)), fixture("keras-latest/tf_model.h5")],
      read: (bytes) => readAll(bytes),
    },
    {
      name: "gin",
      seeds: ["mesh-tiny", "t5.1.n4w10.base", "t5.1.th.base", "t5x-t5_1_1-tiny"].map(
        (name) => new Uint8Array(readFileSync(`test/fixtures/checkpoint/gin/${name}.gin`)),
      ),
      read: (bytes) =>
        parseConfig(
          configOfGin(parseGin(new TextDecoder().decode(bytes), "x.gin"), new Map([["shared.weight", embedding]])),
        ),
    },
    {
      name: "sentencepiece",
      seeds: [
        new Uint8Array(brotliDecompressSync(readFileSync("test/fixtures/tokenizer/seqio_sentencepiece.model.br"))),
      ],
      read: (bytes) => sentencepieceToTokenizerJson(bytes),
    },
  ];
}

/**
 * Reads damaged copies of a reader's seeds, and of those copies whose error was a new one. A finding is anything but a
 * value or a ModelError, a file that takes over a second, or reading more than the file holds.
 * @param limit how many files or milliseconds at most; the first that is reached
 */
export async function fuzz(
  reader: Reader,
  limit: { readonly runs: number; readonly timeMs: number },
  seed: number,
): Promise<Findings> {
  const pool = [...reader.seeds];
  const outcomes = new Set<string>();
  let executions = 0;
  let failure: Findings["failure"];
  let rss = 0;
  const property = fc.asyncProperty(
    fc.nat(),
    fc.array(mutation, { minLength: 1, maxLength: 5 }),
    async (pick, mutations) => {
      const bytes = mutations.reduce(mutate, new Uint8Array(pool[pick % pool.length] ?? []));
      executions += 1;
      if (executions === WARM_UP) rss = process.memoryUsage.rss();
      try {
        const outcome = await outcomeOf(reader, bytes);
        if (outcomes.has(outcome)) return;
        outcomes.add(outcome);
        if (pool.length < MAX_POOL) pool.push(bytes);
      } catch (error) {
        failure = { bytes, error };
        throw error;
      }
    },
  );
  const found = await fc.check(property, { numRuns: limit.runs, interruptAfterTimeLimit: limit.timeMs, seed });
  if (found.failed && failure === undefined && !found.interrupted)
    failure = { bytes: new Uint8Array(), error: found.errorInstance };
  const rssGrowthBytes = rss === 0 ? 0 : process.memoryUsage.rss() - rss;
  return { executions, outcomes: outcomes.size, rssGrowthBytes, failure };
}

/**
 * How reading a file ends, in words without numbers and names.
 * @throws whatever is a finding
 */
export async function outcomeOf(reader: Reader, bytes: Uint8Array): Promise<string> {
  const start = process.cpuUsage();
  let outcome = "read";
  try {
    await reader.read(bytes);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    outcome = error.message.replace(/[\d.,]+|"[^"]*"|\S*[/_]\S*/g, "#").slice(0, 120);
  }
  const { user, system } = process.cpuUsage(start);
  if (user + system > SLOW_US) throw new Error(`${reader.name} took ${user + system} microseconds`);
  return outcome;
}

const SLOW_US = 1e6;
const WARM_UP = 500;
const MAX_POOL = 500;

type Mutation = readonly [kind: number, place: number, value: number, length: number];

const mutation: fc.Arbitrary<Mutation> = fc.tuple(
  fc.nat(8),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff)),
  fc.oneof(fc.nat(16), fc.nat(4096)),
);

/** One change, mostly near either end, where formats keep their structure. */
function mutate(bytes: Uint8Array, [kind, place, value, length]: Mutation): Uint8Array {
  const near = Math.floor((2 * Math.abs(place - 0.5)) ** 3 * bytes.length);
  const at = Math.min(Math.max(0, place < 0.5 ? near : bytes.length - 1 - near), Math.max(0, bytes.length - 1));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = Math.min(bytes.length, at + length);
  switch (kind) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (value & 7));
      return bytes;
    case 1:
      bytes[at] = value;
      return bytes;
    case 2:
      if (at + 4 <= bytes.length) view.setUint32(at, value, (length & 1) === 0);
      return bytes;
    case 3:
      if (at + 8 <= bytes.length) view.setBigUint64(at, BigInt(value) << BigInt(8 * (length & 7)), true);
      return bytes;
    case 4:
      return bytes.slice(0, at);
    case 5:
      return spliced(bytes, at, end, new Uint8Array());
    case 6:
      return spliced(bytes, at, at, bytes.subarray(at, end));
    case 7:
      return spliced(bytes, at, at, new TextEncoder().encode(String(value).repeat(length & 15)));
    default:
      bytes.copyWithin(at, Math.max(0, bytes.length - length), bytes.length);
      return bytes;
  }
}

function spliced(bytes: Uint8Array, from: number, to: number, between: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length - (to - from) + between.length);
  out.set(bytes.subarray(0, from));
  out.set(between, from);
  out.set(bytes.subarray(to), from + between.length);
  return out;
}
