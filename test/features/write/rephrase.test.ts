/** Other words for a part of a text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSettings } from "../../../protocol/settings.ts";
import { rephrase } from "../../../server/features/write/rephrase.ts";
import { fakeModel } from "../../support/models/fake-model.ts";

const signal = new AbortController().signal;
const { settings } = parseSettings({});

/** The part between the bars, rephrased by a model that answers so. */
async function rephrased(text: string, answer: string) {
  const model = fakeModel(() => answer, { spellsLayout: true });
  const [before = "", part = "", after = ""] = text.split("|");
  const params = { text: before + part + after, start: before.length, end: before.length + part.length, count: 5 };
  const made = await rephrase({ model: async () => model, settings }, params, { signal });
  return { ...made, seen: model.seen };
}

test("the part is blanked, the text on both sides is read, the white space around the part stays", async () => {
  const made = await rephrased("A ferry| crosses over |to the island.", " goes across");
  assert.deepEqual([made.start, made.end], [8, 20]);
  assert.deepEqual(
    made.alternatives.map(({ text }) => text),
    ["goes across"],
  );
  assert.match(made.seen[0] ?? "", /A ferry.*to the island/);
  assert.doesNotMatch(made.seen[0] ?? "", /crosses over/);
});

test("what stands there is no alternative", async () => {
  assert.deepEqual((await rephrased("A ferry |crosses| over.", " crosses")).alternatives, []);
});

test("nothing, and too much, is refused with what to do", async () => {
  await assert.rejects(rephrased("A | | b", " x"), /Select some words/);
  await assert.rejects(rephrased(`A |${"word ".repeat(200)}| b`, " x"), /200 words are too many.*at most 100/);
});
