/** Which markers are gaps in each format; those in brackets are, the others are left. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fillText } from "../../../server/features/write/fill-text.ts";
import { fitPlace } from "../../../server/features/write/fit-place.ts";
import { type GapPlace, gapsOf } from "../../../server/features/write/gaps.ts";
import { fakeModel } from "../../support/models/fake-model.ts";

const rows: [languageId: string, shown: string, marker?: string][] = [
  ["markdown", "Please note: ___do not delete___ the folder, and __never__ rename _it_ or ___this one___."],
  ["markdown", "The first part ends here.\n\n___\n\nThe second has a [___] word.\n\n_____\n\nEnd."],
  [
    "markdown",
    "The variable `my___var` and `____init____` are private; set OPT___A to 1 and [___]use the [___] value.",
  ],
  ["markdown", "Call my___var or __init__ and the [___] value."],
  ["markdown", 'He said "[___]" ([___]) to the [___]\'s owner; [___]s are cheap, un[___]able, $[___], [___]% of them.'],
  ["markdown", "A ([___]) and [___] are [___]."],
  ["markdown", "We need the following:\r\n\r\n[___]\r\n\r\nThat is all."],
  ["markdown", "```\nlet x = ___;\n```\n\n    code ___\n\nA [___] word. <!-- a ___ --> $a ___ b$"],
  ["markdown", "---\ndate: ___\ndescription: The [___] guide\n---\n\nText [___]."],
  ["markdown", "| a | b |\n|---|---|\n| [___] | c |\n"],
  ["markdown", "- [ ] Update the [___]\n- [ ] Tag the [___]\n\n> **Note:** the [___] must be green.\n"],
  ["markdown", "This is **[___]** important and *[___]* urgent; ~~[___]~~ gone."],
  ["markdown", "Name: ________\nDate: __________\n\nThe [___] is signed."],
  ["markdown", "Signed on ____/____/____ at ___:___ by [___]."],
  ["markdown", '<table><tr><td>[___]</td><td class="[___]">price</td></tr></table>\n'],
  ["markdown", "この[___]を表示します。東京は日本の[___]です。"],
  ["markdown", "The TODOs are listed in TODO.md; the server [TODO] the request. See TODO_LIST.", "TODO"],
  ["asciidoc", "= Guide\n:toc:\n:author: ___\n\nSee xref:[___].adoc[the [___] page].\n\n----\nlet x = ___;\n----\n"],
  ["restructuredtext", "Title\n=====\n\nCall ``a___b`` the [___] way.\n\n::\n\n    x = ___\n"],
  ["latex", "\\section{The [___]}\n\nThe [___] is $a ___$ % ___\n"],
  ["plaintext", "Dear [___],\n\nthank you for your letter of [___].\n\nBest regards,\n[___]"],
];
for (const [languageId, shown, marker = "___"] of rows) {
  test(`gaps of ${languageId}: ${JSON.stringify(shown)}`, async () => {
    const text = shown.replaceAll(`[${marker}]`, marker);
    const { gaps, left } = await gapsOf({ text, languageId }, marker);
    let seen = "";
    let at = 0;
    for (const { start, end } of gaps) {
      seen += `${text.slice(at, start)}[${text.slice(start, end)}]`;
      at = end;
    }
    assert.equal(seen + text.slice(at), shown);
    assert.equal(left.length + gaps.length, text.split(new RegExp(marker === "___" ? "_{3,}" : marker)).length - 1);
  });
}

test("a selection that is one marker is a gap, and so is what another marker asks for", async () => {
  const text = "Above.\n\n___\n\nName: ________\n";
  const document = { text, languageId: "markdown" };
  assert.equal((await gapsOf(document, "___")).gaps.length, 0);
  assert.equal((await gapsOf(document, "___", { part: { start: 8, end: 11 } })).gaps.length, 1);
  assert.equal((await gapsOf(document, "________")).gaps.length, 1);
});

/** Processor time, which other work on the machine does not change. */
async function searchUs(text: string, languageId: string): Promise<number> {
  const before = process.cpuUsage().user;
  await gapsOf({ text, languageId }, "___");
  return process.cpuUsage().user - before;
}

const manyGaps: Readonly<Record<string, (gaps: number) => string>> = {
  "one line": (gaps) => "The sky is ___ today. ".repeat(gaps),
  "lines of one paragraph": (gaps) => "The sky is ___ today\n".repeat(gaps),
  paragraphs: (gaps) => "The sky is ___ today.\n\n".repeat(gaps),
  "a table": (gaps) => `| a | b |\n|---|---|\n${"| a ___ | b |\n".repeat(gaps)}`,
};
for (const [shape, written] of Object.entries(manyGaps)) {
  for (const languageId of shape === "paragraphs" ? ["markdown", "latex"] : ["markdown"]) {
    test(`the search for gaps takes time linear in their number: ${shape} of ${languageId}`, async () => {
      await searchUs(written(100), languageId); // loads what the format needs
      const [few, many] = [await searchUs(written(250), languageId), await searchUs(written(2000), languageId)];
      assert.ok(many < 30 * few + 300_000, `${few} us for 250 gaps, ${many} us for 2000`);
    });
  }
}

test("more than 1000 gaps are refused before the model is loaded, with what to do", async () => {
  const model = () => assert.fail("the model was loaded");
  const text = "The sky is ___ today.\n".repeat(100_000);
  const expected = {
    code: "input",
    message: /more than 1000 gaps, and at most 1000 are filled at once\. .* select a part, or split the text\.$/,
  };
  await assert.rejects(fillText({ model }, { text, languageId: "" }, {}), expected);
  const spoken = fakeModel(() => " blue");
  const { fills } = await fillText({ model: async () => spoken }, { text: text.slice(0, 22_000), languageId: "" }, {});
  assert.equal(fills.length, 1000);
});

test("a search for gaps ends when it is cancelled", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  const text = "The sky is ___ today.\n\n".repeat(20_000);
  await assert.rejects(gapsOf({ text, languageId: "markdown" }, "___", { signal }), /enough/);
});

const fits: [fill: string, where: GapPlace, before: string, after: string, expected: string][] = [
  ["~~~~~", "text", "it is ~~", "~~ gone", ""],
  ["] ] - [ ] ] ]", "text", "- [ ] Update the ", "\n", ""],
  ["## Summary", "text", "following:\n\n", "\n\nThat", "Summary"],
  ["- [ ] the list", "text", "- [ ] Update the ", "\n", "the list"],
  ["<td><", "cell", "<td>", "</td>", ""],
  ["a | b", "cell", "| ", " |", "a b"],
  ['say "it"', "attribute", 'alt="', ' diagram"', "say it"],
  [" guide", "address", "xref:", ".adoc[", "guide"],
  [" big", "text", "<b>", "</b>", "big"],
  [" avail ", "word", "un", "able", "avail"],
  ["book ", "word", "; ", "s are", "book"],
  [" 首都", "text", "東京は日本の", "です", "首都"],
  ["**bold", "text", "a ", " b", "bold"],
  ["**bold** word", "text", "a ", " b", "**bold** word"],
  ["the (old", "text", "a ", " b", "the old"],
  ["the `x`", "text", "a ", " b", "the `x`"],
  ["good. It is", "text", "The sea is ", " near", "good"],
  [" dog", "text", "end", ".", " dog"],
  [" and", "text", "costs $", " a month", ""],
  ["30", "text", "costs $", " a month", "30"],
  [" half", "text", "about ", "% of them", ""],
  [" 20", "text", "about ", " % of them", " 20"],
  [" a", "text", "it is ", " server", " a"],
];
for (const [fill, where, before, after, expected] of fits) {
  test(`${JSON.stringify(fill)} between ${JSON.stringify(before)} and ${JSON.stringify(after)}`, () => {
    assert.equal(fitPlace(fill, { start: 10, end: 13, where }, { before, after }), expected);
  });
}

test("whatever the model says, what stands around the gaps stays, and marks that pair with nothing do not come in", async () => {
  const folder = "test/fixtures/prose";
  const answers = [
    " ~~~~~",
    " ] ] - [ ]",
    " ## Summary",
    " <td><",
    ' a "quoted',
    " word | cell",
    " `code",
    " plain words",
  ];
  for (const name of ["i11-emphasis.md", "i17-punct.md", "i46-html.md", "i73-checklist.md", "i54-crlf-multiline.md"]) {
    const text = readFileSync(`${folder}/${name}`, "utf8");
    for (const said of answers) {
      const model = async () => fakeModel(() => said, { spellsLayout: true });
      const { text: filled, gaps, fills } = await fillText({ model }, { text, languageId: name }, {});
      assert.equal(fills.length, gaps.length);
      for (const fill of fills)
        assert.doesNotMatch(fill.text, /[~<>"]|^\s*#|[[\]]|(^|[^`])`[^`]*$/, `${name}: ${said}`);
      let at = 0;
      for (const [i, gap] of gaps.entries()) {
        assert.ok(filled.slice(at).startsWith(text.slice(gaps[i - 1]?.end ?? 0, gap.start)));
        at += gap.start - (gaps[i - 1]?.end ?? 0) + (fills[i]?.text.length ?? 0);
      }
    }
  }
});

test("a language that the model does not know is said, and no fill is sure", async () => {
  const text = readFileSync("test/fixtures/prose/i24-arabic.md", "utf8");
  const model = async () => fakeModel(() => " a");
  const { language, fills } = await fillText({ model }, { text, languageId: "markdown" }, {});
  assert.equal(language, "ar");
  assert.ok(fills.length > 0 && fills.every(({ confidence }) => confidence <= 0.05));
  const sure = await fillText({ model }, { text, languageId: "markdown" }, { leaveBelow: 0.2 });
  assert.deepEqual([sure.text, sure.fills.length, sure.left.length], [text, 0, fills.length]);
});

test("a single consonant, as of an abbreviation, has no chance under a calibrated model", async () => {
  const curve = { bias: 2, weights: {} };
  const calibration = { word: curve, fill: curve, passage: curve };
  for (const [said, hasChance] of [
    [" g.", false],
    [" f", false],
    [" I", true],
    [" a", true],
  ] as const) {
    const fake = fakeModel(() => said);
    const model = async () => ({ ...fake, info: { ...fake.info, calibration } });
    const made = await fillText({ model }, { text: "It stops. ___ Then it starts.", languageId: "markdown" }, {});
    assert.deepEqual(
      made.fills.map(({ confidence }) => confidence > 0),
      [hasChance],
      said,
    );
  }
});

test("gaps beside the part that is filled stay as they are, and the model does not read their marks", async () => {
  const text = "The ferry is ___ to sail. The nets are ___ of wood. The boats ___ in.";
  const model = fakeModel(() => " made");
  const start = text.indexOf("The nets");
  const part = { start, end: text.indexOf("The boats") };
  const made = await fillText({ model: async () => model }, { text, languageId: "markdown" }, { part });
  assert.equal(made.text, "The ferry is ___ to sail. The nets are made of wood. The boats ___ in.");
  const read = await model.decode(model.requests[0]?.inputs[0] ?? []);
  assert.match(read, /The ferry is .*to sail\. The nets are.*of wood\. The boats.*in\./);
  assert.doesNotMatch(read, /___/);
});
