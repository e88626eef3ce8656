import assert from "node:assert/strict";
import { test } from "node:test";
import type { WordChancesRequest } from "../../../../server/engine/engine.ts";
import { createEncodedTexts } from "../../../../server/features/write/typing/encoded-text.ts";
import { createPredictor } from "../../../../server/features/write/typing/predictor.ts";
import { fakeModel } from "../../../support/models/fake-model.ts";

const WORDS = "The quick brown fox jumps over the low fence and runs into the dark wood behind it".split(" ");
const never = new AbortController().signal;

/** A predictor whose model notes what it is asked. */
function noting() {
  const asked: WordChancesRequest[] = [];
  const model = fakeModel(() => "something");
  const wordChances: typeof model.wordChances = (request, options) => {
    asked.push(request);
    return model.wordChances(request, options);
  };
  const context = {
    ...{ model: { ...model, wordChances }, document: "file:///a.md" },
    ...{ english: true, maxTokens: 512, countsDocument: true },
  };
  return { asked, context, predictor: createPredictor() };
}

test("a line is typed with few runs of the encoder, and the model reads every word of it", async () => {
  const { asked, context, predictor } = noting();
  for (const [i, word] of WORDS.entries()) {
    const before = `Some text.\n\n${WORDS.slice(0, i).join(" ")}${i === 0 ? "" : " "}`;
    for (const typed of ["", word.slice(0, 1), word.slice(0, 2)]) {
      await predictor.words(context, { before, typed, after: "\n\nMore text." }, never);
      await new Promise(setImmediate); // what is encoded ahead
    }
    const request = asked.findLast(({ words }) => words.length > 0);
    assert.equal(`${request?.before}${request?.given}`.trimEnd(), before.trimEnd());
  }
  assert.ok(new Set(asked.map(({ before }) => before)).size <= 3);
});

test("letters ask the model nothing", async () => {
  const { asked, context, predictor } = noting();
  const before = "The quick brown fox jumps over ";
  await predictor.words(context, { before, typed: "", after: "" }, never);
  for (const typed of ["t", "th", "the", "x", "xy"])
    await predictor.words(context, { before, typed, after: "" }, never);
  assert.equal(asked.length, 1);
});

test("what precedes a paragraph, a list item or a line of a comment is never given to the decoder", () => {
  for (const border of ["\n\n", "\n- ", "\n * ", "\n# "]) {
    const texts = createEncodedTexts();
    texts.at("a", { before: "The quick brown fox ", after: "" });
    const before = `The quick brown fox jumps.${border}Then `;
    const { before: encoded } = texts.at("a", { before, after: "" });
    assert.ok(encoded.startsWith(`The quick brown fox jumps.${border}`), JSON.stringify(encoded));
  }
});

test("a text is encoded anew where the paragraph around the place has changed, and only there", () => {
  const texts = createEncodedTexts();
  const far = "Another paragraph.\n\n".repeat(20);
  const first = texts.at("a", { before: `${far}The quick brown fox jumps over `, after: `\n\n${far}` });
  const on = texts.at("a", { before: `${far}The quick brown fox jumps over the `, after: `\n\n${far}Changed.` });
  assert.equal(on.before, first.before);
  const changed = texts.at("a", { before: `${far}The quick black fox jumps over the `, after: `\n\n${far}` });
  assert.notEqual(changed.before, first.before);
  assert.equal(texts.at("b", { before: `${far}The fox `, after: "" }).given, "fox");
});
