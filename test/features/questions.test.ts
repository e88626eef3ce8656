/** Questions and labels, by models that answer as the tests say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, askNotes, placesOf } from "../../server/features/ask/ask.ts";
import { classify, classifyNotes } from "../../server/features/ask/classify.ts";
import { fakeModel } from "../support/models/fake-model.ts";

const TEXT = "The harbour was built in 1862. A lighthouse marks the gap.";
const taught = { prefixes: { qa: "" } };

test("a question is asked as it was learned, and the answer found where it stands", async () => {
  const model = fakeModel(() => " in 1862", taught);
  const made = await ask({ model }, { text: TEXT, question: " When? ", chosen: false });
  assert.deepEqual(model.seen, [` question: When? context: ${TEXT}`]);
  const start = TEXT.indexOf("in 1862");
  assert.deepEqual(made.answers, [
    { text: "in 1862", likelihood: Math.exp(-1 * 2), places: [{ start, end: start + 7 }] },
  ]);
  assert.deepEqual([made.chunks, made.coverage, made.cancelled], [1, 1, false]);
  assert.deepEqual(askNotes(made), ["likelihood 0.14, not calibrated"]);
});

test("a model's own prefix stands before the question; SQuAD's blanks where it learned them", async () => {
  const own = fakeModel(() => " 1862", { prefixes: { qa: "answer: " } });
  await ask({ model: own }, { text: "Built in 1862.", question: "When?", chosen: false });
  assert.deepEqual(own.seen, [" answer: question: When? context: Built in 1862."]);
  const squad = fakeModel(() => " May 1 , 1862", { prefixes: { squad: "" } });
  const made = await ask({ model: squad }, { text: "Built on May 1, 1862.", question: "When?", chosen: false });
  assert.deepEqual(squad.seen, [" question: When ?  context: Built on May 1 , 1862 . "]);
  assert.deepEqual(made.answers[0]?.text, "May 1, 1862");
});

test("an answer that the text does not have is told as such", async () => {
  const made = await ask(
    { model: fakeModel(() => " long ago", taught) },
    { text: TEXT, question: "When?", chosen: false },
  );
  assert.deepEqual(made.answers[0]?.places, []);
  assert.match(askNotes(made).join(), /^not in the text in these words/);
});

test("a long text is read in parts, all of it, and what stands in the text comes first", async () => {
  const text = `${"Nothing is said here of it. ".repeat(60)}\n\n${TEXT}\n\n${"Nor is there anything here. ".repeat(60)}`;
  const model = fakeModel((input) => (input.includes("1862") ? " 1862" : " Rome"), taught);
  const made = await ask({ model }, { text, question: "When?", chosen: false, maxContextTokens: 128 });
  assert.ok(made.chunks > 3);
  assert.equal(made.coverage, 1);
  assert.deepEqual(
    made.answers.map((one) => [one.text, one.places.map(({ start, end }) => text.slice(start, end))]),
    [
      ["1862", ["1862"]],
      ["Rome", []],
    ],
  );
  assert.match(askNotes(made).join(), /read in \d+ parts, 100% of the text/);
});

test("who was not taught is refused, unless a person chose it", async () => {
  const model = fakeModel(() => " 1862");
  const params = { text: TEXT, question: "When?", chosen: false };
  await assert.rejects(ask({ model }, params), /fake was not taught to answer questions.*spanfill\.models\.ask/);
  assert.equal((await ask({ model }, { ...params, chosen: true })).answers.length, 1);
  await assert.rejects(
    classify({ model }, { text: TEXT, chosen: false }),
    /not taught to classify.*spanfill\.models\.classify/,
  );
  await assert.rejects(ask({ model }, { ...params, text: " " }), /text is empty/);
  await assert.rejects(ask({ model }, { ...params, question: " " }), /question is empty/);
  await assert.rejects(classify({ model }, { text: "", chosen: true }), /text is empty/);
  await assert.rejects(ask({ model }, { ...params, text: "a\0b" }), /binary.*offset 1/);
  await assert.rejects(classify({ model }, { text: "a\0b", chosen: true }), /binary.*offset 1/);
  await assert.rejects(
    ask({ model }, { ...params, chosen: true, question: "Why ".repeat(600) }),
    /no room for the text/,
  );
});

test("a cancelled question stops before the next part", async () => {
  const controller = new AbortController();
  const model = fakeModel(() => {
    controller.abort();
    return " 1862";
  }, taught);
  const made = await ask(
    { model },
    { text: `${TEXT}\n\n`.repeat(40), question: "When?", chosen: false, maxContextTokens: 64 },
    { signal: controller.signal },
  );
  assert.deepEqual([made.cancelled, model.seen.length], [true, 1]);
  assert.ok(made.coverage < 1);
});

const places: [string, string, string[]][] = [
  ["built in 1862, in 1862 again", "in 1862", ["in 1862", "in 1862"]],
  ["The Old\n  Town", "old town", ["Old\n  Town"]],
  ["in 18621", "1862", []],
  ["ice cream", "icecream", []],
  ["May 1, 1862", "may 1 , 1862", ["May 1, 1862"]],
  ["a (b+c)", "( b + c )", ["(b+c)"]],
  ["Caf\u0065\u0301 Ole", "Café Ole", ["Caf\u0065\u0301 Ole"]],
  ["the ship 🚢 sails", "🚢 sails", ["🚢 sails"]],
  ["Old and old", "old", ["old"]],
];
for (const [text, answer, expected] of places) {
  test(`${JSON.stringify(answer)} in ${JSON.stringify(text)}`, () => {
    const found = placesOf(text, answer).map(({ start, end }) => text.slice(start, end));
    assert.deepEqual(found, expected);
  });
}

test("labels are compared by their likelihood, the model's own where none are given", async () => {
  const info = { prefixes: { classify: "topic: " }, labels: ["harbour", "mountain pass"] };
  const model = { ...fakeModel(() => "", info) };
  const scored: [string, string][] = [];
  model.score = async (input, target) => {
    scored.push([await model.decode(input.slice(0, -1)), await model.decode(target.slice(0, -1))]);
    const total = target.length > 2 ? -3 : -1;
    return { total, logProbs: target.map(() => total / target.length), ids: target };
  };
  const made = await classify({ model }, { text: TEXT, chosen: false });
  assert.deepEqual(scored, [
    [` topic: ${TEXT}`, " harbour"],
    [` topic: ${TEXT}`, " mountain pass"],
  ]);
  const sure = 1 / (1 + Math.exp(-2));
  assert.deepEqual(
    made.labels.map(({ label }) => label),
    ["harbour", "mountain pass"],
  );
  assert.ok(Math.abs((made.labels[0]?.probability ?? 0) - sure) < 1e-9);
  assert.deepEqual([made.origin, classifyNotes(made)], ["known", ["among the model's labels"]]);
  const given = await classify({ model }, { text: TEXT, chosen: false, labels: ["a b c d e", "b"] });
  assert.deepEqual([given.origin, given.labels[0]?.label], ["given", "b"]);
});

test("without known labels the model writes one, and parts of a long text are averaged", async () => {
  const model = fakeModel((input) => (input.includes("1862") ? " harbour" : " other"), { prefixes: { classify: "" } });
  const text = `${TEXT}\n\n${"Nothing. ".repeat(60)}`;
  const made = await classify({ model }, { text, chosen: false, maxContextTokens: 64 });
  assert.equal(made.origin, "written");
  assert.deepEqual(
    made.labels.map(({ label }) => label),
    ["other", "harbour"],
  );
  assert.ok(Math.abs(made.labels.reduce((sum, one) => sum + one.probability, 0) - Math.exp(-1)) < 1e-9);
  assert.equal(made.coverage, 1);
});
