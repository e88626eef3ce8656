import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { encodeInput } from "../../models/tokenizer/parts.ts";
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
