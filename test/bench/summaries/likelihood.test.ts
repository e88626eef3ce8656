import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isGrammatical } from "../../../bench/summaries/judge.ts";
import { startJudge, verdictOf } from "../../../bench/summaries/likelihood.ts";

interface Labelled {
  readonly output: string;
  readonly grammatical: boolean;
  /** Nats of each token given the passage. */
  readonly given: readonly number[];
}

test("the threshold of grammatical agrees with who read the sentences", () => {
  const read: Labelled[] = JSON.parse(readFileSync("bench/data/grammar.json", "utf8"));
  assert.ok(read.length >= 100);
  const agreed = read.filter(({ given, grammatical }) => isGrammatical(verdictOf(given)) === grammatical);
  assert.ok(agreed.length / read.length > 0.85, `${agreed.length} of ${read.length}`);
});

test("a judge that cannot start is said to have ended, and one that is not there is named", async () => {
  await assert.rejects(startJudge("package.json", process.execPath), /judge's process ended/);
  await assert.rejects(startJudge("none.gguf", process.execPath), /none\.gguf is not there/);
});
