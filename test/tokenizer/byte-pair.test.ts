import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { encodeInput } from "../../models/tokenizer/parts.ts";
import { createTokenizer } from "../../models/tokenizer/tokenizer.ts";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";

const FOLDER = "test/fixtures/tokenizer/byte-pair";
const read = (name: string) => JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
/** Text, ids, what they read as, ids with both ends. */
const rows: [string, number[], string, number[]][] = read("encodings.json");

/** A folder with some of the fixture's files. */
async function tokenizerOf(...names: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-byte-pair-"));
  for (const name of names) cpSync(join(FOLDER, name), join(folder, name));
  return readTokenizer(folder).finally(() => rmSync(folder, { recursive: true }));
}

for (const names of [["tokenizer.json"], ["vocab.json", "merges.txt", "added_tokens.json"]]) {
  test(`texts have the ids of transformers' RobertaTokenizer, and read back: ${names.join(", ")}`, async () => {
    const tokenizer = await tokenizerOf(...names);
    for (const [text, ids, decoded, whole] of rows) {
      assert.deepEqual(tokenizer.encode(text, { special: true }), ids, text);
      assert.equal(tokenizer.decode(ids), decoded);
      const input = encodeInput(tokenizer, [{ kind: "text", text, special: true }]);
      assert.deepEqual(input, whole);
      assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    }
    assert.deepEqual([tokenizer.size, tokenizer.padId, tokenizer.eosId, tokenizer.sentinelIds[0]], [700, 0, 2, 699]);
    assert.equal(tokenizer.sentinelIds.length, 100);
  });
}

test("refuses byte pairs without a vocabulary or an end token", () => {
  const json = read("tokenizer.json");
  const without = {
    ...json,
    added_tokens: [],
    post_processor: null,
    model: { ...json.model, unk_token: null, merges: [], vocab: { a: 0 } },
  };
  for (const wrong of [{ model: { type: "BPE" } }, without]) {
    assert.throws(
      () => createTokenizer(wrong),
      (error) =>
        error instanceof ModelError &&
        error.code === "tokenizer" &&
        /(no table of pieces|no <\/s>)/.test(error.message),
    );
  }
});

test("a ByT5 folder needs no vocabulary file", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-byt5-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify({ tokenizer_class: "ByT5Tokenizer" }));
  assert.equal((await readTokenizer(folder)).size, 384);
});
