/**
 * Questions that `bench learning` makes of documents: each answer stands in its passage, and the same seed makes the
 * same.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { questionsOf } from "../../bench/quality/questions.ts";
import { readDocuments } from "../../bench/support/kept-out.ts";
import { seededRandom } from "../../models/random.ts";

test("a heading that asks, a definition, a number and a place are asked for", () => {
  const text = `## When was it founded?

In March 2014, a group of Presidential Innovation Fellows started 18F. The service is an office of the General Services
Administration, and about 200 people work for it in Washington and in many other cities of the country today.`;
  const asked = Array.from({ length: 20 }, (_, seed) => questionsOf(text, seededRandom(seed))).flat();
  const answers = new Set(asked.map(({ answers: answer }) => answer));
  for (const answer of ["In March 2014", "an office of the General Services Administration", "200", "Washington"])
    assert.ok(answers.has(answer), `${answer} is not among ${[...answers].join(" | ")}`);
  assert.ok(asked.some(({ question }) => question === "What is service?"));
});

test("of real documents, every answer stands in its passage", () => {
  const make = () => {
    const random = seededRandom(0);
    return readDocuments()
      .slice(0, 200)
      .flatMap(({ text }) => questionsOf(text, random));
  };
  const made = make();
  assert.ok(made.length > 1000, `${made.length}`);
  for (const { context, answers } of made) assert.ok(context.includes(answers), answers);
  assert.deepEqual(make(), made);
});
