import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { headerLength, parseHeader, safetensorsHeader } from "../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../models/errors.ts";

/** A file of a given header text and so many bytes of data. */
function file(header: string, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const tensor = (begin: number, end: number, shape = [(end - begin) / 4], dtype = "F32") => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const made = (header: object, dataBytes: number) => file(JSON.stringify(header), dataBytes);

test("reads names, types, shapes, places and metadata, in the order of the data", () => {
  const bytes = made({ b: tensor(8, 16), __metadata__: { format: "pt" }, a: tensor(0, 8, [2, 2], "F16") }, 16);
  const begin = bytes.length - 16;
  const { tensors, metadata } = parseHeader(bytes, bytes.length, "x");
  assert.deepEqual(
    [...tensors],
    [
      ["a", { dtype: "F16", shape: [2, 2], beginOffset: begin, endOffset: begin + 8 }],
      ["b", { dtype: "F32", shape: [2], beginOffset: begin + 8, endOffset: begin + 16 }],
    ],
  );
  assert.deepEqual({ ...metadata }, { format: "pt" });
});

test("reads the header without the data, scalars, empty tensors, and a file of no tensors", () => {
  const bytes = made({ scalar: tensor(0, 4, []), none: tensor(4, 4, [0, 3]) }, 4);
  assert.equal(parseHeader(bytes.subarray(0, -4), bytes.length, "x").tensors.size, 2);
  assert.equal(parseHeader(made({}, 0), 10, "x").tensors.size, 0);
});

test("agrees with the safetensors library on a file it wrote", () => {
  const bytes = new Uint8Array(readFileSync("test/fixtures/checkpoint/plain/model.safetensors"));
  const { tensors, metadata } = parseHeader(bytes, bytes.length, "x");
  const expected = JSON.parse(readFileSync("test/fixtures/checkpoint/expected.json", "utf8")).plain.float32;
  assert.deepEqual([...tensors.keys()].toSorted(), Object.keys(expected).toSorted());
  assert.deepEqual({ ...metadata }, { format: "pt" });
});

const half = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
const wrong: [string, Uint8Array, RegExp][] = [
  ["an empty file", new Uint8Array(0), /is 0 bytes long, too short/],
  ["a file shorter than its prefix", new Uint8Array(7), /is 7 bytes long, too short/],
  ["a header longer than the file", made({ a: tensor(0, 4) }, 4).subarray(0, 40), /truncated: its header takes/],
  [
    "a header beyond the limit",
    new Uint8Array(20).fill(0x7f),
    /not a safetensors file: its header would be 9187201950435737471 bytes/,
  ],
  ["a header that is not JSON", file(`${half},`, 4), /header is not JSON/],
  ["a header that starts with a space", file(` ${half}}`, 4), /header is not JSON/],
  ["a header that is a list", file("[1]", 0), /header is not JSON/],
  ["a header that is not UTF-8", file(`${half}}`, 4).with(10, 0xff), /header is not JSON/],
  [
    "a name given twice",
    file(`${half},"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"\\u0061":{}}`, 8),
    /names a twice/,
  ],
  ["an entry without a shape", made({ a: { dtype: "F32", data_offsets: [0, 4] } }, 4), /malformed header entry for a/],
  ["a negative axis", made({ a: tensor(0, 4, [-1]) }, 4), /malformed header entry for a/],
  ["offsets that are not whole", made({ a: tensor(0, 4.5, [1]) }, 5), /malformed header entry for a/],
  [
    "three offsets",
    made({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 8] } }, 8),
    /malformed header entry for a/,
  ],
  ["metadata that is not text", made({ __metadata__: { a: 1 } }, 0), /__metadata__ is not a map of texts/],
  [
    "an element type of no use here",
    made({ a: tensor(0, 8, [8], "F8_E8M0") }, 8),
    /stores a as F8_E8M0; only F64, F32, F16/,
  ],
  ["an element type named like a method", made({ a: tensor(0, 8, [1], "toString") }, 8), /stores a as toString; only/],
  ["a shape that takes more bytes", made({ a: tensor(0, 4, [2]) }, 4), /gives a 4 bytes, but \[2\] of F32 takes 8/],
  ["a shape beyond counting", made({ a: tensor(0, 4, [2 ** 40, 2 ** 40]) }, 4), /gives a 4 bytes, but/],
  ["offsets the wrong way round", made({ a: tensor(4, 0, [1]) }, 4), /gives a -4 bytes/],
  ["a tensor beyond the end", made({ a: tensor(0, 4), b: tensor(4, 12) }, 8), /truncated: b ends at/],
  ["overlapping tensors", made({ a: tensor(0, 8), b: tensor(4, 12) }, 12), /b overlaps a/],
  ["two tensors in one place", made({ a: tensor(0, 8), b: tensor(0, 8) }, 8), /b overlaps a/],
  ["a hole between tensors", made({ a: tensor(0, 4), b: tensor(8, 12) }, 12), /4 unused bytes between a and b/],
  ["data that does not start at 0", made({ a: tensor(4, 8) }, 8), /4 unused bytes between the header and a/],
  ["bytes after the last tensor", made({ a: tensor(0, 4) }, 6), /2 unused bytes after a/],
];
for (const [name, bytes, message] of wrong) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => parseHeader(bytes, bytes.length, "model.safetensors"),
      (error) =>
        error instanceof ModelError &&
        error.code === "checkpoint" &&
        message.test(error.message) &&
        error.message.startsWith("model.safetensors ") &&
        /(Download the file again|Choose a float32, float16 or bfloat16 version of the model)\.$/.test(error.message),
    );
  });
}

test("the header's length is checked from the first 8 bytes alone", () => {
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, 4_000_001n, true);
  assert.throws(() => headerLength(prefix, 2 ** 40, "x"), /at most 4000000/);
  new DataView(prefix.buffer).setBigUint64(0, 4_000_000n, true);
  assert.equal(headerLength(prefix, 2 ** 40, "x"), 4_000_000);
});

test("writes headers that read back, wide types first, data on a multiple of 64", () => {
  const { bytes, tensors, fileSizeBytes } = safetensorsHeader(
    [
      { name: "bytes", dtype: "U8", shape: [3] },
      { name: "é", dtype: "F32", shape: [2, 1] },
    ],
    { key: "value" },
  );
  assert.equal(bytes.length % 64, 0);
  assert.equal(fileSizeBytes, bytes.length + 11);
  const read = parseHeader(bytes, fileSizeBytes, "x");
  assert.deepEqual(read.tensors, tensors);
  assert.deepEqual([...tensors.keys()], ["é", "bytes"]);
  assert.deepEqual({ ...read.metadata }, { key: "value" });
});
