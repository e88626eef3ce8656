import assert from "node:assert/strict";
import { test } from "node:test";
import { repositoryOf } from "../../../bench/support/kept-out.ts";
import { readSecondSet } from "../../../bench/support/second-set.ts";
import { drawParagraphs, textKinds } from "../../../bench/typing/paragraphs.ts";
import sets from "../../../models/recipes/kept-out.json" with { type: "json" };

test("every kind of text has paragraphs enough, of whole sentences, and the same ones for the same seed", () => {
  for (const kind of textKinds) {
    const drawn = drawParagraphs(kind, 40, 3);
    assert.equal(drawn.length, 40, kind);
    assert.deepEqual(drawParagraphs(kind, 40, 3), drawn);
    assert.ok(new Set(drawn.map(({ source }) => source)).size >= 30, kind);
    for (const { text, before } of drawn) {
      assert.match(text, /^["“]?\p{Lu}[\s\S]*[.!?]["”)]?$/u);
      assert.notEqual(before.trim(), "");
    }
  }
});

test("the second set holds raw files of kept-out repositories and programs, with a license each", () => {
  const documents = readSecondSet();
  const repositories = new Set(documents.map(({ source }) => repositoryOf(source)));
  for (const program of ["npm", "python"]) repositories.delete(program);
  assert.deepEqual([...repositories].sort(), [...sets.second].sort());
  assert.ok(documents.every(({ license }) => license !== ""));
  const described = documents.filter(({ summary, raw }) => summary !== undefined && raw);
  assert.ok(described.length > 400, `${described.length} raw files with a summary`);
});

test("a summary does not stand in the raw text that it was taken from, but for those that quote it", () => {
  const plain = (text: string) => text.replace(/\W+/g, " ").toLowerCase();
  const abstracts = readSecondSet().filter(
    ({ format, raw, summary }) => raw && format === "adoc" && summary !== undefined,
  );
  const quoted = abstracts.filter(({ text, summary = "" }) => plain(text).includes(plain(summary)));
  assert.deepEqual(
    quoted.map(({ source }) => source),
    [],
  );
});
