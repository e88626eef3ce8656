import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { createUnigramSegmenter } from "../../models/tokenizer/sentencepiece/segment.ts";
import { createSentencePieceTokenizer } from "../../models/tokenizer/sentencepiece/tokenizer.ts";
import { sentencepieceToTokenizerJson, TYPE } from "../../models/tokenizer/sentencepiece.ts";
import { NO_SETTINGS } from "../../models/tokenizer/special-tokens.ts";
import { createTokenizer } from "../../models/tokenizer/tokenizer.ts";
import { fixture, referenceEncodings, t5Json } from "./vocabularies.ts";

function fails(bytes: Uint8Array, message = /spiece\.model cannot be used/): void {
  assert.throws(
    () => createSentencePieceTokenizer(bytes),
    (error) => error instanceof ModelError && error.code === "tokenizer" && message.test(error.message),
  );
}

test("T5's spiece.model gives the 1,995 reference encodings", () => {
  const bytes = fixture("spiece.model");
  for (const tokenizer of [createSentencePieceTokenizer(bytes), createTokenizer(sentencepieceToTokenizerJson(bytes))])
    for (const [text, ids] of referenceEncodings()) assert.deepEqual([...tokenizer.encode(text), 1], ids, text);
});

test("T5's spiece.model has the pieces, scores and character map of its tokenizer.json", () => {
  const made = Object(sentencepieceToTokenizerJson(fixture("spiece.model")));
  const { model, normalizer, added_tokens: added } = t5Json();
  assert.deepEqual(made.model.vocab, model.vocab);
  assert.deepEqual(made.normalizer, normalizer);
  const named = (tokens: readonly { id: number; content: string }[]) => tokens.map(({ id, content }) => [id, content]);
  assert.deepEqual(named(made.added_tokens), named(added));
});

test("seqio's test vocabulary gives its published ids", () => {
  const bytes = fixture("seqio_sentencepiece.model");
  const tokenizer = createSentencePieceTokenizer(bytes, { ...NO_SETTINGS, extraIds: 10 });
  assert.equal(tokenizer.size, 36);
  assert.deepEqual(tokenizer.encode("this is a test"), [11, 8, 6, 3, 8, 6, 3, 5, 10]);
  assert.equal(tokenizer.decode([11, 8, 6, 3, 8, 6, 3, 5, 10]), "this is a test");
  assert.deepEqual(
    tokenizer.encode("<extra_id_0> <extra_id_1> v <extra_id_9>", { special: true }),
    [35, 34, 3, 25, 26],
  );
  assert.equal(tokenizer.decode([25]), "v");
  assert.equal(tokenizer.decode(tokenizer.encode("a a  a   a")), "a a a a");
  assert.equal(createSentencePieceTokenizer(bytes, { ...NO_SETTINGS, extraIds: 0 }).size, 26);
});

test("sentinels that seqio wrote into the file are the same tokens as those added to it: cc_all.32000.100extra", () => {
  const bytes = fixture("spiece.model");
  // As SentencePieceVocabulary of google/seqio: "▁<extra_id_99>" first, user-defined, score 0; protobuf lets them
  // follow at the end.
  const extra = Array.from({ length: 100 }, (_, i) => {
    const text = Buffer.from(`▁<extra_id_${99 - i}>`);
    return Buffer.concat([
      Buffer.from([0x0a, text.length + 9, 0x0a, text.length]),
      text,
      Buffer.from([0x15, 0, 0, 0, 0, 0x18, 4]),
    ]);
  });
  const own = createSentencePieceTokenizer(Buffer.concat([bytes, ...extra]));
  const added = createSentencePieceTokenizer(bytes);
  assert.equal(own.size, 32100);
  assert.deepEqual(own.sentinelIds, added.sentinelIds);
  for (const text of ["Give <extra_id_0> a chance, <extra_id_12>.", "plain words"]) {
    for (const special of [true, false])
      assert.deepEqual(own.encode(text, { special }), added.encode(text, { special }));
  }
  assert.equal(own.decode([32099, 3, 9], { keepSpecial: true }), added.decode([32099, 3, 9], { keepSpecial: true }));
});

test("a vocabulary of mT5's kind spells what it lacks in bytes, and its sentinels are pieces of its own", () => {
  const rows: { texts: [string, number[], string][]; special: [string, number[]][]; size: number; sentinel: number } =
    JSON.parse(readFileSync("test/fixtures/tokenizer/multilingual.json", "utf8"));
  const tokenizer = createSentencePieceTokenizer(fixture("multilingual.model"));
  for (const [text, ids, decoded] of rows.texts) {
    assert.deepEqual(tokenizer.encode(text), ids, text);
    assert.equal(tokenizer.decode(ids), decoded);
  }
  for (const [text, ids] of rows.special) assert.deepEqual(tokenizer.encode(text, { special: true }), ids, text);
  assert.deepEqual([tokenizer.size, tokenizer.sentinelIds[0]], [rows.size, rows.sentinel]);
  assert.equal(tokenizer.sentinelIds.length, 10);
  assert.ok(!tokenizer.encode("walk <extra_id_0>").includes(rows.sentinel), "a name in a text is text");
});

test("rejects bytes that are no whole SentencePiece model", () => {
  const bytes = fixture("seqio_sentencepiece.model");
  fails(new Uint8Array());
  fails(new TextEncoder().encode("<!doctype html><title>Sign in</title>"));
  fails(Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) % 251));
  for (let length = 1; length < bytes.length; length += 1013) fails(bytes.subarray(0, length));
});

test("rejects a model that splits text otherwise than T5", () => {
  const string = (field: number, text: string) => [(field << 3) | 2, text.length, ...new TextEncoder().encode(text)];
  const message = (field: number, content: number[]) => [(field << 3) | 2, content.length, ...content];
  const pieces = [message(1, [...string(1, "<unk>"), 0x18, 2]), message(1, string(1, "a"))].flat();
  const model = (trainer: number[], normalizer: number[]) =>
    Uint8Array.from([...pieces, ...message(2, trainer), ...message(3, normalizer)]);
  fails(model([0x18, 3], []), /words \(WORD\), not UNIGRAM or BPE/);
  fails(model([0xc0, 0x02, 1], []), /no unknown piece at id 1/);
  const twice = message(1, [...string(1, "b"), 0x18, 2]);
  fails(Uint8Array.from([...model([], []), ...twice]), /two unknown pieces, 0 and 2/);
  const soft = () => sentencepieceToTokenizerJson(model([], [0x18, 0]));
  assert.throws(soft, /white space differently/, "a tokenizer.json cannot say it");
  fails(
    Uint8Array.from([...message(1, [...string(1, "<0x00>"), 0x18, 6]), ...model([0xc0, 0x02, 1], [])]),
    /type 6 \(id 0\)/,
  );
  fails(
    Uint8Array.from([...message(1, [...string(1, "x"), 0x15, 0, 0, 0xc0, 0x7f]), ...model([0xc0, 0x02, 1], [])]),
    /not a number/,
  );
});

/** The pieces, scores and result of a vocabulary that sentencepiece 0.2.3 trained. */
test("of two ways that tie, rounded to float32 as in the reference decides", () => {
  const scores = { w: -7.23405647277832, e: -4.767354965209961, l: -5.0854926109313965, ll: -5.598630428314209 };
  const pieces = Object.entries(scores).map(([piece, score]) => ({ piece, score, type: TYPE.normal }));
  const segment = createUnigramSegmenter(pieces, 4);
  assert.deepEqual(
    segment("welll").map(([piece]) => piece),
    ["w", "e", "l", "ll"],
  );
});
