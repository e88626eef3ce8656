import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createByteTokenizer } from "../../models/tokenizer/bytes.ts";
import { encodeParts } from "../../models/tokenizer/parts.ts";
import { NO_SETTINGS } from "../../models/tokenizer/special-tokens.ts";
import { checkVocabulary } from "../../models/tokenizer/tokenizer.ts";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";

const { encodings, decodings }: { encodings: [string, number[], number[]][]; decodings: [number[], string][] } =
  JSON.parse(readFileSync("test/fixtures/tokenizer/byt5-encodings.json", "utf8"));
const tokenizer = createByteTokenizer();

test("text and names of special tokens have the ids of transformers' ByT5Tokenizer", () => {
  for (const [text, plain, special] of encodings) {
    assert.deepEqual(tokenizer.encode(text), plain, text);
    assert.deepEqual(tokenizer.encode(text, { special: true }), special, text);
  }
});

test("ids read as transformers reads them, bytes that make no character left out", () => {
  for (const [ids, text] of decodings) assert.equal(tokenizer.decode(ids), text);
  assert.equal(tokenizer.decode([72, 1, 260], { keepSpecial: true }), "E</s><extra_id_1>");
});

test("gaps are the bytes from 258 down, which no text has", () => {
  assert.deepEqual(
    encodeParts(tokenizer, [
      { kind: "text", text: "a " },
      { kind: "sentinel", index: 0 },
      { kind: "text", text: "é" },
      { kind: "sentinel", index: 1 },
    ]),
    [100, 35, 258, 198, 172, 257],
  );
  assert.deepEqual(tokenizer.encode("a<extra_id_1>", { special: true }), [100, 257]);
  assert.equal(tokenizer.decode([100, 258, 257]), "a");
});

test("it is the vocabulary of a ByT5", () => {
  checkVocabulary(tokenizer, 384, 1);
  assert.equal(tokenizer.pieceOf(35), "▁");
  assert.equal(tokenizer.pieceOf(384), undefined);
});

test("the files beside it say how many sentinels lie beyond the bytes", () => {
  const sentinel = (i: number) => ({
    ...{ id: 259 + i, content: `<extra_id_${i}>`, single_word: false, lstrip: false, rstrip: false },
    ...{ normalized: false, special: true },
  });
  // As transformers 5 saves ByT5Tokenizer(extra_ids=10).
  const ten = { ...NO_SETTINGS, extraIds: 0, added: Array.from({ length: 10 }, (_, i) => sentinel(i)) };
  assert.equal(createByteTokenizer(ten).size, 269);
  assert.equal(createByteTokenizer({ ...NO_SETTINGS, extraIds: 0 }).size, 259);
  assert.equal(createByteTokenizer().size, 384);
});

test("added tokens of a ByT5 have the ids that transformers gives them, from files of 4.30 and 5.24", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-byt5-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const cases: { transformers: string; files: Record<string, unknown>; encodings: [string, number[]][] }[] = JSON.parse(
    readFileSync("test/fixtures/tokenizer/byt5-added.json", "utf8"),
  );
  for (const [index, { transformers, files, encodings }] of cases.entries()) {
    const model = join(folder, String(index));
    mkdirSync(model);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(model, name), JSON.stringify(content));
    const added = await readTokenizer(model);
    for (const [text, ids] of encodings)
      assert.deepEqual([...added.encode(text, { special: true }), 1], ids, `${transformers}: ${text}`);
  }
});
