import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { safetensorsHeader } from "../../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../../models/errors.ts";
import { openCheckpoint, openSafetensors, readTensor, sameTensor } from "../../../server/catalog/folder/checkpoint.ts";
import { expectedTensors, modelFolder, temporaryFolder } from "../folders.ts";

const INDEX = "model.safetensors.index.json";

for (const fixture of ["plain", "sharded"] as const) {
  test(`reads every tensor as PyTorch does: ${fixture}`, async (t) => {
    const { tensors } = await openCheckpoint(modelFolder(t, fixture));
    const read: Record<string, { shape: readonly number[]; sha256: string }> = {};
    for (const [name, tensor] of tensors) {
      const values = await readTensor(name, tensor);
      const sha256 = createHash("sha256").update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      read[name] = { shape: tensor.shape, sha256: sha256.digest("hex") };
    }
    assert.deepEqual(read, expectedTensors(fixture, "float32"));
  });
}

test("follows symbolic links to the real files, as hub caches lay them out", async (t) => {
  const folder = modelFolder(t, "plain");
  const blobs = join(folder, "..", "blobs");
  mkdirSync(blobs);
  renameSync(join(folder, "model.safetensors"), join(blobs, "abc"));
  symlinkSync("../blobs/abc", join(folder, "model.safetensors"));
  const { files, tensors } = await openCheckpoint(folder);
  assert.match(files[0]?.path ?? "", /blobs.abc$/);
  assert.match(tensors.get("shared.weight")?.file ?? "", /blobs.abc$/);
});

test("tells a file by its content, whatever its name", async (t) => {
  const folder = modelFolder(t, "plain");
  renameSync(join(folder, "model.safetensors"), join(folder, "pytorch_model.bin"));
  assert.match((await openCheckpoint(folder)).files[0]?.path ?? "", /pytorch_model\.bin$/);
});

test("compares tensors by their bytes", async (t) => {
  const { tensors } = await openCheckpoint(modelFolder(t, "plain"));
  const [a, b, c] = ["q", "k", "q"].map((part) => tensors.get(`encoder.block.0.layer.0.SelfAttention.${part}.weight`));
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  assert.equal(await sameTensor(a, c), true);
  assert.equal(await sameTensor(a, b), false);
  assert.equal(await sameTensor(a, { ...a, shape: [24, 16] }), false);
});

type Damage = (folder: string) => void;
const damages: [string, "plain" | "sharded", Damage, RegExp][] = [
  [
    "no weights",
    "plain",
    (f) => rmSync(join(f, "model.safetensors")),
    /does not contain model\.safetensors or other weights\. Give/,
  ],
  [
    "several weights with nothing to choose by",
    "plain",
    (f) => {
      renameSync(join(f, "model.safetensors"), join(f, "a.safetensors"));
      writeFileSync(join(f, "b.safetensors"), readFileSync(join(f, "a.safetensors")));
    },
    /contains several sets of weights, among them a\.safetensors and b\.safetensors\. Keep one/,
  ],
  [
    "shards without their index",
    "sharded",
    (f) => rmSync(join(f, "model.safetensors.index.json")),
    /contains shards of weights \(model-00001-of-0000\d\.safetensors\) without their index\. Put model\.safetensors\.index\.json/,
  ],
  [
    "weights in a subfolder",
    "plain",
    (f) => {
      mkdirSync(join(f, "sub"));
      renameSync(join(f, "model.safetensors"), join(f, "sub", "model.safetensors"));
    },
    /There are weights in sub\/model\.safetensors: give that folder/,
  ],
  [
    "ONNX graphs only",
    "plain",
    (f) => {
      rmSync(join(f, "model.safetensors"));
      writeFileSync(join(f, "encoder_model.onnx"), "x");
    },
    /contains ONNX graphs, which are not read/,
  ],
  [
    "a pointer of Git LFS",
    "plain",
    (f) =>
      writeFileSync(
        join(f, "model.safetensors"),
        "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n",
      ),
    /only a Git LFS pointer.*git lfs pull/,
  ],
  [
    "a web page",
    "plain",
    (f) => writeFileSync(join(f, "model.safetensors"), "<!doctype html><html>".repeat(9)),
    /model\.safetensors is a web page, not weights/,
  ],
  ["a truncated file", "plain", (f) => truncateSync(join(f, "model.safetensors"), 90_000), /truncated: .* ends at/],
  ["an empty file", "plain", (f) => truncateSync(join(f, "model.safetensors"), 0), /is 0 bytes long/],
  [
    "a file of text",
    "plain",
    (f) => writeFileSync(join(f, "model.safetensors"), "not a model".repeat(99)),
    /model\.safetensors begins with "not a model/,
  ],
  [
    "a link to nothing",
    "plain",
    (f) => {
      rmSync(join(f, "model.safetensors"));
      symlinkSync("nowhere", join(f, "model.safetensors"));
    },
    /is a broken link/,
  ],
  [
    "a missing shard",
    "sharded",
    (f) => rmSync(join(f, "model-00002-of-00003.safetensors")),
    /00002-of-00003\.safetensors does not exist/,
  ],
  [
    "a truncated shard",
    "sharded",
    (f) => truncateSync(join(f, "model-00003-of-00003.safetensors"), 9000),
    /00003.* is truncated/,
  ],
  [
    "a login page instead of weights",
    "plain",
    (f) => {
      rmSync(join(f, "model.safetensors"));
      writeFileSync(join(f, "pytorch_model.bin"), "<!DOCTYPE html><title>Sign in</title>");
    },
    /pytorch_model\.bin is a web page, not weights/,
  ],
  [
    "an HDF5 file that ends where it begins",
    "plain",
    (f) => {
      rmSync(join(f, "model.safetensors"));
      writeFileSync(join(f, "tf_model.h5"), "\x89HDF\r\n\x1a\n", "latin1");
    },
    /tf_model\.h5 is truncated or malformed/,
  ],
  ["an index that is not JSON", "sharded", (f) => writeFileSync(join(f, INDEX), "{"), /index\.json is not JSON/],
  ["an index without a map", "sharded", (f) => writeFileSync(join(f, INDEX), "{}"), /has no "weight_map"/],
  [
    "an index that leaves the folder",
    "sharded",
    (f) => writeFileSync(join(f, INDEX), JSON.stringify({ weight_map: { a: "../other/model.safetensors" } })),
    /places a in "\.\.\/other\/model\.safetensors", which is not a file in this folder/,
  ],
  [
    "an index that names a tensor its shard lacks",
    "sharded",
    (f) =>
      writeFileSync(join(f, INDEX), readFileSync(join(f, INDEX), "utf8").replace('"shared.weight"', '"shared.bias"')),
    /places shared\.bias in .*which does not contain it/,
  ],
];
for (const [name, fixture, damage, message] of damages) {
  test(`refuses ${name}`, async (t) => {
    const folder = modelFolder(t, fixture);
    damage(folder);
    await assert.rejects(
      openCheckpoint(folder),
      (error) => error instanceof ModelError && error.code === "checkpoint" && message.test(error.message),
    );
  });
}

test("refuses a folder that is none", async () => {
  await assert.rejects(openCheckpoint("nowhere/at/all"), /nowhere\/at\/all is not a folder/);
});

test("refuses integers where weights should be", async (t) => {
  const path = join(temporaryFolder(t), "model.safetensors");
  const { bytes } = safetensorsHeader([{ name: "a", dtype: "I64", shape: [1] }], {});
  writeFileSync(path, Buffer.concat([bytes, new Uint8Array(8)]));
  const tensor = (await openSafetensors(path)).tensors.get("a");
  assert.ok(tensor);
  await assert.rejects(readTensor("a", tensor), /stores a as I64 where floating-point values are needed/);
});

test("says so when a file becomes shorter while it is open", async (t) => {
  const folder = modelFolder(t, "plain");
  const { tensors } = await openCheckpoint(folder);
  truncateSync(join(folder, "model.safetensors"), 9000);
  const [last] = [...tensors].slice(-1);
  assert.ok(last);
  await assert.rejects(readTensor(...last), /was truncated while it was read/);
});
