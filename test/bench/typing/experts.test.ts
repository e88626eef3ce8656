import assert from "node:assert/strict";
import { test } from "node:test";
import { documentWords, together, type WordExpert, wordSuggester } from "../../../bench/typing/experts.ts";

const DOCUMENT = {
  ...{ name: "a.md", languageId: "markdown" },
  before: "The Kafka broker starts. The Kafka broker stops. The Kafka broker waits.\n\n",
  after: "\n\nThe Kafka broker ends.",
};

async function shownAfter(expert: WordExpert, typed: string, least: number) {
  const suggester = wordSuggester(expert, least);
  await suggester.open(DOCUMENT);
  return (await suggester.type(0, typed)).text;
}

test("the document's words are proposed after what they followed, and narrowed by letters", async () => {
  assert.equal(await shownAfter(documentWords, "The Kafka ", 0.4), "broker ");
  assert.equal(await shownAfter(documentWords, "A new br", 0.4), "oker ");
  assert.equal(await shownAfter(documentWords, "A new zo", 0.4), undefined);
  assert.equal(await shownAfter(documentWords, "The Kafka ", 0.99), undefined);
});

test("nothing is shown that saves a single letter, nor within a name or number", async () => {
  assert.equal(await shownAfter(documentWords, "A new broke", 0.1), undefined);
  assert.equal(await shownAfter(documentWords, "/br", 0.1), undefined);
  assert.equal(await shownAfter(documentWords, "The Kafka broker", 0.1), undefined);
});

test("experts together add up by their shares", () => {
  const one: WordExpert = () => () => new Map([["a", 0.5]]);
  const other: WordExpert = () => () =>
    new Map([
      ["a", 0.1],
      ["b", 0.9],
    ]);
  const next = together([
    [one, 0.5],
    [other, 0.5],
  ])(DOCUMENT);
  const rounded = [...next("", "")].map(([word, chance]) => [word, Number(chance.toFixed(3))]);
  assert.deepEqual(rounded, [
    ["a", 0.3],
    ["b", 0.45],
  ]);
});
