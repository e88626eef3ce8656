/** `spanfill export` as a process: what it writes for others, and what it refuses. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readWeights } from "../../server/training/step/learner.ts";
import { readAll } from "../checkpoint/bytes.ts";
import { built } from "../support/built.ts";
import { randomModelFolder } from "../support/random-model.ts";

const cli = built("cli.js");
const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-export-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function spanfill(args: readonly string[]) {
  const { status, stdout } = spawnSync(process.execPath, [cli, ...args, "--json"], { cwd: folder, encoding: "utf8" });
  return { status, json: JSON.parse(stdout) };
}

test("hf: the weights and all that transformers needs, as they were", async () => {
  const { status } = spanfill(["export", model.directory, "--to", "hf", "--out", "hf"]);
  assert.equal(status, 0);
  assert.deepEqual(readdirSync(join(folder, "hf")).sort(), [
    "config.json",
    "model.safetensors",
    "spanfill.json",
    "tokenizer.json",
  ]);
  assert.equal(
    readFileSync(join(folder, "hf", "config.json"), "utf8"),
    readFileSync(join(model.directory, "config.json"), "utf8"),
  );
  const { weights } = await readWeights(model.directory);
  assert.deepEqual((await readWeights(join(folder, "hf"))).weights, weights);
  assert.match(
    spanfill(["export", model.directory, "--to", "hf", "--out", "hf"]).json.error.message,
    /hf is there already/,
  );
});

test("onnx: Optimum's files, and a tokenizer that transformers.js finds", () => {
  const { status } = spanfill(["export", model.directory, "--to", "onnx", "--out", "onnx"]);
  assert.equal(status, 0);
  assert.deepEqual(readdirSync(join(folder, "onnx", "onnx")).sort(), [
    "decoder_model.onnx",
    "decoder_model_merged.onnx",
    "decoder_with_past_model.onnx",
    "encoder_model.onnx",
  ]);
  const { tokenizer_class } = JSON.parse(readFileSync(join(folder, "onnx", "tokenizer_config.json"), "utf8"));
  assert.equal(tokenizer_class, "T5Tokenizer");
});

test("gguf: a file that loads again as the same model", async () => {
  const { status, json } = spanfill(["export", model.directory, "--to", "gguf", "--out", "x.gguf"]);
  assert.equal(status, 0);
  assert.deepEqual(json.files, [join(folder, "x.gguf")]);
  const read = await readAll(readFileSync(join(folder, "x.gguf")));
  const { weights } = await readWeights(model.directory);
  assert.deepEqual([...read.keys()].sort(), [...weights.keys()].sort());
  for (const [name, values] of weights)
    assert.deepEqual(Buffer.from(read.get(name) ?? []), Buffer.from(values.buffer), name);
});
