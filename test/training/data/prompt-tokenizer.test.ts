/**
 * A soft prompt's tokens: behind the vocabulary, one id each wherever they stand, and refused where they would clash.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { createTokenizer } from "../../../models/tokenizer/tokenizer.ts";
import { resolveModel } from "../../../server/catalog/installed.ts";
import { tokenizerJson } from "../../../server/training/data/encode.ts";
import { promptTokenizer } from "../../../server/training/data/prompt-tokenizer.ts";

const json: unknown = JSON.parse(readFileSync(join(resolveModel(), "tokenizer.json"), "utf8"));

test("each token of a prompt is one id behind the vocabulary, and a text's own ids stay", () => {
  const before = createTokenizer(json);
  const { json: made, names, firstId } = promptTokenizer(json, 3);
  const after = createTokenizer(made);
  assert.equal(firstId, before.size);
  assert.deepEqual(names, ["<prompt_0>", "<prompt_1>", "<prompt_2>"]);
  const text = "classify: a text of <prompt_1> its own";
  assert.deepEqual(after.encode(text), before.encode(text), "names in a person's text are text");
  assert.deepEqual(after.encode(`${names.join("")} classify:`, { special: true }), [
    firstId,
    firstId + 1,
    firstId + 2,
    ...before.encode("classify:"),
  ]);
  assert.equal(after.decode([firstId, ...before.encode("a text")]), "a text");
});

test("a second prompt, and another kind of tokenizer, are refused", () => {
  const refused = (given: unknown) =>
    assert.throws(
      () => promptTokenizer(given, 2),
      (error) => error instanceof ModelError && error.code === "tokenizer",
    );
  refused(promptTokenizer(json, 1).json);
  refused({ model: { type: "BPE", vocab: {} } });
});

test("a model that reads bytes has no vocabulary for a prompt, and is told what serves instead", async () => {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-bytes-"));
  try {
    writeFileSync(join(folder, "tokenizer_config.json"), '{"tokenizer_class": "ByT5Tokenizer"}');
    await assert.rejects(tokenizerJson(folder, "Do something else."), (error) => {
      assert.ok(error instanceof ModelError && error.code === "tokenizer");
      assert.match(error.message, /has no unigram vocabulary.* Do something else\.$/);
      return true;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
