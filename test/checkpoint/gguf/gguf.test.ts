import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { blockTypes, dequantized } from "../../../models/checkpoint/gguf/ggml-blocks.ts";
import { ModelError } from "../../../models/errors.ts";
import { readAll } from "../bytes.ts";

const blocks: Record<string, { bytes: string; values: string }> = JSON.parse(
  readFileSync("test/fixtures/checkpoint/formats/gguf-blocks.json", "utf8"),
);
for (const [number, type] of blockTypes) {
  test(`${type.name} blocks have the values that llama.cpp's own package gives them`, () => {
    const { bytes = "", values = "" } = blocks[number] ?? {};
    const expected = new Float32Array(new Uint8Array(Buffer.from(values, "base64")).buffer);
    const read = dequantized(new Uint8Array(Buffer.from(bytes, "base64")), type);
    assert.equal(read.length, 2 * type.values);
    const largest = Math.max(...expected.map(Math.abs));
    for (const [i, value] of expected.entries()) {
      assert.ok(Math.abs(value - (read[i] ?? Number.NaN)) <= 1e-6 * largest, `value ${i}: ${read[i]}, not ${value}`);
    }
  });
}

const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: bigint | number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const text = (value: string) => Buffer.concat([u64(value.length), Buffer.from(value)]);

/** A file of one tensor. */
function file({
  name = "token_embd.weight",
  shape = [32, 2],
  type = 0,
  offset = 0n,
  version = 3,
  keys = [] as Buffer[],
} = {}) {
  const info = [text(name), u32(shape.length), ...shape.map((axis) => u64(axis)), u32(type), u64(offset)];
  const head = Buffer.concat([Buffer.from("GGUF"), u32(version), u64(1), u64(keys.length), ...keys, ...info]);
  return Buffer.concat([head, Buffer.alloc((32 - (head.length % 32)) % 32), Buffer.alloc(256)]);
}

test("passes over metadata of every kind", async () => {
  const keys = [
    Buffer.concat([text("a"), u32(8), text("b")]),
    Buffer.concat([text("c"), u32(9), u32(8), u64(2), text("d"), text("e")]),
    Buffer.concat([text("f"), u32(9), u32(6), u64(3), Buffer.alloc(12)]),
    Buffer.concat([text("general.alignment"), u32(4), u32(32)]),
  ];
  assert.deepEqual([...(await readAll(file({ keys }))).keys()], ["shared.weight"]);
  assert.equal((await readAll(file({ type: 8, shape: [32, 2] }))).get("shared.weight")?.length, 256);
});

const refused: [string, Uint8Array, RegExp][] = [
  ["a future version", file({ version: 9 }), /is GGUF version 9.*Convert the model again/],
  ["the other order of bytes", file({ version: 0x03000000 }), /is a GGUF for big-endian machines/],
  ["a type that is not known", file({ type: 16 }), /in ggml's type 16; of the quantized ones q4_0.*Choose a version/],
  ["a tensor between two places", file({ offset: 4n, shape: [2] }), /token_embd\.weight at 4, not a multiple of 32/],
  ["another model's tensors", file({ name: "blk.0.attn_q.weight" }), /holds no tensors of a T5/],
  ["a tensor beyond the end", file({ offset: 64n }), /is truncated: token_embd\.weight ends at/],
  ["an offset that no file has", file({ offset: 0xffffffffffffffffn }), /is truncated/],
  ["an absurd shape", file({ shape: [2 ** 40, 2 ** 40] }), /is truncated/],
  ["an absurd shape of blocks", file({ shape: [2 ** 40, 2 ** 40], type: 8 }), /is truncated or malformed/],
  ["rows that are no whole blocks", file({ shape: [33, 2], type: 8 }), /is truncated or malformed/],
  ["too many axes", file({ shape: new Array(9).fill(1) }), /gives token_embd\.weight 9 axes/],
  ["lists in lists", file({ keys: [Buffer.concat([text("a"), u32(9), u32(9), u64(1)])] }), /nested lists/],
  ["metadata of another kind", file({ keys: [Buffer.concat([text("a"), u32(77)])] }), /type 77/],
  [
    "a text without end",
    file({ keys: [Buffer.concat([text("a"), u32(8), u64(2 ** 50)])] }),
    /its list of tensors breaks off/,
  ],
  ["no alignment", file({ keys: [Buffer.concat([text("general.alignment"), u32(4), u32(0)])] }), /is aligned to 0/],
  ["a billion tensors", Buffer.concat([file().subarray(0, 8), u64(1e9), u64(0)]), /claims 1000000000 tensors/],
  ["a file cut off", file().subarray(0, 60), /breaks off/],
];
for (const [name, bytes, message] of refused) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(
      readAll(bytes),
      (error) => error instanceof ModelError && error.code === "checkpoint" && message.test(error.message),
    );
  });
}
