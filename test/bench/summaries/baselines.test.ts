import assert from "node:assert/strict";
import { test } from "node:test";
import { oracle, textRank } from "../../../bench/summaries/baselines.ts";

const SENTENCES = [
  "Welcome to this page.",
  "The cluster operator deploys Kafka pods in a cluster.",
  "Bananas are yellow and quite sweet.",
  "Kafka pods in the cluster are restarted by the cluster operator.",
  "The operator watches Kafka pods.",
];

test("TextRank takes the sentences that share most with others, in the text's order", () => {
  assert.deepEqual(textRank(SENTENCES, 2), [SENTENCES[1], SENTENCES[3]]);
  assert.deepEqual(textRank([], 2), []);
});

test("the oracle takes the sentences nearest to the reference, and no more than help", () => {
  assert.deepEqual(oracle(SENTENCES, "Bananas are yellow. The operator watches pods.", 5), [
    SENTENCES[2],
    SENTENCES[4],
  ]);
  assert.deepEqual(oracle(SENTENCES, "Nothing alike", 1), []);
});
