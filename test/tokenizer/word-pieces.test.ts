import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { encodeInput } from "../../models/tokenizer/parts.ts";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";

type Files = Readonly<Record<string, unknown>>;

/** Vocabularies in the layout of UER's Chinese T5s, with texts, their ids, and what the ids read as. */
const cases: { readonly files: Files; readonly encodings: readonly [string, number[], string][] }[] = JSON.parse(
  readFileSync("test/fixtures/tokenizer/word-pieces.json", "utf8"),
);

async function tokenizerOf(files: Files) {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-word-pieces-"));
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  return readTokenizer(folder).finally(() => rmSync(folder, { recursive: true }));
}

for (const { files, encodings } of cases)
  test(`vocab.txt gives the ids of BertTokenizer: ${JSON.stringify(files["tokenizer_config.json"]).slice(-90)}`, async () => {
    const tokenizer = await tokenizerOf(files);
    for (const [text, ids, decoded] of encodings) {
      assert.deepEqual(encodeInput(tokenizer, [{ kind: "text", text, special: true }]), ids, text);
      assert.equal(tokenizer.decode(ids), decoded);
    }
    const pieces = String(files["vocab.txt"]).trimEnd().split("\n");
    const { padId, unkId, eosId, size } = tokenizer;
    assert.deepEqual([pieces[padId], pieces[unkId], pieces[eosId], size], ["[PAD]", "[UNK]", "[SEP]", pieces.length]);
  });

test("a vocab.txt without BERT's tokens is refused by the first that it lacks", async () => {
  await assert.rejects(
    tokenizerOf({ "vocab.txt": "[PAD]\n[UNK]\na\n" }),
    (error) => error instanceof ModelError && /vocab\.txt cannot be used: it lacks \[CLS\]/.test(error.message),
  );
});
