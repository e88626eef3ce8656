import assert from "node:assert/strict";
import { test } from "node:test";
import { rawFiles, withoutTitle } from "../../../bench/summaries/raw.ts";

test("raw files have sentences of prose, and the same ones are drawn for the same seed", async () => {
  const files = await rawFiles(25, 0);
  assert.ok(files.length >= 24, `${files.length} with prose`);
  const again = await rawFiles(25, 0);
  assert.deepEqual(
    again.map(({ source }) => source),
    files.map(({ source }) => source),
  );
  // What they are summarized from is raw: most have links, code or other markup.
  assert.ok(files.filter(({ text, prose }) => text.length > prose.length).length > 20);
});

test("a title is asked for without the heading that is it", () => {
  for (const text of ["# The *one*\n\nA text.", "= The *one*\n\nA text.", "The *one*\n=========\n\nA text."]) {
    assert.equal(withoutTitle(text, "The *one*"), "\nA text.");
  }
  assert.equal(withoutTitle("Text.", ""), "Text.");
});
