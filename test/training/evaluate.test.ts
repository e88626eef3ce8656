import assert from "node:assert/strict";
import { test } from "node:test";
import { fillAdvantage, fillReport, perplexity, summaryReport } from "../../server/training/evaluate.ts";
import { cutGaps, type Gap, isFunctionWord } from "../../server/training/gaps.ts";

const gap = (fill: string, kind: Gap["kind"] = "content"): Gap => ({ kind, before: "x ", fill, after: " y" });

test("perplexity is the inverse geometric mean of the tokens' probabilities", () => {
  const { perToken, perWord, tokens } = perplexity(
    [gap("two words", "phrase"), gap("one")],
    [[Math.log(0.5), Math.log(0.125)], [Math.log(0.25)]],
  );
  assert.ok(Math.abs(perToken.mean - 4) < 1e-9); // (1/2 * 1/8 * 1/4)^(-1/3)
  assert.ok(Math.abs(perWord.mean - 4) < 1e-9);
  assert.equal(tokens, 3);
  assert.ok(perToken.low <= perToken.mean && perToken.mean <= perToken.high);
});

test("fills count by case, place, and kind of word", () => {
  const gaps = [gap("Server"), gap("the", "function"), gap("file"), gap("of", "function")];
  const fills = [["server", "Server"], ["the"], ["path,", "file"], []];
  const { all, content, function: functions } = fillReport(gaps, fills);
  assert.deepEqual([all.exact.mean, all.ignoringCase.mean, all.amongFive.mean, all.gaps], [0.25, 0.5, 0.75, 4]);
  assert.deepEqual([content.exact.mean, content.amongFive.mean, content.gaps], [0, 1, 2]);
  assert.deepEqual([functions.exact.mean, functions.gaps], [0.5, 2]);
});

test("a word beyond the fifth does not count, and punctuation around a word does not matter", () => {
  const { all } = fillReport([gap("six"), gap("path")], [["a", "b", "c", "d", "e", "six"], [" path,"]]);
  assert.equal(all.amongFive.mean, 0.5);
  assert.equal(all.exact.mean, 0.5);
});

test("the advantage compares the same gaps", () => {
  const gaps = Array.from({ length: 50 }, (_, i) => gap(`word${i}`));
  const right = gaps.map(({ fill }) => [fill]);
  const half = gaps.map(({ fill }, i) => [i % 2 === 0 ? fill : "other"]);
  const { mean, low } = fillAdvantage(gaps, right, half);
  assert.equal(mean, 0.5);
  assert.ok(low > 0.3);
  assert.equal(fillAdvantage(gaps, half, right).mean, -0.5);
});

test("summaries are scored on all documents and on those that are not extractive", () => {
  const document = { source: "a/b:c", title: "t", text: "x" };
  const report = summaryReport(
    [
      { ...document, extractive: true, summary: "copied words" },
      { ...document, extractive: false, summary: "said in other words" },
    ],
    ["Copied word.", "nothing alike"],
  );
  assert.equal(report.all.rouge1.mean, 0.5);
  assert.equal(report.notExtractive.rouge1.mean, 0);
});

const page = `# Settings

The server reads its configuration from a file in the home folder, and every change is seen at once without any restart.

- a list of things that is no prose at all but is long enough to be taken for a paragraph of text by mistake.

\`\`\`js
Call the function with a value that is not a number and look at what happens to the rest of the program.

This line stands in the code as well although it looks like prose and ends with a full stop as prose does.
\`\`\`

A second paragraph explains why people might want to keep several configurations beside each other on one machine.
`;

test("gaps are cut from prose only, and put back give the text", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    for (const { kind, before, fill, after } of cutGaps(page, seed)) {
      assert.ok(page.includes(before + fill + after));
      const at = page.indexOf(before + fill + after) + before.length;
      const line = page.slice(page.lastIndexOf("\n", at) + 1, page.indexOf("\n", at));
      assert.match(line, /^(The server|A second)/);
      assert.match(fill, kind === "phrase" ? /^\p{L}+(?: \p{L}+){1,4}$/u : /^\p{L}+$/u);
      if (kind !== "phrase") assert.equal(isFunctionWord(fill), kind === "function");
      assert.ok(before === "" || /\s$/.test(before));
      seen.add(kind);
    }
  }
  assert.deepEqual([...seen].sort(), ["content", "function", "phrase"]);
  assert.deepEqual(cutGaps(page, 4), cutGaps(page, 4));
  assert.deepEqual(cutGaps("no prose", 1), []);
});
