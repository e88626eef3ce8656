/** Which parts of a document's prose are summarized. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { proseOf } from "../../../server/features/read/prose.ts";

/** A file's name, a line that only leads elsewhere in it, and one with links that says something. */
const LINES: readonly (readonly [name: string, bar: string, line: string, words: string])[] = [
  ["a.md", "Up: [[Index]] | Next: [[Restore|Restoring]]", "[a](b) and [c](d) differ.", "a and c differ."],
  [
    "a.rst",
    "Next :doc:`install` | Previous :doc:`index`",
    "See :doc:`install` or :doc:`index`.",
    "See install or index.",
  ],
  [
    "a.adoc",
    "xref:a.adoc[Before] | xref:b.adoc[After]",
    "Use xref:a.adoc[one] | or xref:b.adoc[two].",
    "Use one | or two.",
  ],
  ["a.org", "← [[file:a.org][Before]] · [[file:b.org][After]] →", "[[a][One]] of [[b][two]].", "One of two."],
  [
    "a.html",
    '<p>Next: <a href="a">One</a>, Previous: <a href="b">Two</a></p>',
    '<p><a href="a">One</a>, then <a href="b">two</a>.</p>',
    "One, then two.",
  ],
];

test("a line that only leads elsewhere is not summarized", async () => {
  for (const [name, bar, line, words] of LINES) {
    assert.equal(await proseOf(`${bar}\n\n${line}\n\nMore words.\n`, name), `${words}\n\nMore words.`, name);
  }
});

test("a blank before a mark stays where a word begins with it, also in links and emphasis", async () => {
  const text =
    "It reads the [.gitignore](a) file, *.env* and **:root** , or `!x`. See note[^1] , please.\n\n[^1]: A.\n";
  assert.equal(await proseOf(text, "a.md"), "It reads the .gitignore file, .env and :root, or !x. See note, please.");
});
