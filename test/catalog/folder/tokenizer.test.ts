import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { encodeInput, encodeTarget, prefixedText } from "../../../models/tokenizer/parts.ts";
import type { Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import { readTokenizer } from "../../../server/catalog/folder/tokenizer.ts";
import { fixture, t5Json } from "../../tokenizer/vocabularies.ts";

type Files = Readonly<Record<string, unknown>>;

async function open(files: Files): Promise<Tokenizer> {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-tokenizer-"));
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), content instanceof Uint8Array ? content : JSON.stringify(content));
  return readTokenizer(folder).finally(() => rmSync(folder, { recursive: true }));
}

const spiece = { "spiece.model": fixture("spiece.model") };
const t5 = { tokenizer_class: "T5Tokenizer" };
const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };

/** Files beside a vocabulary, a text, and its ids by transformers 4.57 (T5Tokenizer, ByT5Tokenizer) or tokenizers. */
const rows: [what: string, files: Files, text: string, ids: number[]][] = [
  [
    "added_tokens.json",
    { ...spiece, "added_tokens.json": { "[EVENT]": 32100, "\n": 32101, "{": 32102 }, "tokenizer_config.json": t5 },
    "[EVENT] a",
    [32100, 3, 9, 1],
  ],
  [
    "added_tokens_decoder",
    {
      ...spiece,
      "tokenizer_config.json": {
        ...t5,
        added_tokens_decoder: { 32100: { ...flags, content: "<hl>", special: false } },
      },
    },
    "<hl> a",
    [32100, 3, 9, 1],
  ],
  ["96 sentinels", { ...spiece, "tokenizer_config.json": { ...t5, extra_ids: 96 } }, "<extra_id_0>", [32095, 1]],
  ["no sentinels", { ...spiece, "tokenizer_config.json": { ...t5, extra_ids: 0 } }, "a", [3, 9, 1]],
  ["too few rows for sentinels", { ...spiece, "config.json": { vocab_size: 32000 } }, "a", [3, 9, 1]],
  [
    "legacy false",
    { ...spiece, "tokenizer_config.json": { ...t5, legacy: false } },
    "<extra_id_0>. Hello",
    [32099, 5, 8774, 1],
  ],
  ["legacy", { ...spiece, "tokenizer_config.json": t5 }, "<extra_id_0>. Hello", [32099, 3, 5, 8774, 1]],
  ...[["<ev>"], { event_token: "<ev>" }].map((extra): (typeof rows)[number] => [
    `special tokens that no vocabulary has, ${Array.isArray(extra) ? "listed" : "by roles"}`,
    { "tokenizer.json": t5Json(), "tokenizer_config.json": { ...t5, extra_special_tokens: extra } },
    "<ev> a",
    [32100, 3, 9, 1],
  ]),
  [
    "special tokens that ByT5 lacks",
    {
      "tokenizer_config.json": { tokenizer_class: "ByT5Tokenizer", extra_ids: 0, additional_special_tokens: ["<ev>"] },
    },
    "<ev>x",
    [259, 123, 1],
  ],
  [
    "special tokens beyond the model's rows",
    {
      "tokenizer.json": t5Json(),
      "config.json": { vocab_size: 32100 },
      "tokenizer_config.json": { ...t5, additional_special_tokens: ["<ev>"] },
    },
    "a",
    [3, 9, 1],
  ],
  [
    "ByT5 with added tokens",
    {
      "tokenizer_config.json": { tokenizer_class: "ByT5Tokenizer" },
      "added_tokens.json": { "<2de>": 384, "[E]": 385 },
    },
    "<2de>x",
    [384, 123, 1],
  ],
  [
    "an added token that is also a piece, as a single word",
    {
      "tokenizer.json": {
        ...t5Json(),
        added_tokens: [
          ...t5Json().added_tokens,
          { ...flags, id: 32100, content: "cat", special: false, single_word: true },
        ],
      },
    },
    "concatenate a cat",
    [975, 2138, 35, 342, 3, 9, 2138, 1],
  ],
  [
    "another end token",
    {
      "tokenizer.json": { ...t5Json(), post_processor: null },
      "special_tokens_map.json": { eos_token: { content: "<extra_id_99>" } },
    },
    "a",
    [3, 9, 32000],
  ],
];

for (const [what, files, text, ids] of rows)
  test(`a vocabulary with ${what} reads text as its reference does`, async () => {
    const tokenizer = await open(files);
    assert.deepEqual(encodeInput(tokenizer, [{ kind: "text", text, special: true }]), ids);
  });

test("without an end token, or with a file that is not as transformers writes it, the reason is said", async () => {
  const refused = async (files: Files, message: RegExp) =>
    assert.rejects(open(files), (error) => error instanceof ModelError && message.test(error.message));
  await refused({}, /no tokenizer\.json and no spiece\.model/);
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n";
  for (const name of ["tokenizer.json", "spiece.model", "vocab.txt"])
    await refused({ [name]: Buffer.from(pointer) }, new RegExp(`${name} is only a Git LFS pointer.*git lfs pull`));
  await refused({ "tokenizer.json": Buffer.from("<!doctype html>") }, /tokenizer\.json is a web page\. Download/);
  await refused({ ...spiece, "added_tokens.json": ["a"] }, /added_tokens\.json is not as transformers writes it/);
  const nfx = { ...t5Json(), normalizer: { type: "Sequence", normalizers: [{ type: "NFX" }] } };
  await refused({ "tokenizer.json": nfx }, /its normalizer has the type NFX/);
});

test("prefix and text are one text, in words as in bytes; names are tokens where they may be", async () => {
  const bytes = await open({ "tokenizer_config.json": { tokenizer_class: "ByT5Tokenizer" } });
  const read = (prefix: string, text: string, special = false) =>
    encodeInput(bytes, prefixedText(prefix, text, special));
  assert.equal(read("summarize: ", "abc one").length, "summarize: abc one".length + 1);
  assert.deepEqual(read("summarize:", "abc one"), read("summarize: ", "abc one"));
  assert.deepEqual(encodeInput(bytes, prefixedText("x: ", "abc"), 4), [123, 61, 35, 1]);
  const words = await open({ "tokenizer.json": t5Json() });
  const parts = (special: boolean) => encodeInput(words, prefixedText("<extra_id_1> x: ", "a <extra_id_0>", special));
  assert.deepEqual([parts(true).includes(32099), parts(false).includes(32099)], [true, false]);
  assert.ok(parts(false).includes(32098));
  assert.deepEqual(encodeTarget(words, "<extra_id_0> b"), [32099, 3, 115, 1]);
});
