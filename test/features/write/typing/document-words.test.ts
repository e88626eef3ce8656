import assert from "node:assert/strict";
import { test } from "node:test";
import { createDocumentWords } from "../../../../server/features/write/typing/document-words.ts";
import { createTypedPast } from "../../../../server/features/write/typing/typed-past.ts";
import { wordPlaceAt } from "../../../../server/features/write/typing/word-place.ts";

const TEXT =
  "The cert-manager signs certificates.\nPostgreSQL stores rows.\n\nThe cert-manager needs maxContextTokens and Node.js.";

test("a document's words are counted with the hyphens, digits and capitals inside them", () => {
  const words = createDocumentWords();
  words.update(TEXT);
  assert.deepEqual(words.beginning("cert", 9), ["cert-manager", "certificates"]);
  assert.deepEqual(words.beginning("Post", 9), ["PostgreSQL"]);
  assert.deepEqual(words.beginning("max", 9), ["maxContextTokens"]);
  assert.deepEqual(words.beginning("Node", 9), ["Node.js"]);
  assert.deepEqual([...words.after("The")], ["cert-manager"]);
  assert.ok(words.ofWord("cert-manager") > words.ofWord("rows"));
  assert.ok(words.ofPair("The", "cert-manager") > words.ofPair("The", "rows"));
  assert.equal(words.ofWord("absent"), 0);
});

test("counting the changes comes to the same as counting anew", () => {
  const texts = [
    "",
    TEXT,
    `${TEXT}\nMore rows.`,
    TEXT.replace("rows", "tables"),
    `\n${TEXT}`,
    "\n",
    TEXT.replaceAll("\n", " "),
    TEXT.slice(20),
    "The The The",
    "The The",
  ];
  const changed = createDocumentWords();
  for (const text of texts) {
    changed.update(text);
    const anew = createDocumentWords();
    anew.update(text);
    for (const word of ["The", "cert-manager", "rows", "tables", "More"]) {
      assert.equal(changed.ofWord(word), anew.ofWord(word), `${word} in ${text}`);
      assert.equal(changed.ofPair("The", word), anew.ofPair("The", word), `The ${word} in ${text}`);
    }
    assert.deepEqual([...changed.frequent(99)].sort(), [...anew.frequent(99)].sort());
  }
});

const places: [string, string | undefined][] = [
  ["one tw|", "tw"],
  ["one |", ""],
  ["|", ""],
  ["(tw|", "tw"],
  ["cert-m|", "cert-m"],
  ["don't|", "don't"],
  ["naïve|", "naïve"],
  ["one tw|o", undefined],
  ["one.|", undefined],
  ["path/tw|", undefined],
  ["a.tw|", undefined],
  ["12|", undefined],
  ["one |two", ""],
];
for (const [text, typed] of places) {
  test(`at ${text} ${typed === undefined ? "no word can be" : `the letters typed are "${typed}"`}`, () => {
    assert.equal(wordPlaceAt(text.replace("|", ""), text.indexOf("|"))?.typed, typed);
  });
}

test("a word shown is typed past only where another one stands now", () => {
  const document = "a.md";
  const place = { before: "one ", typed: "", after: "" };
  for (const [text, offset, past] of [
    ["one two", 7, false],
    ["one three four", 14, true],
    ["one, then", 9, false],
    ["one \ntwo", 5, false],
    ["one . ", 6, true],
  ] as const) {
    const memory = createTypedPast();
    memory.shown(document, place, "two");
    assert.ok(memory.isShown(document, place, "two"));
    memory.notice(document, text, { before: text.slice(0, offset), typed: "", after: "" });
    assert.equal(memory.has(document, place, "two"), past, text);
  }
});
