import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { encodeInput } from "../../models/tokenizer/parts.ts";
import { ggufVocabulary } from "../../models/tokenizer/sentencepiece/gguf.ts";
import { ggufTokenizerFiles } from "../../server/catalog/folder/gguf/gguf-tokenizer.ts";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";
import { importModel } from "../../server/catalog/import.ts";
import { modelAccount, resolveModel } from "../../server/catalog/installed.ts";
import { keptModels } from "../../server/catalog/store.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";

interface Expected {
  readonly texts: readonly string[];
  readonly models: Readonly<
    Record<
      string,
      {
        readonly ids: readonly (readonly number[])[];
        readonly input: readonly number[];
        readonly target?: readonly number[];
        readonly logProbs?: readonly number[];
      }
    >
  >;
}

const files = resolve("test/fixtures/checkpoint/formats/gguf-whole");
const { texts, models }: Expected = JSON.parse(readFileSync(join(files, "expected.json"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "spanfill-gguf-"));
const engine = createLocalEngine();
after(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

for (const [name, { ids, input, target, logProbs }] of Object.entries(models)) {
  const path = join(files, `${name}.gguf`);

  test(`${name}: a GGUF file's vocabulary gives sentencepiece's ids`, async () => {
    const tokenizer = await readTokenizer(path);
    const found = texts.map((text) => encodeInput(tokenizer, [{ kind: "text", text, special: true }]));
    assert.deepEqual(found, ids);
  });

  test(`${name}: the tokenizer's files made of it give the same ids`, async () => {
    const directory = mkdtempSync(join(folder, "files-"));
    for (const [file, bytes] of await ggufTokenizerFiles(path)) writeFileSync(join(directory, file), bytes);
    const tokenizer = await readTokenizer(directory);
    const found = texts.map((text) => encodeInput(tokenizer, [{ kind: "text", text, special: true }]));
    assert.deepEqual(found, ids);
  });

  if (target === undefined || logProbs === undefined) continue;
  test(`${name}: a GGUF file alone scores as transformers does`, async () => {
    const model = await engine.load({ directory: resolveModel(path), precision: "float32", threads: 1 });
    const score = await model.score(input, target);
    for (const [i, expected] of logProbs.entries())
      assert.ok(Math.abs((score.logProbs[i] ?? 0) - expected) < 1e-4, `${score.logProbs} ${logProbs}`);
  });
}

test("a GGUF file alone is imported, listed and described; several in a folder are named", async () => {
  const places = { own: join(folder, "own"), hub: join(folder, "hub") };
  copyFileSync(join(files, "t5-1.1.gguf"), join(folder, "flan.q8_0.gguf"));
  const { id, directory } = await importModel(join(folder, "flan.q8_0.gguf"), places, {
    signal: new AbortController().signal,
  });
  assert.equal(id, "flan.q8_0");
  assert.deepEqual(
    (await keptModels(places)).map((model) => model.id),
    [id],
  );
  const account = await modelAccount(directory);
  assert.deepEqual([account.config.vocabSize, account.config.feedForward], [278, "gated-gelu"]);
  assert.equal(resolveModel(folder), folder);
  copyFileSync(join(files, "t5-1.0.gguf"), join(folder, "other.gguf"));
  await assert.rejects(
    modelAccount(folder),
    /several GGUF files \(flan\.q8_0\.gguf, other\.gguf\).*Give the path of one/,
  );
});

/** The changed bytes of a fixture whose metadata have another number under a key. */
function withNumber(key: string, value: number): Buffer {
  const bytes = readFileSync(join(files, "t5-1.1.gguf"));
  bytes.writeUInt32LE(value, bytes.indexOf(key) + key.length + 4);
  return bytes;
}

const misstated: [key: string, value: number, message: RegExp][] = [
  [
    "t5.embedding_length",
    0,
    /changed\.gguf gives embedding_length as 0, where at least 1 is needed\. Download the file/,
  ],
  ["t5.embedding_length", 64, /changed\.gguf \(token_embd\.weight 278, embedding_length 64\) needs/],
  ["t5.block_count", 4_000_000, /changed\.gguf gives block_count as 4000000, where at most 1024 is possible/],
  ["tokenizer.ggml.eos_token_id", 99_999, /changed\.gguf gives tokenizer\.ggml\.eos_token_id as 99999, outside/],
];
for (const [key, value, message] of misstated)
  test(`a GGUF file that gives ${key} as ${value} is refused by its own name and key`, async () => {
    const path = join(mkdtempSync(join(folder, "changed-")), "changed.gguf");
    writeFileSync(path, withNumber(key, value));
    await assert.rejects(
      engine.load({ directory: path, precision: "float32", threads: 1 }),
      (error) =>
        error instanceof ModelError && message.test(error.message) && !/(?<!the )config\.json/.test(error.message),
    );
  });

const vocabulary = { model: "t5", tokens: ["<pad>", "</s>", "<unk>"], scores: [0, 0, 0], token_type: [3, 3, 2] };
const odd: [what: string, metadata: object, message: RegExp][] = [
  ["no tokens", { tokens: undefined }, /x\.gguf has no vocabulary/],
  ["numbers as tokens", { tokens: [1, 2, 3] }, /x\.gguf has a vocabulary without a readable tokens/],
  ["scores that are not numbers", { scores: [0, 0, Number.NaN] }, /without a readable scores/],
  ["fewer scores than tokens", { scores: [0] }, /has 1 scores for 3 tokens/],
  ["fewer types than tokens", { token_type: [3, 3] }, /has 2 token_type for 3 tokens/],
  ["another kind", { model: "llama" }, /of the kind "llama", not "t5"/],
  ["a kind that is not a name", { model: ["\u001b[31m".repeat(100)] }, /of the kind \["\\u001b.{0,60}, not "t5"/],
  ["no kind", { model: undefined }, /names no kind of vocabulary/],
];
for (const [what, metadata, message] of odd)
  test(`a GGUF file's vocabulary with ${what} is refused, and what to put beside it is said`, () => {
    assert.throws(
      () => ggufVocabulary({ ...vocabulary, ...metadata }, "x.gguf"),
      (error) =>
        error instanceof ModelError &&
        message.test(error.message) &&
        /Put the model's tokenizer\.json/.test(error.message),
    );
  });

test("a GGUF file with two tensors at one place is refused", async () => {
  const path = join(mkdtempSync(join(folder, "changed-")), "changed.gguf");
  const bytes = readFileSync(join(files, "t5-1.1.gguf"));
  const name = "enc.blk.0.attn_k.weight";
  const at = bytes.indexOf(name) + name.length; // axes, their lengths, the type, the place
  bytes.writeBigUInt64LE(0n, at + 8 + 8 * bytes.readUInt32LE(at));
  writeFileSync(path, bytes);
  await assert.rejects(
    engine.load({ directory: path, precision: "float32", threads: 1 }),
    /changed\.gguf has \S+ where \S+ is\. Download the file again/,
  );
});
