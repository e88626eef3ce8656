import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bigramWords,
  countBigrams,
  createBigramModel,
  packBigrams,
  pruneBigrams,
  unpackBigrams,
} from "../../server/training/bigram.ts";

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

test("counts every neighbour once and joins no texts", async () => {
  const { words, counts, successors } = await countBigrams(["a b", "b a"]);
  const at = (word: string): number => words.indexOf(word);
  assert.equal(counts[at("a")], 2);
  assert.equal(counts[at("\n\n")], 2);
  assert.deepEqual([...(successors[at("b")] ?? [])], [[at("a"), 1]]);
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

test("a pruned and packed table predicts as before where it kept the pairs", async () => {
  const counts = await countBigrams(texts);
  const pruned = pruneBigrams(counts, 12);
  const kept = pruned.successors.reduce((sum, next) => sum + next.size, 0);
  assert.ok(kept > 8 && kept <= 12, `${kept} pairs`);
  assert.ok(!pruned.words.includes("window"));
  const table = unpackBigrams(JSON.parse(JSON.stringify(packBigrams(pruned))));
  assert.deepEqual(table.words, pruned.words);
  for (const [u, next] of pruned.successors.entries()) {
    for (const [w, count] of next) {
      const read = table.successors[u]?.get(w) ?? 0;
      assert.ok(Math.abs(read / count - 1) < 0.04, `${count} came back as ${read}`);
    }
  }
  const model = createBigramModel(table);
  assert.equal(model.predict("Press the ", " box", 1)[0], "red");
});
