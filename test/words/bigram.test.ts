import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type BigramCounts,
  bigramWords,
  countBigrams,
  createBigramModel,
  packBigrams,
  pruneBigrams,
  unpackBigrams,
} from "../../models/words/bigram.ts";

const texts = [
  ...Array<string>(30).fill("Press the red button. Press the blue button. Open the door."),
  ...Array<string>(10).fill("Open the red box."),
  "Close a window once.",
];

test("splits words, numbers, marks and paragraph breaks", () => {
  assert.deepEqual(bigramWords("Don’t stop,\nit's 42.\n \nNew"), [
    "Don’t",
    "stop",
    ",",
    "it's",
    "42",
    ".",
    "\n\n",
    "New",
  ]);
});

const pairs = ({ words, starts, next, nextCounts }: BigramCounts): Record<string, number> =>
  Object.fromEntries(
    words.flatMap((word, u) =>
      Array.from(next.subarray(starts[u], starts[u + 1]), (w, i) => [
        `${word} ${words[w]}`,
        nextCounts[(starts[u] ?? 0) + i] ?? 0,
      ]),
    ),
  );

test("counts every neighbor once and joins no texts", async () => {
  const table = await countBigrams(["a b", "b a"]);
  assert.equal(table.counts[table.words.indexOf("a")], 2);
  assert.equal(table.counts[table.words.indexOf("\n\n")], 2);
  assert.deepEqual(pairs(table), { "\n\n a": 1, "\n\n b": 1, "a b": 1, "b a": 1 });
});

test("predicts what followed most often", async () => {
  const model = createBigramModel(await countBigrams(texts));
  assert.deepEqual(model.predict("Go and open the ", undefined, 3).slice(0, 1), ["red"]);
  assert.equal(model.predict("something unheard ", undefined, 2)[0], "the");
});

test("uses the word behind the gap when it may", async () => {
  const model = createBigramModel(await countBigrams(texts));
  // "the" is followed by red (40), blue (30), door (30); only red stands before box, only door before a full stop.
  assert.equal(model.predict("the ", " box", 1)[0], "red");
  assert.equal(model.predict("the ", ".", 1)[0], "door");
});

test("a fill's likelihood is that of its words and of what follows, each after the one before", async () => {
  const model = createBigramModel(await countBigrams(texts));
  const of = (fill: string, after = " box"): number => model.logProbability("Press the ", fill, after);
  assert.ok(of("red") > of("blue") && of("blue") > of("window") && of("window") > of("xylophone"));
  // 40 of 100 words after "the" are "red" and 10 of its 40 successors "box", the discount and what it leaves to "box"
  // aside.
  assert.ok(Math.abs(of("red") - Math.log((39.25 / 100) * (9.25 / 40))) < 0.05, `${of("red")}`);
  assert.ok(Math.abs(of("red button", " unheard") - Math.log((39.25 / 100) * (29.25 / 40))) < 0.05);
});

test("a pruned and packed table predicts as before where it kept the pairs", async () => {
  const counts = await countBigrams(texts);
  const pruned = pruneBigrams(counts, 12);
  const kept = pruned.next.length;
  assert.ok(kept > 8 && kept <= 12, `${kept} pairs`);
  assert.ok(!pruned.words.includes("window"));
  const packed = packBigrams(pruned);
  const table = unpackBigrams(packed, "table");
  assert.deepEqual(table.words, pruned.words);
  assert.deepEqual(table.next, pruned.next);
  const [before, read] = [pairs(pruned), pairs(table)];
  for (const [pair, count] of Object.entries(before)) {
    assert.ok(Math.abs((read[pair] ?? 0) / count - 1) < 0.04, `${pair}: ${count} came back as ${read[pair]}`);
  }
  assert.equal(createBigramModel(table).predict("Press the ", " box", 1)[0], "red");
});

test("a table that is cut off or changed is refused", async () => {
  const packed = packBigrams(await countBigrams(texts));
  const longer = packed.indexOf("\0");
  for (const damaged of [
    packed.subarray(0, -3),
    Buffer.concat([packed.subarray(0, longer), Buffer.from("\0x"), packed.subarray(longer)]),
    Buffer.from("{}"),
    Buffer.from(""),
  ]) {
    assert.throws(() => unpackBigrams(damaged, "pairs.gz"), /^ModelError: pairs\.gz is no whole table/);
  }
});
