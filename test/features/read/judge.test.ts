import assert from "node:assert/strict";
import { test } from "node:test";
import { englishNgrams } from "../../../server/catalog/ngrams.ts";
import { isInvented, isPoorTitle, type Wording, wordingOf } from "../../../server/features/read/judge.ts";

const SOURCE =
  "# Rebalancing\n\nUse the kafka-reassign-partitions.sh tool to move partitions and topics. A page takes 40 ms.\n\n" +
  "See server/prose.ts for the rest. It runs kubectl apply -f ./install at the end\n\n" +
  "Encryption is enabled by default for all of the files.";

const sentences: readonly (readonly [why: string, sentence: string, wording: Wording | undefined])[] = [
  ["a sentence of the text", "A page takes 40 ms.", "copied"],
  ["the beginning of one", "Use the kafka-reassign-partitions.sh tool.", "copied"],
  ["new words that are likely, then the text's", "Learn how to move partitions and topics.", "reworded"],
  ["a near copy that says the opposite", "Encryption is not enabled by default for all of the files.", undefined],
  ["a new word that English seldom has there", "Learn how to hide.", undefined],
  ["new words that English has not", "Zebra how to move partitions and topics.", undefined],
  ["a negation lost in the middle", "Learn how to move partitions and not topics.", undefined],
  ["words that stand side by side nowhere", "Learn how a page takes 40 ms.", undefined],
  ["two blocks run together", "Move partitions and topics. A page takes 40 ms. See server.", undefined],
  ["a heading run together with a sentence", "Rebalancing use the kafka-reassign-partitions.sh tool.", undefined],
  ["cut before what goes on with and", "Use the kafka-reassign-partitions.sh tool to move partitions.", undefined],
  ["cut inside a name", "See server/prose.", undefined],
  ["cut inside a path", "It runs kubectl apply -f .", undefined],
  ["no end", "A page takes 40", undefined],
];
for (const [why, sentence, expected] of sentences) {
  test(`${expected ?? "not trusted"}: ${why}`, async () =>
    assert.equal(await wordingOf(SOURCE, sentence, englishNgrams), expected));
}

test("without n-grams nothing new is trusted, and for a copy they are not loaded", async () => {
  assert.equal(await wordingOf(SOURCE, "Learn how to move partitions and topics."), undefined);
  const never = () => Promise.reject(new Error("loaded"));
  assert.equal(await wordingOf(SOURCE, "A page takes 40 ms.", never), "copied");
});

test("names that stand only inside longer ones are invented", () => {
  assert.equal(isInvented(SOURCE, "The reassign-partitions.sh tool moves them."), true);
  assert.equal(isInvented(SOURCE, "The kafka-reassign-partitions.sh tool moves them."), false);
  assert.equal(isInvented("Copies are well-known.", "Copies are well-known."), false);
});

const titles: readonly (readonly [title: string, isPoor: boolean])[] = [
  ["Moving partitions", false],
  ["Using the kafka-reassign-partitions.sh tool", false],
  ["Using the a page", true],
  ["Page Page", true],
  ["Gamear partitions", true],
  ["Move partitions with a", true],
  ["- Partitions", true],
  ["Partitions (topics", true],
  ["What is the", true],
];
for (const [title, expected] of titles) {
  test(`a ${expected ? "poor" : "fair"} title: ${title}`, () => assert.equal(isPoorTitle(SOURCE, title), expected));
}
