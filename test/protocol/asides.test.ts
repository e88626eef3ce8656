import assert from "node:assert/strict";
import { test } from "node:test";
import { asideOf } from "../../protocol/asides.ts";

const rows: [string, string, string][] = [
  ["markdown", "A harbour.", "> A harbour.\n"],
  ["plaintext", "A harbour.", "> A harbour.\n"],
  ["latex", "A harbour.", "% A harbour.\n"],
  ["asciidoc", "A harbour.", "// A harbour.\n"],
  ["restructuredtext", "A harbour.", "..\n   A harbour.\n"],
  ["git-commit", "A harbour.", "# A harbour.\n"],
  ["org", "A harbour.", "# A harbour.\n"],
  ["tex", "A harbour.", "% A harbour.\n"],
  ["python", "A harbour.", "# A harbour.\n"],
  ["typescript", "A harbour.", "// A harbour.\n"],
  ["lua", "A harbour.", "-- A harbour.\n"],
  ["css", "A */ b.", "/*\n  A * / b.\n*/\n"],
  ["html", "A --> b.", "<!--\n  A - - > b.\n-->\n"],
  ["unknown", "A harbour.", "> A harbour.\n"],
  ["markdown", "- one two three four five\n- six", "> - one two three four\n>   five\n> - six\n"],
  ["markdown", "one\n\ntwo", "> one\n>\n> two\n"],
];
for (const [languageId, text, expected] of rows) {
  test(`an aside in ${languageId}: ${JSON.stringify(text)}`, () =>
    assert.equal(asideOf(text, languageId, 22), expected));
}

test("no line of words goes beyond the width, and every word is there", () => {
  const text = "word ".repeat(60).trim();
  const lines = asideOf(text, "latex", 40, "  ").trimEnd().split("\n");
  assert.ok(lines.every((line) => line.length <= 40 && line.startsWith("  % ")));
  assert.equal(lines.map((line) => line.slice(4)).join(" "), text);
});
