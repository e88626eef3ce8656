/** METRO-T0's tokenizer beside its authors' (make_fairseq.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import { ModelError } from "../../models/errors.ts";
import { createFairseqTokenizer } from "../../models/tokenizer/fairseq.ts";
import { encodeInput, encodeTarget } from "../../models/tokenizer/parts.ts";
import { decodeModel } from "../../models/tokenizer/sentencepiece.ts";
import { fixture, referenceEncodings } from "./vocabularies.ts";

interface Encodings {
  readonly ids: readonly number[][];
  readonly decoded: readonly string[];
}
const expected: { odd: string[]; size: number; lower: Encodings; cased: Encodings } = JSON.parse(
  brotliDecompressSync(readFileSync("test/fixtures/tokenizer/fairseq.json.br")).toString(),
);
const model = fixture("fairseq.model");
// The published dict.txt has the model's pieces but for the first four.
const dictionary = decodeModel(model)
  .pieces.slice(4)
  .map(({ piece }) => `${piece} 1\n`)
  .join("");
const open = (lower = true) => createFairseqTokenizer(model, dictionary, { lower, sentinels: 512 });
const texts = [...referenceEncodings()].map(([text]) => text).filter((_, i) => i % 3 === 0);

for (const [name, lower, used] of [
  ["lower", true, texts],
  ["cased", false, texts.filter((_, i) => i % 10 === 0)],
] as const) {
  test(`gives the ids and the text that its authors' gives: ${name}`, () => {
    const tokenizer = open(lower);
    assert.equal(tokenizer.size, expected.size);
    const { ids, decoded } = expected[name];
    const rows = [...used, ...expected.odd].filter((text) => text.trim() !== "");
    assert.equal(rows.length, ids.length);
    for (const [i, text] of rows.entries()) {
      assert.deepEqual(encodeInput(tokenizer, [{ kind: "text", text }]), ids[i], text);
      assert.equal(tokenizer.decode(ids[i] ?? []), decoded[i]);
    }
  });
}

test("names of special tokens are tokens only where they are asked for", () => {
  const tokenizer = open();
  assert.deepEqual(tokenizer.encode("a <sen003> b</s>", { special: true }).slice(1), [
    33_280 - 512 + 3,
    ...tokenizer.encode("b"),
    2,
  ]);
  assert.ok(!tokenizer.encode("</s>").includes(2));
  assert.equal(tokenizer.sentinelIds[3], 33_280 - 512 + 3);
});

test("an input begins with <s>, a target does not", () => {
  const tokenizer = open();
  assert.deepEqual(encodeInput(tokenizer, [{ kind: "text", text: "yes" }]), [0, ...tokenizer.encode("yes"), 2]);
  assert.deepEqual(encodeTarget(tokenizer, "yes"), [...tokenizer.encode("yes"), 2]);
  assert.deepEqual(tokenizer.encode(" \n"), []);
});

for (const [wrong, message] of [
  ["a piece", /Line 1 of dict.txt is not a piece and its count/],
  ["the 1\nthe 1", /Line 2 of dict.txt repeats a piece/],
  ["<unk> 1", /Line 1 of dict.txt repeats a piece/],
] as const) {
  test(`refuses a dictionary: ${message.source}`, () => {
    assert.throws(
      () => createFairseqTokenizer(model, wrong, { lower: true, sentinels: 0 }),
      (error) => error instanceof ModelError && error.code === "tokenizer" && message.test(error.message),
    );
  });
}
