import assert from "node:assert/strict";
import { test } from "node:test";
import {
  evaluateAnswers,
  evaluateFills,
  evaluateLabels,
  evaluateSummaries,
  type GroupEstimate,
} from "../../server/metrics/evaluate.ts";
import { cutGaps, type Gap, isFunctionWord } from "../../server/metrics/gaps.ts";

const gap = (fill: string, kind: Gap["kind"] = "content"): Gap => ({ kind, before: "x ", fill, after: " y" });

/** The means of a group's system. */
function means(groups: readonly GroupEstimate[], group: string, system: string): Record<string, number | undefined> {
  const scores = groups.find(({ name }) => name === group)?.systems.find(({ name }) => name === system)?.scores ?? {};
  return Object.fromEntries(Object.entries(scores).map(([metric, interval]) => [metric, interval?.mean]));
}

function near(actual: number | undefined, expected: number, what: string): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-9, `${what} is ${actual}, not ${expected}`);
}

test("perplexity is the inverse geometric mean of the tokens' probabilities", () => {
  const gaps = [gap("two words", "phrase"), gap("one")];
  const logProbs = [[Math.log(0.5), Math.log(0.125)], [Math.log(0.25)]];
  const groups = evaluateFills(gaps, [{ name: "model", logProbs }], 5, 0);
  near(means(groups, "all gaps", "model")["perplexityToken"], 4, "a token"); // (1/2 * 1/8 * 1/4)^(-1/3)
  near(means(groups, "phrases", "model")["perplexityWord"], 4, "a word");
});

test("fills count by case, place, and kind of gap; marks around them do not", () => {
  const gaps = [
    gap("Server"),
    gap("the", "function"),
    gap("file"),
    gap("of", "function"),
    gap("a b c", "phrase"),
    gap("So it is.", "sentence"),
  ];
  const fills = [["server", "Server"], [" the,"], ["p", "q", "r", "s", "t", "file"], [], ["b c d"], ["So it\n is"]];
  const bigrams = [["Server"], ["a"], ["x"], ["of"], undefined, undefined];
  const groups = evaluateFills(
    gaps,
    [
      { name: "model", fills },
      { name: "bigrams", fills: bigrams },
    ],
    5,
    0,
  );
  assert.deepEqual(
    groups.map(({ name, items, systems }) => `${name} ${items} ${systems.map((system) => system.name).join("+")}`),
    [
      "words 4 model+bigrams",
      "content words 2 model+bigrams",
      "function words 2 model+bigrams",
      "phrases 1 model",
      "sentences 1 model",
      "all gaps 6 model",
    ],
  );
  assert.deepEqual(means(groups, "words", "model"), { exact: 0.25, anyCase: 0.5, among: 0.5, f1: 0.5 });
  assert.deepEqual(means(groups, "function words", "model"), { exact: 0.5, anyCase: 0.5, among: 0.5, f1: 0.5 });
  const phrases = means(groups, "phrases", "model");
  assert.equal(phrases["exact"], 0);
  near(phrases["f1"], 2 / 3, "F1 of a phrase");
  assert.equal(means(groups, "sentences", "model")["exact"], 1);
  assert.equal(groups[0]?.systems[1]?.difference?.["exact"]?.mean, -0.25);
});

test("summaries are scored beside baselines, on all items and on those that are not extractive", () => {
  const items = [
    { source: "copied words here", reference: "copied words", extractive: true },
    { source: "the words of a text", reference: "said in other words", extractive: false },
  ];
  const outputs = [
    { name: "model", texts: ["Copied word.", "nothing of the text"] },
    { name: "title", texts: ["", "said in other words"] },
  ];
  const groups = evaluateSummaries(items, outputs, (text) => text, 0);
  assert.deepEqual(
    groups.map(({ name, items: count }) => [name, count]),
    [
      ["all", 2],
      ["not extractive", 1],
    ],
  );
  assert.equal(means(groups, "all", "model")["rouge1"], 0.5);
  assert.equal(means(groups, "not extractive", "model")["rouge1"], 0);
  assert.equal(means(groups, "not extractive", "title")["exact"], 1);
  near(means(groups, "all", "model")["contentWords"], 3 / 4, "content words"); // "nothing" is not there
  assert.equal(means(groups, "all", "the reference")["copied"], 0);
  assert.equal(groups[0]?.systems.find(({ name }) => name === "title")?.difference?.["rougeL"]?.mean, 0);
});

test("answers are scored as SQuAD's", () => {
  const groups = evaluateAnswers(
    [["the 308 points", "308"], ["Panthers"]],
    [{ name: "model", texts: ["308", "a fox"] }],
    0,
  );
  assert.deepEqual(means(groups, "all", "model"), { exact: 0.5, f1: 0.5 });
});

test("labels have scikit-learn's F1, and what is no label costs recall only", () => {
  // sklearn.metrics.f1_score's own example: y_true [0, 1, 2, 0, 1, 2], y_pred [0, 2, 1, 0, 0, 1]: macro 0.26..., each
  // [0.8, 0, 0].
  const truth = ["0", "1", "2", "0", "1", "2"];
  const example = evaluateLabels(truth, [{ name: "model", texts: ["0", "2", "1", "0", "0", "1"] }], 0);
  const scores = means(example.groups, "all", "model");
  near(scores["macroF1"], 0.8 / 3, "macro F1");
  near(scores["f1 of 0"], 0.8, "F1 of 0");
  assert.deepEqual([scores["f1 of 1"], scores["f1 of 2"]], [0, 0]);
  near(scores["accuracy"], 2 / 6, "accuracy");

  const { confusion, groups } = evaluateLabels(
    ["Yes", "no", "no"],
    [{ name: "model", texts: [" yes ", "no", "maybe"] }],
    0,
  );
  assert.deepEqual(confusion, {
    labels: ["Yes", "no", "(no label)"],
    counts: [
      [1, 0, 0],
      [0, 1, 1],
    ],
  });
  near(means(groups, "all", "model")["macroF1"], (1 + 2 / 3) / 2, "macro F1");
});

const page = `# Settings

The server reads its configuration from a file in the home folder, and every change is seen at once without any restart.

- a list of things that is no prose at all but is long enough to be taken for a paragraph of text by mistake.

\`\`\`js
Call the function with a value that is not a number and look at what happens to the rest of the program.

This line stands in the code as well although it looks like prose and ends with a full stop as prose does.
\`\`\`

A second paragraph explains why people might want to keep several configurations. They lie beside each other on one machine.
`;

test("gaps are cut from prose only, and put back give the text", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    for (const { kind, before, fill, after } of cutGaps(page, seed)) {
      assert.ok(page.includes(before + fill + after));
      const at = page.indexOf(before + fill + after) + before.length;
      const line = page.slice(page.lastIndexOf("\n", at) + 1, page.indexOf("\n", at));
      assert.match(line, /^(The server|A second)/);
      if (kind === "sentence") assert.match(fill, /^(A second .* configurations\.|They lie .* machine\.)$/);
      else assert.match(fill, kind === "phrase" ? /^\p{L}+(?: \p{L}+){1,4}$/u : /^\p{L}+$/u);
      if (kind === "content" || kind === "function") assert.equal(isFunctionWord(fill), kind === "function");
      assert.ok(before === "" || /\s$/.test(before));
      seen.add(kind);
    }
  }
  assert.deepEqual([...seen].sort(), ["content", "function", "phrase", "sentence"]);
  assert.deepEqual(cutGaps(page, 4), cutGaps(page, 4));
  assert.deepEqual(cutGaps("no prose", 1), []);
});
