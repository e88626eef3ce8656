/**
 * Random tokenizers against `tokenizers` and `sentencepiece`: a recorded slice, or the file that SPANFILL_DIFFERENTIAL
 * names (`npm run differential`).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { ModelError } from "../../models/errors.ts";
import { encodeInput } from "../../models/tokenizer/parts.ts";
import { createSentencePieceTokenizer } from "../../models/tokenizer/sentencepiece/tokenizer.ts";
import { NO_SETTINGS } from "../../models/tokenizer/special-tokens.ts";
import { createTokenizer, type Tokenizer } from "../../models/tokenizer/tokenizer.ts";

interface Case {
  readonly name: string;
  readonly json?: { readonly post_processor: unknown };
  readonly spiece?: string;
  /** Text, its ids, what they read as, random ids, what they read as with special tokens (SentencePiece: without). */
  readonly rows: readonly [text: string, ids: number[], decoded: string, some: number[], read: string][];
}

const { env } = process;
const path = env["SPANFILL_DIFFERENTIAL"] ?? "test/fixtures/tokenizer/differential.json.gz";
const file: { maps: Record<string, string>; cases: string } = JSON.parse(gunzipSync(readFileSync(path)).toString());
const { cases }: { cases: Case[] } = JSON.parse(
  Object.entries(file.maps).reduce((text, [name, map]) => text.replaceAll(name, map), file.cases),
);

function open({ json, spiece }: Case): Tokenizer {
  if (spiece === undefined) return createTokenizer(json);
  return createSentencePieceTokenizer(Buffer.from(spiece, "base64"), { ...NO_SETTINGS, extraIds: 0 });
}

/** What differs, a line each. */
function differences(one: Case): string[] {
  const tokenizer = open(one);
  const lines: string[] = [];
  const compare = (what: string, ours: unknown, theirs: unknown) => {
    if (JSON.stringify(ours) !== JSON.stringify(theirs))
      lines.push(`${what}: ${JSON.stringify(ours)} instead of ${JSON.stringify(theirs)}`);
  };
  for (const [text, ids, decoded, some, read] of one.rows) {
    const quoted = JSON.stringify(text);
    if (one.spiece !== undefined) {
      compare(quoted, tokenizer.encode(text), ids);
      compare(`${quoted} decoded`, tokenizer.decode(ids), decoded);
      compare(`${some}`, tokenizer.decode(some), read);
    } else {
      const parts = [{ kind: "text", text, special: true }] as const;
      compare(
        quoted,
        one.json?.post_processor ? encodeInput(tokenizer, parts) : tokenizer.encode(text, { special: true }),
        ids,
      );
      compare(`${quoted} decoded`, tokenizer.decode(ids), decoded);
      compare(`${some}`, tokenizer.decode(some, { keepSpecial: true }), read);
    }
  }
  return lines;
}

test(`${cases.length} random tokenizers encode and decode as their references, or are refused by name`, () => {
  const refused: string[] = [];
  const wrong: string[] = [];
  for (const one of cases) {
    try {
      const lines = differences(one);
      if (lines.length > 0) wrong.push(`${one.name}\n  ${lines.slice(0, 3).join("\n  ")}\n  (${lines.length} in all)`);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      refused.push(`${one.name}: ${error.message}`);
    }
  }
  if (env["SPANFILL_DIFFERENTIAL"] !== undefined)
    console.log(
      `${cases.length} tokenizers, ${wrong.length} differ, ${refused.length} refused:\n${refused.join("\n")}`,
    );
  assert.equal(wrong.length, 0, wrong.join("\n"));
});

test("a character map that takes a text's first character leaves its start, unlike other normalizers", () => {
  const [map] = Object.values(file.maps); // it takes U+200D away
  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false };
  const vocab = ["<unk>", "</s>", "<pad>", "▁", "t", "h", "e"].map((piece) => [piece, -1]);
  const model = { type: "Unigram", unk_id: 0, vocab };
  const encode = (normalizer: object, text: string) =>
    createTokenizer({ normalizer, pre_tokenizer: metaspace, model, added_tokens: [] }).encode(text);
  const characterMap = { type: "Precompiled", precompiled_charsmap: map };
  const others = { type: "Replace", pattern: { String: "\u200d" }, content: "" };
  assert.deepEqual(encode(characterMap, "\u200dthe"), [3, 4, 5, 6]);
  assert.deepEqual(
    encode({ type: "Sequence", normalizers: [characterMap, { type: "NFC" }] }, "\u200dthe"),
    [3, 4, 5, 6],
  );
  assert.deepEqual(encode(others, "\u200dthe"), [4, 5, 6]);
});

test("an unknown piece that is left out does not part the bytes of a character", () => {
  const [tokenizer] = cases
    .filter(({ spiece }) => spiece !== undefined)
    .map(open)
    .filter(({ size, pieceOf }) => Array.from({ length: size }, (_, id) => pieceOf(id)).includes("<0xC3>"));
  assert.ok(tokenizer !== undefined);
  const id = (piece: string) => Array.from({ length: tokenizer.size }, (_, at) => tokenizer.pieceOf(at)).indexOf(piece);
  assert.equal(tokenizer.decode([id("<0xC3>"), tokenizer.unkId, id("<0xA9>")]), "é");
});

/** Expected values from tokenizers 0.23.3. */
test("blanks put around the first character do not make what follows a later word", () => {
  const vocab = Object.fromEntries(
    ["<unk>", "</s>", "<pad>", "日", "▁日", "本", "▁本"].map((piece, id) => [piece, id]),
  );
  const options = {
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, lowercase: false },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "WhitespaceSplit" },
        { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: true },
      ],
    },
    model: { type: "WordLevel", unk_token: "<unk>", vocab },
    added_tokens: [],
  };
  assert.deepEqual(createTokenizer(options).encode("日本 x"), [4, 5, 0]);
  // A line feed that is looked for in the normalized text is found in those blanks.
  const feed = {
    id: 7,
    content: "\n",
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: true,
    special: false,
  };
  assert.deepEqual(createTokenizer({ ...options, added_tokens: [feed] }).encode("日x"), [7, 4, 7, 0]);
});

test("all that the first character becomes, and what is put before it, stands at the start", () => {
  const names = ["<unk>", "</s>", "<pad>", "▁1", "▁⁄", "▁2", "2", "▁12"];
  const encode = (normalizer: object, split: string, text: string) =>
    createTokenizer({
      normalizer,
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { String: split }, behavior: "Isolated", invert: false },
          { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false },
        ],
      },
      model: { type: "WordLevel", unk_token: "<unk>", vocab: Object.fromEntries(names.map((name, id) => [name, id])) },
      added_tokens: [],
    }).encode(text);
  assert.deepEqual(encode({ type: "NFKD" }, "⁄", "½2"), [3, 4, 0]);
  assert.deepEqual(encode({ type: "NFKD" }, "⁄", "½"), [3, 4, 5]);
  const twice = {
    type: "Sequence",
    normalizers: [
      { type: "Prepend", prepend: "x" },
      { type: "Prepend", prepend: "x" },
    ],
  };
  assert.deepEqual(encode(twice, "x", "12"), [0, 0, 7]);
  assert.deepEqual(encode(twice, "x", "1"), [0, 0, 3]);
});

test("a special token that is a word of its own is within other words the piece of that name", () => {
  const vocab = ["<unk>", "</s>", "<pad>", "t", "h", "e", "x", "the"].map((piece, id) => [piece, id === 7 ? -1 : -3]);
  const the = {
    id: 7,
    content: "the",
    single_word: true,
    lstrip: false,
    rstrip: false,
    normalized: true,
    special: true,
  };
  const { encode } = createTokenizer({ model: { type: "Unigram", unk_id: 0, vocab }, added_tokens: [the] });
  assert.deepEqual(encode("xthe"), [6, 7]);
});

test("what precedes the first character by white space or a Chinese character's blanks, and joins it, is at the start", () => {
  const names = ["<unk>", "</s>", "<pad>", "▁", "東", "▁東", "a", "\u0301", "▁\u0301", "x", "▁x"];
  const encode = (normalizers: readonly object[], text: string) =>
    createTokenizer({
      normalizer: { type: "Sequence", normalizers },
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { String: "e" }, behavior: "Removed", invert: false },
          { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: true },
        ],
      },
      model: { type: "WordLevel", unk_token: "<unk>", vocab: Object.fromEntries(names.map((name, id) => [name, id])) },
      added_tokens: [],
    }).encode(text);
  // As tokenizers 0.23.3: {"type": "BertNormalizer", ...} gives " 東 a", and its blank is stripped.
  const bert = { type: "BertNormalizer", clean_text: false, strip_accents: false, lowercase: false };
  const strip = { type: "Strip", strip_left: true, strip_right: false };
  assert.deepEqual(encode([bert, strip], "東"), [5, 3]);
  assert.deepEqual(encode([{ type: "NFC" }, { type: "NFD" }], "e\u0301"), [8]);
  assert.deepEqual(encode([{ type: "NFD" }], "e\u0301"), [7]);
  assert.deepEqual(encode([{ type: "Replace", pattern: { String: "ab" }, content: "ex" }], "ab"), [9]);
  assert.deepEqual(encode([{ type: "Replace", pattern: { String: "a" }, content: "ex" }], "a"), [10]);
});
