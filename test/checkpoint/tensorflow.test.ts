import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { maskedCrc32c, unsnappy } from "../../models/checkpoint/snappy.ts";
import { readBundleIndex } from "../../models/checkpoint/tensorflow.ts";
import { ModelError } from "../../models/errors.ts";
import { bytesSource, readAll } from "./bytes.ts";

const FIXTURES = "test/fixtures/checkpoint/formats";
// The index of t5/models/test_data in google-research/text-to-text-transfer-transformer (Apache-2.0), compressed by Snappy.
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
