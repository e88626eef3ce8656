import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { gunzipSync } from "node:zlib";
import { createNgramModel, type NgramModel } from "../../models/words/ngram.ts";
import { countNgrams } from "../../models/words/ngram-count.ts";
import { isNgramTable, readNgramTable } from "../../models/words/ngram-table.ts";
import { ngramWords } from "../../models/words/ngram-words.ts";

const texts = JSON.parse(readFileSync("test/fixtures/words/tiny.json", "utf8")) as string[];
const tiny = gunzipSync(readFileSync("test/fixtures/words/tiny.ngrams.gz"));
const english: NgramModel = createNgramModel(readNgramTable(tiny, "tiny.ngrams"));

test("words are letters with apostrophes, numbers by their length, marks and paragraph breaks", () => {
  for (const [text, words] of [
    ["Don’t stop,\nit's 42.", ["Don’t", "stop", ",", "it's", "00", "."]],
    ["Port 8080 is 7", ["Port", "0000", "is", "7"]],
    ["One.\n \nTwo", ["One", ".", "\n\n", "Two"]],
    ["One:\n- two\n  1. three\n\n## Four", ["One", ":", "\n\n", "two", "\n\n", "three", "\n\n", "Four"]],
    ["**Press** `port` a_b", ["Press", "port", "a", "b"]],
    ["- One", ["-", "One"]],
  ] as const) {
    assert.deepEqual(ngramWords(text), words, text);
  }
});

test("the recipe counts what the editor reads", async () => {
  const counted = await countNgrams([...texts, ...texts, ...texts]);
  const read = readNgramTable(tiny, "tiny.ngrams");
  assert.deepEqual(read.words, counted.words);
  assert.deepEqual(read.alphabet, counted.alphabet);
  assert.deepEqual(read.levels, counted.levels);
  for (const [i, count] of counted.counts.entries()) {
    assert.ok(Math.abs((read.counts[i] ?? 0) - count) <= Math.max(1, 0.06 * count), read.words[i]);
  }
});

test("the chances of all words after any context add up to about 1, and none is 0", () => {
  const { words } = readNgramTable(tiny, "tiny.ngrams");
  for (const context of [
    [],
    ["the"],
    ["the", "red"],
    ["Press", "the", "red"],
    ["nowhere"],
    ["red", "nowhere"],
    ["\n\n"],
  ]) {
    const chances = words.map((word) => english.probability(context, word));
    const sum = chances.reduce((a, b) => a + b, 0);
    assert.ok(sum > 0.85 && sum < 1.01, `${context.join(" ")}: ${sum}`);
    assert.ok(chances.every((chance) => chance > 0 && chance <= 1));
  }
  assert.ok(english.probability(["the", "red"], "unheard") > 0);
});

test("more of the context says more, and it ends where a paragraph begins", () => {
  assert.ok(english.probability(["the", "red"], "button") > english.probability(["red"], "box"));
  assert.ok(english.probability(["opens", "the"], "red") > english.probability(["in", "the"], "red"));
  const begins = english.probability(["\n\n"], "Press");
  assert.ok(begins > 0.2);
  assert.equal(english.probability(["box", "\n\n"], "Press"), begins);
});

test("candidates begin as typed, in their own spelling, the likeliest first", () => {
  const words = (context: string[], prefix: string, count: number) =>
    english.candidates(context, prefix, count).map(({ word }) => word);
  assert.deepEqual(words(["the", "red"], "", 2), ["button", "box"]);
  assert.deepEqual(words(["Press", "the"], "b", 2), ["blue", "box"]);
  assert.deepEqual(words(["in", "the"], "Post", 3), ["PostgreSQL"]);
  // A word that the table knows only in lower case begins a sentence, too.
  assert.deepEqual(words(["\n\n"], "Lev", 3), ["Lever"]);
  assert.deepEqual(words(["the"], "xyz", 3), []);
  const all = english.candidates(["the"], "", 100);
  assert.ok(all.every(({ word }) => /^\p{L}+$/u.test(word)));
  assert.ok(all.every(({ probability }, i) => probability <= (all[i - 1]?.probability ?? 1)));
  for (const { word, probability } of all) {
    assert.ok(Math.abs(probability - english.probability(["the"], word)) < 1e-9, word);
  }
});

test("a word is predicted from the words before, or from those of both sides", () => {
  assert.equal(english.predict("Press the red", undefined, 1)[0], "button");
  assert.equal(english.predict("It opens the red ", " in 2024.", 1)[0], "door");
  assert.equal(english.predict("and the ", " lever", 1)[0], "red");
  assert.ok(
    english.logProbability("opens the ", "red", " door") > english.logProbability("opens the ", "blue", " door"),
  );
});

test("a damaged table is reported by its file's name", () => {
  assert.ok(isNgramTable(tiny));
  const damage: Buffer[] = [Buffer.alloc(0), Buffer.from("no table"), tiny.subarray(0, -1), tiny.subarray(0, 120)];
  for (const damaged of damage) {
    assert.throws(() => readNgramTable(damaged, "words.gz"), /^ModelError: words\.gz is not a complete table/);
  }
});

test("words between two sides are the same however often and in whatever number they are asked for", () => {
  const sides = texts.flatMap((text) => {
    const words = text.split(/\s+/);
    return words.slice(1, -1).map((_, i) => [words.slice(0, i + 1).join(" "), words.slice(i + 2).join(" ")] as const);
  });
  const seen = new Set<string>();
  for (const [before, after] of sides.slice(0, 150)) {
    const fresh = createNgramModel(readNgramTable(tiny, "tiny.ngrams")).predict(before, after, 8);
    assert.deepEqual(english.predict(before, after, 1), fresh.slice(0, 1));
    assert.deepEqual(english.predict(before, after, 8), fresh);
    assert.deepEqual(english.predict(before, undefined, 3), english.predict(before, undefined, 8).slice(0, 3));
    const logs = fresh.map((word) => english.logProbability(before, word, after));
    assert.deepEqual(
      logs,
      logs.toSorted((a, b) => b - a),
      `${before} ... ${after}`,
    );
    seen.add(fresh.join(" "));
  }
  assert.ok(seen.size > 10);
});
