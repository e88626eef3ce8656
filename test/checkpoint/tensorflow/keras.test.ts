import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { readAll } from "../bytes.ts";

const files: Record<string, string> = JSON.parse(readFileSync("test/fixtures/checkpoint/formats/h5.json", "utf8"));
const bytesOf = (name: string) => new Uint8Array(Buffer.from(files[name] ?? "", "base64"));

test("reads values that lie in the object's own header", async () => {
  const values = (await readAll(bytesOf("compact"))).get("shared.weight");
  assert.deepEqual([...new Float32Array(values?.buffer ?? new ArrayBuffer())], [0, 1, 2, 3, 4, 5]);
});

const refused: [string, RegExp][] = [
  [
    "external link",
    /link to another name: shared\. It was refused|link to another file in \/: shared\. It was refused/,
  ],
  ["external link in a link message", /link to another file in \/: shared\. It was refused/],
  ["soft link", /link to another name: shared\. It was refused/],
  ["external values", /keeps the values of shared\/shared\/weight:0 in other files, which are not read/],
  ["compressed", /stores shared\/shared\/weight:0 in pieces/],
  ["a group in itself", /has a group inside itself: a\/b\/a/],
  ["a group of many links", /in a layout that HDF5 writes only on request/],
  ["no values", /has no values for shared\/shared\/weight:0/],
  ["another model", /holds no tensors of a T5/],
  ["big-endian", /holds no tensors of a T5/],
];
for (const [name, message] of refused) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(
      readAll(bytesOf(name)),
      (error) => error instanceof ModelError && error.code === "checkpoint" && message.test(error.message),
    );
  });
}

test("a file cut off anywhere is noticed", async () => {
  const whole = bytesOf("compact");
  for (let length = 8; length < whole.length; length += 13) {
    await assert.rejects(readAll(whole.subarray(0, length)), ModelError);
  }
});
