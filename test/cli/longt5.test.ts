/** LongT5 in commands: chosen for long texts, trained, and refused by name where it cannot be. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readWeights } from "../../server/training/step/learner.ts";
import { commandLine } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-longt5-"));
const [long, plain] = [
  randomModelFolder({
    more: {
      model_type: "longt5",
      encoder_attention_type: "transient-global",
      local_radius: 31,
      global_block_size: 8,
    },
  }),
  randomModelFolder(),
];
const models = join(folder, "models");
cpSync(long.directory, join(models, "long"), { recursive: true });
cpSync(plain.directory, join(models, "plain"), { recursive: true });
const { run } = commandLine(folder, { SPANFILL_MODELS: models, HF_HUB_CACHE: join(folder, "hub") });
after(() => {
  for (const { dispose } of [long, plain]) dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** What was written is written again where it names what the text does not. */
const MOST_PASSES = 2;

async function spanfill(...args: readonly string[]) {
  const { code, stdout, stderr } = await run([...args, "--json"]);
  assert.notEqual(stdout, "", stderr);
  return { code, json: JSON.parse(stdout) };
}

const sentence = (i: number) =>
  `The reader ${i} opens this one at the file that was here for them, and it is as they have it.`;
writeFileSync(join(folder, "long.txt"), Array.from({ length: 60 }, (_, i) => sentence(i)).join(" "));
writeFileSync(join(folder, "short.txt"), Array.from({ length: 6 }, (_, i) => sentence(i)).join(" "));

test("a long text is summarized whole by an installed LongT5, where no model is named", async () => {
  const { json } = await spanfill("summarize", "long.txt");
  assert.equal(json.model, "long");
  assert.ok(json.tokens.in > MOST_PASSES * 512, `read ${json.tokens.in} tokens`);
  const { stderr } = await run(["summarize", "long.txt"]);
  assert.match(stderr, /by long, which reads long texts at once/);
});

test("a named model summarizes a long text, and the built-in one a short text or a list", async () => {
  const named = await spanfill("summarize", "long.txt", "--model", "plain");
  assert.equal(named.json.model, "plain");
  assert.ok(named.json.tokens.in <= MOST_PASSES * 512);
  assert.match((await spanfill("summarize", "short.txt")).json.model, /^t5-efficient-tiny/);
  assert.match((await spanfill("summarize", "long.txt", "--style", "bullets")).json.model, /^t5-efficient-tiny/);
});

test("a window that is asked for holds for a LongT5, too", async () => {
  const { json } = await spanfill("summarize", "long.txt", "--model", "long", "--max-context-tokens", "100");
  assert.ok(json.tokens.in <= MOST_PASSES * 100, `read ${json.tokens.in} tokens`);
});

test("what cannot hold a LongT5 is refused by name, and leaves nothing", async () => {
  const onnx = await spanfill("export", "long", "--to", "onnx", "--out", "onnx");
  assert.match(onnx.json.error.message, /LongT5's attention in blocks has no graph in Optimum's layout/);
  const gguf = await spanfill("export", "long", "--to", "gguf", "--out", "long.gguf");
  assert.match(gguf.json.error.message, /llama.cpp does not support LongT5's attention/);
  assert.ok(!existsSync(join(folder, "onnx")) && !existsSync(join(folder, "long.gguf")));
  const embed = await spanfill("embed", "short.txt", "--model", "long");
  assert.match(embed.json.error.message, /A LongT5 gives no vectors here/);
});

test("hf: an exported LongT5 is the same", async () => {
  assert.equal((await spanfill("export", "long", "--to", "hf", "--out", "hf")).code, 0);
  const { config, weights } = await readWeights(join(models, "long"));
  assert.deepEqual(await readWeights(join(folder, "hf")), { config, weights });
});

for (const method of ["full", "lora", "bottleneck"]) {
  test(`a LongT5 is trained: ${method}`, async () => {
    const row = (i: number) => JSON.stringify({ text: sentence(i).repeat(2), summary: `this ${i}`, source: `f${i}` });
    writeFileSync(join(folder, "pairs.jsonl"), Array.from({ length: 20 }, (_, i) => row(i)).join("\n"));
    const out = join(folder, method);
    const options = ["--epochs", "1", "--batch-size", "4", "--method", method, "--threads", "1", "--out", out];
    const made = await run(["train", "--base", "long", "--task", "summarize", "--data", "pairs.jsonl", ...options]);
    assert.equal(made.code, 0, made.stderr);
    const { json } = await spanfill("summarize", "long.txt", "--model", out);
    assert.equal(json.model, method);
  });
}
