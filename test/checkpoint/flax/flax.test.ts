import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { readAll } from "../bytes.ts";

type Item = number | string | Buffer | readonly Item[] | { readonly [key: string]: Item };

/** msgpack of a few kinds of values; a Buffer stands for itself. */
function pack(item: Item): Buffer {
  if (Buffer.isBuffer(item)) return item;
  if (typeof item === "number")
    return Buffer.from([0xce, item >>> 24, (item >> 16) & 255, (item >> 8) & 255, item & 255]);
  if (typeof item === "string") return Buffer.concat([Buffer.from([0xd9, item.length]), Buffer.from(item)]);
  if (Array.isArray(item)) return Buffer.concat([Buffer.from([0x90 + item.length]), ...item.map(pack)]);
  const entries = Object.entries(item).flatMap(([key, value]) => [
    Buffer.from([0xa0 + key.length]),
    Buffer.from(key),
    pack(value),
  ]);
  return Buffer.concat([Buffer.from([0x80 + Object.keys(item).length]), ...entries]);
}

/** An array as flax.serialization writes it. */
function array(shape: readonly number[], bytes: Uint8Array, dtype = "float32", length = bytes.length): Buffer {
  const body = Buffer.concat([Buffer.from([0x93]), pack(shape), pack(dtype), Buffer.from([0xc4, length]), bytes]);
  return Buffer.concat([Buffer.from([0xc7, body.length, 1]), body]);
}

const six = new Uint8Array(Float32Array.from([0, 1, 2, 3, 4, 5]).buffer);
const values = async (tree: Item, name: string) => [
  ...new Float32Array((await readAll(pack(tree))).get(name)?.buffer ?? new ArrayBuffer(0)),
];

test("kernels are transposed, embeddings and norms are not", async () => {
  const tree = { lm_head: { kernel: array([2, 3], six) }, shared: { embedding: array([2, 3], six) } };
  assert.deepEqual(await values(tree, "lm_head.weight"), [0, 3, 1, 4, 2, 5]);
  assert.deepEqual(await values(tree, "shared.weight"), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(await values({ encoder: { weight: array([6], six) } }, "encoder.weight"), [0, 1, 2, 3, 4, 5]);
});

const nested = (depth: number): Item => (depth === 0 ? 0 : { weight: nested(depth - 1) });
const flag = Buffer.from([0xc3]);
const pieces = (shape: readonly number[], ...chunks: Buffer[]) => ({
  __msgpack_chunked_array__: flag,
  shape: Object.fromEntries(shape.map((axis, i) => [i, axis])),
  chunks: Object.fromEntries(chunks.map((chunk, i) => [i, chunk])),
});
const refused: [string, Buffer, RegExp][] = [
  ["no arrays", pack({ params: { a: 1 } }), /holds no arrays/],
  ["an array cut off", pack({ weight: array([6], six) }).subarray(0, -1), /is truncated/],
  ["bytes after the end", Buffer.concat([pack({ weight: array([6], six) }), six]), /its content ends at/],
  ["an array of another size", pack({ weight: array([7], six) }), /gives weight 24 bytes, but the shape \[7\]/],
  [
    "an array whose bytes go past it",
    pack({ weight: array([6], six, "float32", 250) }),
    /array in a layout that is not Flax's/,
  ],
  ["an array of objects", pack({ weight: array([6], six, "object") }), /stores weight as object/],
  ["an absurd shape", pack({ weight: array([4294967295, 4294967295], six) }), /gives weight 24 bytes/],
  ["a name twice", Buffer.from("\x82\xa4name\xc0\xa4name\xc0", "latin1"), /holds name twice/],
  [
    "names that are the same in PyTorch",
    pack({ weight: { kernel: array([6], six), scale: array([6], six) } }),
    /holds weight\.weight twice/,
  ],
  ["maps without end", pack(nested(40)), /holds more than a checkpoint does/],
  [
    "a map of four billion",
    Buffer.concat([Buffer.from([0xdf, 255, 255, 255, 255]), pack("weight").subarray(1)]),
    /begins with/,
  ],
  [
    "a map that claims four billion",
    Buffer.from([0xdf, 255, 255, 255, 255, 0xa4, 0x6e, 0x61, 0x6d, 0x65, 0xc0]),
    /is truncated/,
  ],
  [
    "lists without end",
    Buffer.concat([pack({ weight: 0 }).subarray(0, 8), Buffer.alloc(400_000, 0x91)]),
    /more than a checkpoint/,
  ],
  [
    "a text of four billion bytes",
    Buffer.from([0x81, 0xa4, 0x6e, 0x61, 0x6d, 0x65, 0xdb, 255, 255, 255, 255]),
    /holds a text of/,
  ],
  [
    "pieces that do not make the whole",
    pack({ weight: pieces([7], array([6], six)) }),
    /in pieces that do not make \[7\]/,
  ],
  ["pieces of two types", pack({ weight: pieces([18], array([6], six), array([12], six, "float16")) }), /in pieces/],
];
for (const [name, bytes, message] of refused) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(
      readAll(bytes),
      (error) => error instanceof ModelError && error.code === "checkpoint" && message.test(error.message),
    );
  });
}
