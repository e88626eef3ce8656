import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { encodeParts } from "../../models/tokenizer/parts.ts";
import { checkVocabulary, createTokenizer } from "../../models/tokenizer/tokenizer.ts";
import { growth } from "../support/growth.ts";
import { builtinJson, fixture, referenceEncodings, t5Json } from "./vocabularies.ts";

const t5 = createTokenizer(t5Json());
const builtin = createTokenizer(builtinJson());

function fails(run: () => unknown, message: RegExp): void {
  assert.throws(
    run,
    (error) => error instanceof ModelError && error.code === "tokenizer" && message.test(error.message),
  );
}

test("encodes the 1,995 reference texts as T5 does", () => {
  const rows = referenceEncodings();
  assert.equal(rows.length, 1995);
  for (const [text, ids] of rows) assert.deepEqual([...t5.encode(text), t5.eosId], ids, text);
});

test("decodes the reference ids; 32 rows differ, by the blank after <unk> alone", () => {
  // The reference texts went through transformers' clean_up_tokenization, which drops spaces before punctuation; we
  // keep them.
  const cleaned = (text: string): string =>
    text
      .replace(/ ([.?!,])/g, "$1")
      .replaceAll(" ' ", "'")
      .replace(/ (n't|'m|'s|'ve|'re)/g, "$1");
  const decoded = referenceEncodings().map(([, ids, text]) => [cleaned(t5.decode(ids, { keepSpecial: true })), text]);
  const different = decoded.filter(([ours, theirs]) => ours !== theirs);
  assert.equal(different.length, 32);
  for (const [ours, theirs] of different) assert.equal(ours, theirs?.replaceAll("<unk> ", "<unk>"));
});

test("encodes what others published", () => {
  const rows: [string, number[]][] = [
    ["A long paragraph for summarization.", [71, 307, 8986, 21, 4505, 1635, 1707, 5]],
    ["Summary of the text.", [20698, 13, 8, 1499, 5]],
    ["<pad> Today is <unk> nice day </s>", [0, 1960, 19, 2, 1245, 239, 1]],
  ];
  for (const [text, ids] of rows) assert.deepEqual(t5.encode(text, { special: true }), ids, text);
});

test("encodes lines, indentation, code and odd characters as the Rust library does", () => {
  const rows: [string, number[]][] = JSON.parse(Buffer.from(fixture("layout-encodings.json")).toString());
  assert.equal(rows.length, 300);
  for (const [text, ids] of rows) assert.deepEqual(builtin.encode(text), ids, JSON.stringify(text));
});

test("keeps layout through the built-in vocabulary and collapses it in T5's", () => {
  const text = "# Title\n\n  - one `x`\n  - {two}\n\n\tdone \\ ^ ~ </b>";
  assert.equal(builtin.decode(builtin.encode(text)), text);
  assert.equal(builtin.decode(builtin.encode("a\r\nb")), "a\nb");
  assert.equal(t5.decode(t5.encode("a\n\n  b\tc")), "a b c");
});

test("a text that continues gets no word start of its own", () => {
  for (const tokenizer of [t5, builtin]) {
    const pieces = (text: string, continues: boolean) =>
      tokenizer.encode(text, { continues }).map((id) => tokenizer.pieceOf(id));
    assert.deepEqual(pieces(". The end", true), [".", "▁The", "▁end"]);
    assert.deepEqual(pieces(" the end", true), ["▁the", "▁end"]);
    assert.deepEqual(pieces("s", true), ["s"]);
    assert.deepEqual(pieces("the end", false), ["▁the", "▁end"]);
  }
});

test("names of special tokens are text unless asked for", () => {
  for (const tokenizer of [t5, builtin]) {
    for (const name of ["<extra_id_5>", "</s>", "<pad>", "<unk>", "<length_8>", "x<extra_id_0>y"]) {
      const ids = tokenizer.encode(`Say ${name}.`);
      const special = [
        tokenizer.eosId,
        tokenizer.padId,
        ...tokenizer.sentinelIds,
        ...tokenizer.lengthMarks.map((m) => m.id),
      ];
      assert.deepEqual(
        ids.filter((id) => special.includes(id)),
        [],
        name,
      );
    }
    assert.deepEqual(tokenizer.encode("the <extra_id_5> v</s>", { special: true }), [8, 32094, 3, 208, 1]);
  }
  assert.equal(builtin.decode(builtin.encode("Say <extra_id_5> and </s>.")), "Say <extra_id_5> and </s>.");
});

test("knows its special tokens", () => {
  assert.deepEqual([t5.size, t5.padId, t5.eosId, t5.unkId], [32100, 0, 1, 2]);
  assert.deepEqual([t5.sentinelIds.length, t5.sentinelIds[0], t5.sentinelIds[99]], [100, 32099, 32000]);
  assert.deepEqual([t5.spellsLayout, t5.lengthMarks], [false, []]);
  assert.deepEqual(
    builtin.lengthMarks.map((mark) => mark.leastWords),
    [1, 2, 4, 8, 16, 32],
  );
  assert.deepEqual([builtin.size, builtin.spellsLayout, builtin.lengthMarks[0]?.id], [32126, true, 32120]);
});

test("today's layout with T5's own pieces gives the same ids", () => {
  const json = t5Json();
  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
  const spaces = { type: "Replace", pattern: { Regex: " {2,}" }, content: "▁" };
  const strip = { type: "Strip", strip_left: false, strip_right: true };
  const normalizer = { type: "Sequence", normalizers: [json.normalizer, strip, spaces] };
  const newer = createTokenizer({
    ...json,
    normalizer,
    pre_tokenizer: metaspace,
    decoder: metaspace,
    model: { type: "Unigram", ...json.model },
  });
  for (const [text, ids] of referenceEncodings()) assert.deepEqual([...newer.encode(text), 1], ids, text);
});

test("a vocabulary may list its special pieces as pieces only, and have few sentinels or none", () => {
  const vocab = [
    ["<pad>", 0],
    ["</s>", 0],
    ["<unk>", 0],
    ["▁", -2],
    ["a", -3],
    ["<extra_id_1>", 0],
    ["<extra_id_0>", 0],
  ];
  const { normalizer, pre_tokenizer, decoder } = t5Json();
  const json = { normalizer, pre_tokenizer, decoder, model: { unk_id: 2, vocab } };
  const few = createTokenizer(json);
  assert.deepEqual(few.sentinelIds, [6, 5]);
  assert.deepEqual(few.encode("<extra_id_1>a", { special: true }), [5, 3, 4]);
  assert.equal(few.encode("<extra_id_1>a").includes(5), false);
  assert.equal(few.decode([5, 3, 4, 1]), "a");
  const none = createTokenizer({ ...json, model: { unk_id: 2, vocab: vocab.slice(0, 5) } });
  assert.deepEqual(none.sentinelIds, []);
  fails(() => encodeParts(none, [{ kind: "sentinel", index: 0 }]), /0 sentinels, but <extra_id_0>/);
});

test("an unknown character costs ten more than the least likely piece", () => {
  const rows = [
    ["<pad>", 0],
    ["</s>", 0],
    ["<unk>", 0],
    ["▁xy", -5],
    ["zw", -5],
    ["yzw", -1],
    ["▁", -1],
  ];
  const { normalizer, pre_tokenizer, decoder } = t5Json();
  const tokenizer = createTokenizer({ normalizer, pre_tokenizer, decoder, model: { unk_id: 2, vocab: rows } });
  assert.deepEqual(tokenizer.encode("xyzw"), [3, 4]);
  assert.deepEqual(tokenizer.encode("x☃xyzw"), [6, 2, 5]);
});

test("parts become ids in order", () => {
  const parts = [
    { kind: "text", text: "The" },
    { kind: "sentinel", index: 0 },
    { kind: "token", id: 32121 },
    { kind: "text", text: ".", continues: true },
  ] as const;
  assert.deepEqual(encodeParts(builtin, parts), [37, 32099, 32121, 5]);
});

test("3 MB of words, and a word of 300 kB, take time in proportion", () => {
  const encode = (sentences: number) => {
    const words = "Hello world this is a test of some sentences, with (various) words. ".repeat(sentences);
    assert.equal(t5.encode(words).length, 18 * sentences);
  };
  const one = (pairs: number) => assert.equal(t5.decode(t5.encode("ab".repeat(pairs))).length, 2 * pairs);
  assert.ok(growth(encode, 11_250) < 8);
  assert.ok(growth(one, 37_500) < 8);
});

test("rejects what is no T5 tokenizer", () => {
  const json = t5Json();
  fails(() => createTokenizer(null), /cannot be used/);
  fails(() => createTokenizer({ model: { type: "Nonsense", vocab: {} } }), /type Nonsense/);
  fails(() => createTokenizer({ model: { type: "BPE", vocab: {}, merges: [] } }), /no <\/s>/);
  fails(
    () => createTokenizer({ ...json, model: { ...json.model, vocab: {} } }),
    /unknown token is not in the vocabulary/,
  );
  fails(() => createTokenizer({ ...json, model: { unk_id: 2, vocab: [["a"]] } }), /piece 0 is \["a"\]/);
  fails(() => createTokenizer({ ...json, model: { ...json.model, unk_id: 99999 } }), /unknown piece has id 99999/);
  fails(() => createTokenizer({ ...json, pre_tokenizer: { type: "Nonsense" } }), /Nonsense/);
  fails(() => createTokenizer({ ...json, added_tokens: [], model: { unk_id: 0, vocab: [["a", 0]] } }), /no <\/s>/);
});

test("tells a tokenizer of another vocabulary from the model's own", () => {
  checkVocabulary(t5, 32128, 1);
  checkVocabulary(t5, 32100);
  fails(() => checkVocabulary(t5, 32000), /go up to 32099, but the model has 32000/);
  fails(() => checkVocabulary(t5, 250112), /has 32100 tokens and the model 250112/);
  fails(() => checkVocabulary(t5, 32128, 2), /<\/s> has id 1, but the model's configuration says 2/);
});
