import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { createBytePairTokenizer } from "../../models/tokenizer/byte-pair.ts";
import { encodeParts } from "../../models/tokenizer/parts.ts";
import { readTokenizer } from "../../server/engine/process/local.ts";

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
      const input = [...encodeParts(tokenizer, [{ kind: "text", text, special: true }]), tokenizer.eosId];
      assert.deepEqual(input, whole);
      assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    }
    assert.deepEqual([tokenizer.size, tokenizer.padId, tokenizer.eosId, tokenizer.sentinelIds[0]], [700, 0, 2, 699]);
    assert.equal(tokenizer.sentinelIds.length, 100);
  });
}

test("refuses what is no byte-pair vocabulary of RoBERTa's", () => {
  const json = read("tokenizer.json");
  const without = { ...json, added_tokens: [], model: { ...json.model, vocab: { a: 0 } } };
  for (const wrong of [{ model: { type: "BPE" } }, without]) {
    assert.throws(
      () => createBytePairTokenizer(wrong),
      (error) =>
        error instanceof ModelError && error.code === "tokenizer" && /vocab\.json and merges\.txt/.test(error.message),
    );
  }
});

test("a ByT5 folder needs no vocabulary file", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-byt5-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify({ tokenizer_class: "ByT5Tokenizer" }));
  assert.equal((await readTokenizer(folder)).size, 384);
});
