import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseSettings } from "../../protocol/settings.ts";
import { sectionAt, sectionSummary, sectionsOf, upperSections } from "../../server/features/read/section-summary.ts";
import { createSummaryCache } from "../../server/features/read/summary-cache.ts";
import { fillGaps } from "../../server/features/write/fill-gaps.ts";
import { gapsOf } from "../../server/features/write/gaps.ts";
import { codeActions } from "../../server/lsp/code-actions.ts";
import { fakeModel } from "../support/models/fake-model.ts";

const never = new AbortController().signal;

// Gaps

test("the gaps of a part are those that lie wholly in it", async () => {
  const text = "a ___ b _____ c ___";
  const gaps = async (start: number, end: number) => {
    const found = await gapsOf({ text, languageId: "markdown" }, "___", { part: { start, end } });
    return found.gaps.map((gap) => [gap.start, gap.end]);
  };
  assert.deepEqual(await gaps(0, text.length), [
    [2, 5],
    [8, 13],
    [16, 19],
  ]);
  assert.deepEqual(await gaps(2, 5), [[2, 5]]);
  assert.deepEqual(await gaps(3, 11), [], "a part of a gap is no gap");
  assert.deepEqual(await gaps(6, 18), [[8, 13]]);
});

test("fills are for the document's own offsets", async () => {
  const { settings } = parseSettings({});
  const document = { text: "one ___ two ___ three ___", languageId: "markdown" };
  const model = fakeModel(() => "word");
  const made = await fillGaps({ model: async () => model, settings }, { document, start: 6, end: 20 }, {});
  assert.deepEqual(
    made.fills.map(({ start, end }) => [start, end]),
    [[12, 15]],
  );
  assert.match(made.fills[0]?.text ?? "", /word/);
  const none = fillGaps({ model: async () => model, settings }, { document, start: 0, end: 3 }, {});
  await assert.rejects(none, { code: "input" });
});

// Sections

const DOCUMENT = `Preface

# One

Text of one.

\`\`\`sh
# no heading
\`\`\`

## One A ##

Text of one a.

Two
===

Text of two.

Two A
-----
Text of two a.

- a list
---
# Empty
`;
const sections: [string, string, RegExp | undefined][] = [
  ["# One", "One", /^\n(?=.*Text of one\.)(?=.*no heading)(?=.*One A)[^=]*Text of one a\.\n\n$/s],
  ["## One A", "One A", /^\nText of one a\.\n\n$/],
  ["Two\n", "Two", /^\nText of two\.\n\nTwo A\n-----\nText of two a\.\n\n- a list\n---\n$/],
  ["Two A", "Two A", /^Text of two a\.\n\n- a list\n---\n$/],
  ["# Empty", "Empty", /^$/],
  ["Preface", "", undefined],
  ["# no heading", "", undefined],
  ["Text of one", "", undefined],
  ["- a list", "", undefined],
];
for (const newline of ["\n", "\r\n"]) {
  test(`a heading's section reaches to the next of its level (${JSON.stringify(newline)})`, async () => {
    const text = DOCUMENT.replaceAll("\n", newline);
    for (const [line, title, body] of sections) {
      const start = text.indexOf(line.replaceAll("\n", newline));
      for (const offset of [start, start + 3]) {
        const section = await sectionAt({ text, languageId: "markdown" }, offset);
        assert.equal(section?.title, body && title, line);
        if (section === undefined || body === undefined) continue;
        assert.match(text.slice(section.bodyStart, section.bodyEnd).replaceAll(newline, "\n"), body);
        assert.equal(section.headingStart, start);
        assert.ok(text.slice(section.headingStart, section.headingEnd).includes(title));
        assert.ok(!text.slice(section.headingStart, section.headingEnd).includes("\n"));
      }
    }
  });
}

const titles: [string, string, string[]][] = [
  ["markdown", readFileSync("test/fixtures/prose/front-matter-setext.md", "utf8"), ["1 Restoring"]],
  ["markdown", "1. item\n---\n\n<!--\n# none\n-->\n\n```\n# none\n```\n\nTwo *words*\n===\n", ["1 Two words"]],
  ["asciidoc", "= Guide\n\n== Part\n\n----\n== none\n----\n", ["1 Guide", "2 Part"]],
  ["restructuredtext", "=====\nGuide\n=====\n\nPart\n----\n\ntext\n", ["1 Guide", "2 Part"]],
  ["latex", "% \\section{none}\n\\section{Part}\n\ntext\n", ["2 Part"]],
  ["org", "* Part\n\ntext\n\n** More\n", ["1 Part", "2 More"]],
];
for (const [languageId, text, expected] of titles) {
  test(`sections in ${languageId}: ${expected.join(", ")}`, async () => {
    const sections = await sectionsOf({ text, languageId });
    assert.deepEqual(
      sections.map(({ title, level }) => `${level} ${title}`),
      expected,
    );
    for (const { headingStart, headingEnd, title } of sections)
      assert.ok(text.slice(headingStart, headingEnd).replaceAll("*", "").includes(title));
  });
}

test("a section is summarized once for each text, model and settings", async () => {
  const cache = createSummaryCache();
  const model = fakeModel((input) => `about ${"x".repeat(input.length)}`);
  const summary = async (text: string, given: object = {}, identity = "one") => {
    const section = await sectionAt({ text, languageId: "markdown" }, 0);
    assert.ok(section);
    const { settings } = parseSettings(given);
    return sectionSummary(
      { model: async () => model, identity, cache },
      { text, language: "markdown", section, settings },
      never,
    );
  };
  const first = await summary("# A\n\nThe text.");
  assert.match(first?.summary ?? "", /^about x+$/);
  assert.deepEqual(await summary("# A\n\nThe text.\n\n# Another\n\nelsewhere"), first);
  assert.equal(model.requests.length, 1);
  await summary("# A\n\nThe text changed.");
  await summary("# A\n\nThe text.", {}, "another");
  assert.equal(model.requests.length, 3);
  await summary("# A\n\nThe text.", { summary: { minimumConfidence: 0.1 } });
  assert.equal(model.requests.length, 3, "what the model wrote is the same for other settings of what is shown");
  assert.equal(await summary("# A\n\n  \n"), undefined, "nothing below the heading");
});

test("of a very long section the beginning is read, and the coverage says how much that is", async () => {
  const model = fakeModel(() => "about it");
  const { settings } = parseSettings({});
  const text = `# A\n\n${"Some words of a line.\n\n".repeat(10_000)}`;
  const section = await sectionAt({ text, languageId: "markdown" }, 0);
  assert.ok(section);
  const context = { model: async () => model, identity: "one", cache: createSummaryCache() };
  const made = await sectionSummary(context, { text, language: "markdown", section, settings }, never);
  assert.ok(made && made.coverage > 0 && made.coverage < 40_000 / text.length, `${made?.coverage}`);
  assert.ok(model.seen.join("").length < 45_000);
});

test("of very many sections those of the upper levels are kept", async () => {
  const text = Array.from({ length: 10 }, (_, i) => `# ${i}\n\na\n\n${"## x\n\nb\n\n### y\n\nc\n\n".repeat(5)}`).join(
    "",
  );
  const sections = await sectionsOf({ text, languageId: "markdown" });
  const kept = (most: number) => upperSections(sections, most).length;
  assert.deepEqual([200, 110, 109, 60, 59, 10, 9].map(kept), [110, 110, 60, 60, 10, 10, 0]);
});

// Code actions

test("code actions read the selection, or the cursor's line, and ask no model", async () => {
  const { settings } = parseSettings({ gapMarker: "TODO" });
  const text = "TODO\nan TODO and TODO\n\n";
  const document = { text, languageId: "plaintext" };
  const offers = async (start: number, end: number) =>
    (await codeActions({ settings }, { document, start, end })).map((offer) => [offer.title, offer.start, offer.end]);
  assert.deepEqual(await offers(7, 7), [["Fill gaps (2)", 5, 21]]);
  assert.deepEqual(await offers(5, 12), [
    ["Fill gap", 5, 12],
    ["Summarize selection", 5, 12],
  ]);
  assert.deepEqual(await offers(22, 22), []);
  assert.deepEqual(await offers(21, 23), [], "white space");
});
