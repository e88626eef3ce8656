import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { maskedCrc32c, unsnappy } from "../../../models/checkpoint/snappy.ts";
import { type Extent, readBundleIndex, sliceKey } from "../../../models/checkpoint/tensorflow/bundle.ts";
import { ModelError } from "../../../models/errors.ts";
import { bundleIndex, bytesSource, readAll } from "../bytes.ts";

const FIXTURES = "test/fixtures/checkpoint/formats";
// The index of t5/models/test_data in google-research/text-to-text-transfer-transformer (Apache-2.0), compressed by
// Snappy.
const published = readFileSync(`${FIXTURES}/mesh-tf-testdata/model.ckpt-0.index`);

test("checksums are those that TensorFlow wrote of tensors of zeros and ones", async () => {
  const { shards, entries } = await readBundleIndex(bytesSource(published));
  const checksum = (name: string) => entries.get(name)?.checksum;
  assert.deepEqual([shards, entries.size], [2, 105]);
  assert.equal(maskedCrc32c(new Uint8Array(8)), checksum("global_step"));
  const ones = Buffer.alloc(64, Buffer.from([0x80, 0x3f])); // bfloat16
  assert.equal(maskedCrc32c(ones), checksum("encoder/rms_norm/scale"));
  assert.deepEqual(
    [128, 256, 8192, 16384].map((size) => maskedCrc32c(new Uint8Array(size))),
    [1815673638, 94657469, 784993120, 3113096096],
  );
});

test("a published index names the tensors of its model", async () => {
  const { entries } = await readBundleIndex(bytesSource(published));
  const { type, shape } = entries.get("decoder/block_000/layer_001/EncDecAttention/q") ?? {};
  assert.deepEqual([type, shape], [14, [32, 128]]);
});

const shards = new Map(
  [0, 1].map((i) => {
    const name = `model.ckpt-7.data-0000${i}-of-00002`;
    return [name.replace("model.ckpt-7", "model.bin"), readFileSync(`${FIXTURES}/mesh-tf/${name}`)];
  }),
);
const index = readFileSync(`${FIXTURES}/mesh-tf/model.ckpt-7.index`);

test("a changed byte of any tensor is noticed", async () => {
  assert.equal((await readAll(index, shards)).size, 43);
  const [name = "", content = new Uint8Array()] = [...shards][1] ?? [];
  for (let at = 5; at < content.length; at += 997) {
    const changed = new Uint8Array(content);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await assert.rejects(readAll(index, new Map([...shards, [name, changed]])), /the checksum of .* is wrong/);
  }
});

test("a changed byte of the index is noticed", async () => {
  for (let at = 0; at < index.length; at += 13) {
    const changed = new Uint8Array(index);
    changed[at] = (changed[at] ?? 0) ^ 1;
    // The footer's first block is empty and not read.
    await readAll(changed, shards).catch((error) => assert.ok(error instanceof ModelError, String(error)));
    if (at < 1000) await assert.rejects(readAll(changed, shards), ModelError);
  }
});

test("shards that are missing or cut off are named", async () => {
  await assert.rejects(readAll(index), /model\.bin\.data-00000-of-00002 does not exist/);
  const cut = new Map([...shards].map(([name, bytes]) => [name, bytes.subarray(0, 5000)]));
  await assert.rejects(readAll(index, cut), /data-0000\d-of-00002 is truncated/);
});

const bytes = (...list: number[]) => Uint8Array.from(list);
test("unpacks Snappy's literals and copies", () => {
  assert.deepEqual(unsnappy(bytes(3, 8, 1, 2, 3), 100), bytes(1, 2, 3));
  assert.deepEqual(unsnappy(bytes(9, 4, 7, 8, 13, 2), 100), bytes(7, 8, 7, 8, 7, 8, 7, 8, 7));
  assert.deepEqual(unsnappy(bytes(5, 0, 9, 14, 1, 0), 100), bytes(9, 9, 9, 9, 9));
});

const broken: [string, Uint8Array][] = [
  ["a block that would become a gigabyte", bytes(0x80, 0x80, 0x80, 0x80, 4, 0)],
  ["a length without end", new Uint8Array(12).fill(0xff)],
  ["a literal that breaks off", bytes(3, 8, 1)],
  ["a copy from before the beginning", bytes(9, 4, 7, 8, 13, 3)],
  ["a copy from nowhere", bytes(9, 4, 7, 8, 13, 0)],
  ["a copy past the end", bytes(3, 4, 7, 8, 13, 2)],
  ["bytes that are left over", bytes(3, 8, 1, 2, 3, 4)],
];
for (const [name, block] of broken) test(`refuses ${name}`, () => assert.throws(() => unsnappy(block, 1 << 20)));

/** A field of a protocol buffer: a number, or bytes. */
const field = (number: number, value: number | Buffer): Buffer =>
  typeof value === "number"
    ? Buffer.from([number << 3, ...varint(value)])
    : Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(value.length)]), value]);
const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
const shapeField = (shape: readonly number[]) => Buffer.concat(shape.map((size) => field(2, field(1, size))));
const sliceField = (extents: readonly Extent[]) =>
  Buffer.concat(
    extents.map(({ start, length }) =>
      field(1, length < 0 ? Buffer.alloc(0) : Buffer.concat([field(1, start), field(2, length)])),
    ),
  );

/** A [4, 2] embedding of float32 in pieces of these rows, each with its values; the index lists those of `listed`. */
function partitioned(pieces: readonly Extent[][], listed = pieces, types = pieces.map(() => 1)) {
  const data = Buffer.from(Float32Array.from({ length: 64 }, (_, i) => i).buffer);
  const whole = Buffer.concat([
    field(1, 1),
    field(2, shapeField([4, 2])),
    ...listed.map((slice) => field(7, sliceField(slice))),
  ]);
  let offset = 0;
  const entries: [Buffer, Buffer][] = [
    [Buffer.alloc(0), field(1, 1)],
    [Buffer.from("shared/embedding"), whole],
  ];
  for (const [i, piece] of pieces.entries()) {
    const shape = piece.map(({ length }, axis) => (length < 0 ? ([4, 2][axis] ?? 0) : length));
    const size = 4 * shape.reduce((a, b) => a * b, 1);
    const crc = Buffer.alloc(5, (6 << 3) | 5);
    crc.writeUInt32LE(maskedCrc32c(data.subarray(offset, offset + size)), 1);
    const entry = [field(1, types[i] ?? 1), field(2, shapeField(shape)), field(4, offset), field(5, size), crc];
    entries.push([Buffer.from(sliceKey("shared/embedding", piece), "latin1"), Buffer.concat(entry)]);
    offset += size;
  }
  const rows = entries.map(([key, value]) =>
    Buffer.concat([Buffer.from([0, ...varint(key.length), ...varint(value.length)]), key, value]),
  );
  const block = Buffer.concat([...rows, Buffer.from([0, 0, 0, 0, 1, 0, 0, 0])]);
  return readAll(bundleIndex(block), new Map([["model.bin.data-00000-of-00001", data]]));
}

const rows = (start: number, length: number): Extent[] => [
  { start, length },
  { start: 0, length: -1 },
];
const floats = (bytes: Uint8Array | undefined) => [...new Float32Array(bytes?.buffer ?? new ArrayBuffer(0))];

test("pieces of a variable are put together, whichever way it is cut", async () => {
  const read = async (...pieces: Extent[][]) => floats((await partitioned(pieces)).get("shared.weight"));
  assert.deepEqual(await read(rows(0, 1), rows(1, 3)), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(await read(rows(2, 2), rows(0, 2)), [4, 5, 6, 7, 0, 1, 2, 3]);
  const columns = [0, 1].map((start) => [
    { start: 0, length: -1 },
    { start, length: 1 },
  ]);
  assert.deepEqual(await read(...columns), [0, 4, 1, 5, 2, 6, 3, 7]);
});

const unfit: [string, () => Promise<unknown>, RegExp][] = [
  [
    "a piece that is not there",
    () => partitioned([rows(0, 2)], [rows(0, 2), rows(2, 2)]),
    /in 2 pieces of which one is missing/,
  ],
  ["pieces that overlap", () => partitioned([rows(0, 3), rows(2, 1)]), /in 2 pieces that do not make \[4,2\]/],
  ["pieces with a hole between", () => partitioned([rows(0, 1), rows(2, 2)]), /in 2 pieces that do not make \[4,2\]/],
  ["a piece beyond the end", () => partitioned([rows(0, 2), rows(3, 2)]), /in 2 pieces of which one does not fit/],
  [
    "a piece of another type",
    () => partitioned([rows(0, 2), rows(2, 2)], undefined, [1, 3]),
    /in 2 pieces of which one does not fit/,
  ],
  ["a piece of one axis", () => partitioned([[{ start: 0, length: 4 }]]), /in 1 pieces of which one does not fit/],
  ["a thousand pieces", () => partitioned(Array.from({ length: 1000 }, () => rows(0, 0))), /more than 256 pieces/],
];
for (const [name, open, message] of unfit) test(`refuses ${name}`, () => assert.rejects(open, message));

test("a number in the name of a piece is as TensorFlow orders it", () => {
  // OrderedCode::WriteSignedNumIncreasing: lengths change at 2^6, 2^13, 2^20, 2^27. TensorFlow 2.21 writes those to
  // 2^20 so.
  const bytesOf = (start: number) =>
    Buffer.from(sliceKey("", [{ start, length: 0 }]).slice(5, -1), "latin1").toString("hex");
  assert.deepEqual([-1, 0, 63, 64, 8191, 8192, 2 ** 20 - 1, 2 ** 20, 2 ** 27].map(bytesOf), [
    "7f",
    "80",
    "bf",
    "c040",
    "dfff",
    "e02000",
    "efffff",
    "f0100000",
    "f808000000",
  ]);
});
