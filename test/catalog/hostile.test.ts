import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { safetensorsHeader, type TensorSpec } from "../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../models/errors.ts";
import { openCheckpoint, readTensorBytes, verifySums } from "../../server/catalog/folder/checkpoint.ts";
import { prepareWeights } from "../../server/catalog/folder/int8/prepare.ts";
import { openModel } from "../../server/catalog/folder/open.ts";
import { storedZip } from "../checkpoint/bytes.ts";
import { temporaryFolder } from "./folders.ts";

const FIXTURES = "test/fixtures/checkpoint/formats";
const h5: Record<string, string> = JSON.parse(readFileSync(join(FIXTURES, "h5.json"), "utf8"));

const latin1 = (text: string) => Buffer.from(text, "latin1");
const u64 = (value: bigint | number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const safetensors = (header: string, data = 0) =>
  Buffer.concat([u64(Buffer.byteLength(header)), Buffer.from(header), Buffer.alloc(data)]);
const zipped = (pickle: string, more: [string, Uint8Array][] = []) =>
  storedZip([["a/data.pkl", latin1(pickle)], ...more]);
const LEGACY = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.";
/** A list, then a list of that twice, and so on: the last, in the memo's place 30, would be a text of 2 GB. */
const DOUBLED = `]q\0${Array.from({ length: 30 }, (_, i) => `0h${String.fromCharCode(i)}h${String.fromCharCode(i)}\x86q${String.fromCharCode(i + 1)}`).join("")}0`;
const SYSTEM = "cos\nsystem\n(X\x0c\x00\x00\x00touch /tmp/xtR.";
/** A pickle within a pickle, as bytes that nothing ever loads. */
const within = (pickle: string) => `cpickle\nloads\n(B${latin1(pickle).length}\n${pickle}tR.`;

/** What a hostile folder holds beside a config.json, and how it is refused. */
const files: [string, string, () => Uint8Array, RegExp][] = [
  [
    "a pickle that runs a program",
    "pytorch_model.bin",
    () => zipped(`\x80\x02${SYSTEM}`),
    /asks Python to run "os\.system"/,
  ],
  ["one in the older layout", "pytorch_model.bin", () => latin1(LEGACY + SYSTEM), /asks Python to run "os\.system"/],
  ["one of protocol 4", "pytorch_model.bin", () => zipped("\x80\x04\x8c\x02nt\x8c\x06system\x93."), /"nt\.system"/],
  ["a pickle in a pickle", "pytorch_model.bin", () => zipped(within(SYSTEM)), /asks Python to run "pickle\.loads"/],
  [
    "a table that holds itself",
    "pytorch_model.bin",
    () => zipped("\x80\x02}q\x00X\x0a\x00\x00\x00state_dicth\x00s."),
    /holds no table of tensors/,
  ],
  [
    "lists in lists without end",
    "pytorch_model.bin",
    () => zipped(`\x80\x02${"]".repeat(400_000)}${"a".repeat(399_999)}.`),
    /more than 500000 instr/,
  ],
  [
    "a pickle of nothing but marks",
    "pytorch_model.bin",
    () => zipped(`\x80\x02${"(".repeat(600_000)}`),
    /more than 500000 instr/,
  ],
  [
    "a key that is a list of itself twice, thirty times over",
    "pytorch_model.bin",
    () => zipped(`\x80\x02}${DOUBLED}h\x1eNsh\x1eNs.`),
    /a key occurs twice/,
  ],
  [
    "such a list as a storage's key",
    "pytorch_model.bin",
    () => zipped(`\x80\x02${DOUBLED}(X\x07\0\0\0storagectorch\nFloatStorage\nh\x1eX\x03\0\0\0cpuK\x01tQ.`),
    /is not a storage/,
  ],
  [
    "such a list as a global's name",
    "pytorch_model.bin",
    () => zipped(`\x80\x04${DOUBLED}h\x1eh\x1e\x93.`),
    /a global's name is not a text/,
  ],
  [
    "a name of a tensor of a million characters",
    "pytorch_model.bin",
    () => zipped(`\x80\x02}X\x40\x42\x0f\0${"a".repeat(1_000_000)}Ns.`),
    /a key has 1000000 characters/,
  ],
  [
    "a call with ten thousand arguments",
    "pytorch_model.bin",
    () => zipped(`\x80\x02ccollections\ndefaultdict\n(${"N".repeat(10_000)}tR.`),
    /called with 10000 arguments/,
  ],
  [
    "an archive of 65,000 files",
    "pytorch_model.bin",
    () => storedZip(Array.from({ length: 65_000 }, (_, i) => [`a/data/${i}`, Buffer.alloc(0)])),
    /65000 files, more than 20000/,
  ],
  [
    "an archive with a NUL in a name",
    "pytorch_model.bin",
    () => zipped("\x80\x02}.", [["a/da\0ta", Buffer.alloc(1)]]),
    /control characters/,
  ],
  [
    "an archive with a name of 600 characters",
    "pytorch_model.bin",
    () => zipped("\x80\x02}.", [[`a/${"n".repeat(600)}`, Buffer.alloc(1)]]),
    /or is too long/,
  ],
  [
    "an archive whose table has a wrong checksum",
    "pytorch_model.bin",
    () => summed(zipped("\x80\x02}."), 7),
    /checksum of a\/data\.pkl is wrong/,
  ],
  ["a pickle of 9 MB", "pytorch_model.bin", () => zipped("N".repeat(9 * 2 ** 20)), /holds a pickle of 9437184 bytes/],
  [
    "an archive with a path out of it",
    "pytorch_model.bin",
    () => storedZip([["../../etc/data.pkl", latin1("\x80\x02}.")]]),
    /but not PyTorch's/,
  ],
  ["an archive of compressed files", "pytorch_model.bin", () => bomb(), /data\.pkl compressed or encrypted in it/],
  ["an archive whose files are one and the same", "pytorch_model.bin", () => overlapping(), /overlaps another file/],
  [
    "a header of an exabyte",
    "model.safetensors",
    () => Buffer.concat([u64(2n ** 60n), latin1("{")]),
    /begins with .* which is not a known/,
  ],
  [
    "a header of a million tensors",
    "model.safetensors",
    () => safetensors(`{${many(1_000_000, (i) => `"${i}":{}`)}}`),
    /header would be/,
  ],
  [
    "a header of lists in lists",
    "model.safetensors",
    () => safetensors(`{"a":${"[".repeat(5_000_000)}`),
    /model\.safetensors/,
  ],
  [
    "tensors that overlap",
    "model.safetensors",
    () =>
      safetensors(
        '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
        12,
      ),
    /overlap/,
  ],
  [
    "a tensor beyond the file",
    "model.safetensors",
    () => safetensors('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8000000000]}}', 8),
    /model\.safetensors/,
  ],
  [
    "a shape whose product is infinite",
    "model.safetensors",
    () => safetensors('{"a":{"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,8]}}', 8),
    /model\.safetensors/,
  ],
  [
    "a map of four billion",
    "flax_model.msgpack",
    () => Buffer.concat([Buffer.from([0xdf, 255, 255, 255, 255, 0xa4]), latin1("name\xc0")]),
    /is truncated/,
  ],
  [
    "a million values",
    "flax_model.msgpack",
    () =>
      Buffer.concat([
        Buffer.from([0x81, 0xa4]),
        latin1("name"),
        Buffer.from([0xdd, 0, 16, 0, 0]),
        Buffer.alloc(2 ** 20),
      ]),
    /more than a checkpoint/,
  ],
  [
    "a billion tensors",
    "model.gguf",
    () => Buffer.concat([latin1("GGUF\x03\0\0\0"), u64(1e9), u64(0)]),
    /claims 1000000000 tensors/,
  ],
  [
    "a vocabulary of empty words",
    "model.gguf",
    () =>
      Buffer.concat([
        latin1("GGUF\x03\0\0\0"),
        u64(1),
        u64(1),
        u64(1),
        latin1("a\x09\0\0\0\x08\0\0\0"),
        u64(2 ** 40),
        Buffer.alloc(70e6),
      ]),
    /a list of 1099511627776 texts/,
  ],
  ["a link to another file", "tf_model.h5", () => Buffer.from(h5["external link"] ?? "", "base64"), /was refused/],
  [
    "values in another file",
    "tf_model.h5",
    () => Buffer.from(h5["external values"] ?? "", "base64"),
    /in other files, which are not read/,
  ],
  [
    "a group in itself",
    "tf_model.h5",
    () => Buffer.from(h5["a group in itself"] ?? "", "base64"),
    /has a group inside itself/,
  ],
  [
    "an index of shards elsewhere",
    "model.safetensors.index.json",
    () => Buffer.from('{"weight_map":{"a":"../../etc/passwd"}}'),
    /not a file in this folder/,
  ],
  ["an index of 17 MB", "model.safetensors.index.json", () => Buffer.alloc(17 * 2 ** 20, 0x5b), /are too many/],
  [
    "an array kept elsewhere",
    "_METADATA",
    () => Buffer.from('{"tree_metadata": {"a": {"key_metadata": [{"key": "../../etc"}]}}, "use_ocdbt": false}'),
    /which is not a folder name/,
  ],
];

for (const [name, file, content, message] of files) {
  test(`refuses within a second and 200 MB ${name}`, async (t) => {
    const folder = temporaryFolder(t);
    cpSync(join(FIXTURES, "reference", "config.json"), join(folder, "config.json"));
    writeFileSync(join(folder, file), content());
    await refused(() => openModel(folder, "float"), message);
  });
}

test("refuses a bundle whose checksum is wrong, whichever shard was changed", async (t) => {
  for (const file of ["model.ckpt-7.index", "model.ckpt-7.data-00000-of-00002", "model.ckpt-7.data-00001-of-00002"]) {
    const folder = temporaryFolder(t);
    cpSync(join(FIXTURES, "mesh-tf"), folder, { recursive: true });
    const bytes = readFileSync(join(folder, file));
    bytes[200] = (bytes[200] ?? 0) ^ 16;
    writeFileSync(join(folder, file), bytes);
    await refused(async () => {
      for (const tensor of (await openCheckpoint(folder)).tensors.values()) await readTensorBytes(tensor);
    }, /checksum of .* is wrong/);
  }
});

test("refuses a chunk of an array that is a zip bomb", async (t) => {
  const folder = temporaryFolder(t);
  cpSync(join(FIXTURES, "t5x-scanned"), folder, { recursive: true });
  writeFileSync(
    join(folder, "target.decoder.decoder.mlp.wo.kernel", "0.0.0"),
    gzipSync(Buffer.alloc(1e8), { level: 1 }),
  );
  await refused(async () => {
    for (const tensor of (await openCheckpoint(folder)).tensors.values()) await readTensorBytes(tensor);
  }, /0\.0\.0 holds \d+ bytes of an array instead of/);
});

test("refuses a gin file of macros in a circle", async (t) => {
  const folder = temporaryFolder(t);
  cpSync(join(FIXTURES, "mesh-tf"), folder, { recursive: true });
  const gin = readFileSync("test/fixtures/checkpoint/gin/mesh-tiny.gin", "utf8");
  writeFileSync(
    join(folder, "operative_config.gin"),
    gin.replace(/^d_model = .*/m, "d_model = %d_ff").replace(/^d_ff = .*/m, "d_ff = %d_model"),
  );
  await refused(
    () => openModel(folder, "float"),
    /operative_config\.gin defines %d_\w+ by %d_\w+ by %d_\w+, without an end/,
  );
  truncateSync(join(folder, "operative_config.gin"), 2e6);
  await refused(() => openModel(folder, "float"), /is 2000000 bytes long, too long for the gin file/);
});

test("an import refuses weights of which a file's checksum is wrong", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "pytorch_model.bin");
  const archive = zipped("\x80\x02}.", [["a/data/0", Buffer.from("weights")]]);
  const entry = archive.lastIndexOf("PK\x01\x02");
  const files = [{ path, state: [] }];
  const signal = AbortSignal.timeout(60_000);
  for (const sum of [0, 0x1ad27358]) {
    archive.writeUInt32LE(sum, entry + 16); // zlib.crc32(b"weights") of Python
    writeFileSync(path, archive);
    await verifySums({ files }, signal);
  }
  archive.writeUInt32LE(1, entry + 16);
  writeFileSync(path, archive);
  await refused(
    () => verifySums({ files }, signal),
    /pytorch_model\.bin is damaged: the checksum of a\/data\/0 is wrong/,
  );
});

for (const precision of ["float32", "int8"] as const) {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    test(`refuses weights of which one is ${value}, mapped or converted: ${precision}`, async (t) => {
      for (const dtype of ["F32", "F16"] as const) {
        const folder = join(temporaryFolder(t), "model");
        mkdirSync(folder);
        cpSync(join(FIXTURES, "reference", "config.json"), join(folder, "config.json"));
        const { tensors } = await openCheckpoint(join(FIXTURES, "reference"));
        const specs: TensorSpec[] = [...tensors].map(([name, { shape }]) => ({ name, dtype, shape }));
        const layout = safetensorsHeader(specs, {});
        const bytes = Buffer.alloc(layout.fileSizeBytes);
        bytes.set(layout.bytes);
        const at = layout.tensors.get("encoder.block.0.layer.1.layer_norm.weight")?.beginOffset ?? 0;
        if (dtype === "F32") bytes.writeFloatLE(value, at + 8);
        else bytes.writeUInt16LE(Number.isNaN(value) ? 0x7e00 : 0x7c00, at + 8);
        writeFileSync(join(folder, "model.safetensors"), bytes);
        const prepare = () => prepareWeights(folder, precision, { cacheFolder: temporaryFolder(t) });
        await refused(prepare, /contains NaN or infinite values in encoder\.block\.0\.layer\.1\.layer_norm\.weight/);
      }
    });
  }
}

/** Fails unless a model is refused as it should be, in a second at most, with little memory. */
async function refused(open: () => Promise<unknown>, message: RegExp): Promise<void> {
  const before = process.memoryUsage.rss();
  forgetPeak();
  const start = process.cpuUsage();
  await assert.rejects(open, (error) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.match(error.message, message);
    return true;
  });
  const { user, system } = process.cpuUsage(start); // of this process alone, whatever else the machine does
  assert.ok(user + system < 1e6, `it took ${user + system} microseconds`);
  const grown = peak() - before;
  assert.ok(grown < 200e6, `it took ${grown} bytes`);
}

/** Linux counts the peak anew from here; elsewhere an earlier one hides a lower one. */
function forgetPeak(): void {
  if (process.platform === "linux") writeFileSync("/proc/self/clear_refs", "5");
}

/** The most memory that this process has held since then, in bytes. */
function peak(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}

function many(count: number, item: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => item(i)).join(",");
}

/** An archive that would be unpacked into much more than it is. */
function bomb(): Buffer {
  const archive = zipped("\x80\x02}.");
  const entry = archive.indexOf("PK\x01\x02");
  archive.writeUInt16LE(8, entry + 10); // deflated
  archive.writeUInt32LE(0xfffffff0, entry + 24);
  return archive;
}

/** The archive with a checksum of its first file. */
function summed(archive: Buffer, sum: number): Buffer {
  archive.writeUInt32LE(sum, archive.indexOf("PK\x01\x02") + 16);
  return archive;
}

/** An archive of two names for the same bytes. */
function overlapping(): Buffer {
  const archive = zipped("\x80\x02}.", [["a/data/0", Buffer.alloc(24)]]);
  const entry = archive.lastIndexOf("PK\x01\x02");
  archive.writeUInt32LE(10, entry + 42);
  return archive;
}
