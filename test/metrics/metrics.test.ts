import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  answerScores,
  bootstrap,
  mean,
  normalizeSquad,
  type RougeScores,
  rouge,
} from "../../server/metrics/metrics.ts";
import { porterStem } from "../../server/metrics/porter.ts";

const unzipped = (name: string): string =>
  gunzipSync(readFileSync(join("test", "fixtures", "metrics", name))).toString("utf8");

interface Pair {
  readonly target: string;
  readonly prediction: string;
  readonly plain: RougeScores;
  readonly stemmed: RougeScores;
}
const reference = JSON.parse(unzipped("rouge-pairs.json.gz")) as { pairs: Pair[]; corpusMeans: RougeScores };
const names = ["rouge1", "rouge2", "rougeL", "rougeLsum"] as const;
const lines = (name: string): string[] => unzipped(name).replace(/\n$/, "").split("\n");

function assertScores(actual: RougeScores, expected: RougeScores, where: string): void {
  for (const name of names) {
    const gap = Math.abs(actual[name] - expected[name]);
    assert.ok(gap < 1e-12, `${where}: ${name} is ${actual[name]}, rouge-score says ${expected[name]}`);
  }
}

for (const stem of [false, true]) {
  test(`scores random pairs as rouge-score does, ${stem ? "stemmed" : "unstemmed"}`, () => {
    for (const [i, { target, prediction, plain, stemmed }] of reference.pairs.entries()) {
      assertScores(rouge(target, prediction, { stem }), stem ? stemmed : plain, `pair ${i}`);
    }
  });
}

test("agrees with the published figures of T5's evaluation corpus", () => {
  const [targets, predictions] = [lines("t5-targets.txt.gz"), lines("t5-predictions.txt.gz")];
  assert.equal(targets.length, 1000);
  // T5's evaluation ends a line at " . ".
  const cut = (text = "") => text.replaceAll(" . ", " .\n");
  const scores = targets.map((target, i) => rouge(cut(target), cut(predictions[i])));
  // t5/evaluation/testdata; the middle of a bootstrap without a seed, so only near.
  const published = { rouge1: 38.517523467350486, rouge2: 22.1524010821563, rougeLsum: 38.362646331618514 };
  for (const [name, value] of Object.entries(published) as [keyof typeof published, number][]) {
    const values = scores.map((score) => 100 * score[name]);
    assert.ok(Math.abs(mean(values) - value) < 0.05, `${name}: ${mean(values)}, published ${value}`);
    assert.ok(Math.abs(mean(values) - reference.corpusMeans[name]) < 1e-9, `${name}: ${mean(values)}`);
    const { low, high } = bootstrap(values);
    assert.ok(low < value && value < high);
  }
});

test("stems words of four letters and more only", () => {
  assert.equal(rouge("was", "wa", { stem: true }).rouge1, 0);
  assert.equal(rouge("cats", "cat", { stem: true }).rouge1, 1);
  assert.equal(rouge("cats", "cat").rouge1, 0);
});

test("stems words as nltk does", () => {
  const expected = JSON.parse(unzipped("stems.json.gz")) as [string, string][];
  const wrong = expected.filter(([word, stem]) => porterStem(word) !== stem).map(([word]) => word);
  assert.deepEqual(wrong, []);
  assert.ok(expected.length > 5000);
});

test("scores answers as T5's squad metric does", () => {
  const targets = [["big moose", "hippo"], ["correct1"], ["correct2.1", "correct2.2"], ["a", "b"]];
  const predictions = ["‘a big  Moose!‘", "wrong", "correct2.2", "c"];
  const score = (normalize: (text: string) => string) => {
    const all = targets.map((accepted, i) => answerScores(accepted, predictions[i] ?? "", normalize));
    return { exact: 100 * mean(all.map((s) => s.exact)), f1: 100 * mean(all.map((s) => s.f1)) };
  };
  assert.deepEqual(score(normalizeSquad), { exact: 25, f1: 35 });
  const small = answerScores(["abc abd", "$$$$"], "abd");
  assert.equal(small.exact, 0);
  assert.ok(Math.abs(100 * small.f1 - 200 / 3) < 1e-9);
  assert.deepEqual(answerScores(["", "this is a string"], "This is the string"), { exact: 1, f1: 1 });
});

test("gives an interval that repeats, holds the mean, and narrows with more values", () => {
  const values = Array.from({ length: 400 }, (_, i) => (i * 37) % 101);
  const few = bootstrap(values.slice(0, 40));
  const many = bootstrap(values);
  assert.deepEqual(bootstrap(values), many);
  assert.ok(many.low < many.mean && many.mean < many.high);
  assert.ok(many.high - many.low < few.high - few.low);
  // The normal approximation: 2 x 1.96 x standard error.
  const spread = Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)) / values.length);
  assert.ok(Math.abs((many.high - many.low) / (2 * 1.96 * spread) - 1) < 0.1);
  assert.throws(() => bootstrap([]), RangeError);
});

test("white space is Python's: NEL and four separators are, a byte order mark is not", () => {
  for (const space of ["\x85", "\x1c", "\x1d", "\x1e", "\x1f", "\u3000"])
    assert.deepEqual(answerScores(["x y"], `x${space}y`), { exact: 1, f1: 1 });
  assert.deepEqual(answerScores(["x y"], "x\ufeffy"), { exact: 0, f1: 0 });
});
