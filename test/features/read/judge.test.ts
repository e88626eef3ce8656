import assert from "node:assert/strict";
import { test } from "node:test";
import { isInvented, isOff, isPoorTitle } from "../../../server/features/read/judge.ts";

const SOURCE =
  "# Rebalancing\n\nUse the kafka-reassign-partitions.sh tool to move partitions and topics. A page takes 40 ms.\n\n" +
  "See server/prose.ts for the rest. It runs kubectl apply -f ./install at the end";

const sentences: readonly (readonly [why: string, sentence: string, isOff: boolean])[] = [
  ["a sentence of the text", "A page takes 40 ms.", false],
  ["the beginning of one", "Use the kafka-reassign-partitions.sh tool.", false],
  ["words that stand side by side nowhere", "Learn how a page takes 40 ms.", true],
  ["two blocks run together", "Move partitions and topics. A page takes 40 ms. See server.", true],
  ["a heading run together with a sentence", "Rebalancing use the kafka-reassign-partitions.sh tool.", true],
  ["cut before what goes on with and", "Use the kafka-reassign-partitions.sh tool to move partitions.", true],
  ["cut inside a name", "See server/prose.", true],
  ["cut inside a path", "It runs kubectl apply -f .", true],
  ["no end", "A page takes 40", true],
];
for (const [why, sentence, expected] of sentences) {
  test(`${expected ? "not trusted" : "trusted"}: ${why}`, () => assert.equal(isOff(SOURCE, sentence), expected));
}

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
