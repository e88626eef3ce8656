import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { damaged, readAll } from "./bytes.ts";

/** More for a longer search: FUZZ_ROUNDS=20000 node scripts/test.mjs checkpoint/fuzz */
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 100);

const files = [
  "reference/model.safetensors",
  "torch-zip/pytorch_model.bin",
  "torch-legacy/pytorch_model.bin",
  "flax/flax_model.msgpack",
  "flax-chunked/flax_model.msgpack",
  "t5x-testdata/checkpoint",
  "mesh-tf/model.ckpt-7.index",
  "gguf/model.gguf",
];
const shards = [0, 1].map((i): [string, Uint8Array] => [
  `model.bin.data-0000${i}-of-00002`,
  readFileSync(`test/fixtures/checkpoint/formats/mesh-tf/model.ckpt-7.data-0000${i}-of-00002`),
]);
for (const file of files) {
  test(`damage is noticed or harmless, never a crash or a hang: ${file}`, async () => {
    const bytes = readFileSync(join("test/fixtures/checkpoint/formats", file));
    const siblings = new Map(file.startsWith("mesh-tf") ? shards : []);
    let noticed = 0;
    for (const copy of damaged(bytes, ROUNDS, 1)) {
      try {
        await readAll(copy, siblings);
      } catch (error) {
        if (!(error instanceof ModelError && error.code === "checkpoint")) throw error;
        noticed += 1;
      }
    }
    assert.ok(noticed > ROUNDS / 2, `${noticed} of ${2 * ROUNDS} noticed`);
  });
}
