/** Damaged documents of every format: cut, spliced, nested thousands deep, with all line ends and stray units. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { readReferenceDocuments } from "../../../bench/quality/prose-view.ts";
import { type Block, proseBlocks, readDocument } from "../../../server/text/document.ts";
import { growthOf } from "../../support/growth.ts";

const folder = "test/fixtures/prose";
const MOST = 3000;

/** Pieces of real documents and of the cases, with the names that tell their formats. */
const samples = [
  ...readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), "utf8").slice(0, MOST) })),
  ...readReferenceDocuments().map(({ path, text }) => ({ name: path, text: text.slice(0, MOST) })),
  { name: "mail.eml", text: "From: a@b.example\nSubject: A\n\nHi,\n\n> quoted\ntext\n\n-- \nJane\n" },
  {
    name: "log.txt",
    text: "commit 0123456789\nAuthor: A <a@b>\n\n    Subject\n\n    Text\n\ndiff --git a/a b/a\n+ x\n",
  },
  { name: "a.rs", text: "//! Doc\n/// # Errors\nfn a<'a>(x: &'a str) { let q = '\"'; /* b /* c */ d */ }\n" },
  { name: "a.py", text: 'def a():\n    """Doc.\n\n    :param x: y\n    """\n    # c\n' },
  { name: "a.js", text: "const a = /`/; // b\n/** {@link C d} */ `x`;\n" },
  { name: "a.yaml", text: "# a\nb: 'it''s'\nc: |\n  # d\n" },
  { name: "a.ini", text: "; a\n# b\n[c]\nd = e\n" },
  { name: "a.sh", text: "# a\ncat <<'E'\n# b\nE\n" },
  { name: "a.csv", text: 'a,b\n"c,d",e\n' },
  { name: "a.typ", text: "#set a(b: [c])\n= D\n\n#if x [ y ] else [ z ] $ m $ @e\n" },
  { name: "a.qmd", text: "---\ntitle: a\n---\n\n::: {.b}\nSee @fig-c `r d`.\n:::\n" },
];
const NAMES = [...new Set(samples.map(({ name }) => name.slice(name.lastIndexOf(".") + 1)))];
const oddities = fc.constantFrom(
  "\r",
  "\r\n",
  "\n\n",
  "\uFEFF",
  "\uD800",
  "\uDC00",
  "\0",
  "\u2028",
  "\u200B",
  "\t",
  "```",
  "'''",
);

function all(blocks: readonly Block[]): Block[] {
  return blocks.flatMap((block) => [block, ...all(block.children), ...all(block.inner?.() ?? [])]);
}

async function check(text: string, name: string): Promise<void> {
  const { blocks } = await readDocument(text, name);
  for (const block of all(blocks)) {
    assert.ok(0 <= block.start && block.start <= block.end && block.end <= text.length, `${name}: ${block.kind}`);
    const prose = block.prose?.();
    for (const [i, start] of prose?.starts.entries() ?? [])
      assert.ok(
        start < (prose?.ends[i] ?? 0) && (prose?.ends[i] ?? 0) <= text.length,
        `${name}: ${block.kind} at ${i}`,
      );
  }
  proseBlocks(blocks);
}

test("cut and spliced documents, read as every format, never throw, and ranges stay inside", async () => {
  const piece = fc
    .tuple(fc.constantFrom(...samples), fc.nat(), fc.nat(), oddities)
    .map(([{ text }, from, length, odd]) => {
      const start = from % Math.max(1, text.length);
      return text.slice(start, start + (length % 400)) + odd;
    });
  const spliced = fc.tuple(fc.constantFrom(...NAMES), fc.array(piece, { minLength: 1, maxLength: 4 }));
  await fc.assert(
    fc.asyncProperty(spliced, ([name, pieces]) => check(pieces.join(""), name)),
    { numRuns: 1200 },
  );
});

test("whole documents with other line ends have the same prose", async () => {
  for (const { name, text } of samples) {
    const lf = text.replace(/\r\n?/g, "\n");
    const proseOf = async (whole: string) =>
      proseBlocks((await readDocument(whole, name)).blocks).map(({ prose }) => prose.text);
    const expected = await proseOf(lf);
    assert.deepEqual(await proseOf(lf.replaceAll("\n", "\r\n")), expected, `${name} with CRLF`);
    assert.deepEqual(await proseOf(lf.replaceAll("\n", "\r")), expected, `${name} with CR`);
    assert.deepEqual(await proseOf(`\uFEFF${lf}`), expected, `${name} with a byte order mark`);
  }
});

const deep = [
  "(",
  "[",
  "{",
  "<div>",
  "\\a{",
  "#a[",
  "> ",
  "- ",
  "/*",
  '"""',
  "`${",
  "{{",
  "#if a [",
  "<<",
  "**",
  "\\begin{a}\n",
];
test("nesting thousands deep takes time linear in its depth", async () => {
  for (const name of NAMES) {
    for (const unit of deep) {
      const run = (count: number) => check(unit.repeat(count), name);
      await run(100);
      const before = process.cpuUsage().user;
      await run(4000);
      // What takes a moment is not measured well.
      if (process.cpuUsage().user - before < 300_000) continue;
      // Four times the text; a square would be 16 times.
      const growth = () => growthOf(run, 1000);
      let times = await growth();
      // Memory is collected now and then; what grows as a square does so each time.
      if (times >= 10) times = await growth();
      assert.ok(times < 10, `${name} ${JSON.stringify(unit)}: ${times} times as long for four times the text`);
    }
  }
});

const manyLines = [
  "> a\nb\n",
  " -- Jane Doe <jane@example.org>  Mon, 01 Jan 2024\n",
  "A\n===\n",
  "Ada Holm 1:20 PM\n",
  "Ada (00:12): So.\n",
];
for (const unit of manyLines) {
  test(`a paragraph of plain text with 20,000 times ${JSON.stringify(unit)} is read line by line`, async () => {
    await check(unit.repeat(20_000), "a.txt");
  });
}

test("an element that fills a line of 4 MB is read", async () => {
  await readDocument(`<Demo ${"a ".repeat(2e6)}\n`, "a.md");
});

/** Texts on which a search of earlier versions tried every way to part a line. */
const ambiguous = [
  ["COMMIT_EDITMSG", `fix: a reader\n\n${"ab-".repeat(40)}ab names it.\n`],
  ["a.rst", `A paragraph.\n\n/0 ${",".repeat(40)}\tx\n`],
  ["a.textile", `p${"<<".repeat(40)}x\n`],
  ["unknown", `${"\n".repeat(40)}x\n`],
  ["a.org", `* a :${"noexport:".repeat(20_000)}!\n`],
  ["a.wiki", `=a${" ".repeat(40_000)}x\n\n${"<!-- ".repeat(40_000)}`],
] as const;
for (const [name, text] of ambiguous) {
  test(`no search goes astray in ${name} of ${text.length} characters`, async () => {
    await readDocument(text.slice(0, 200), name);
    const before = process.cpuUsage().user;
    await readDocument(text, name);
    const milliseconds = (process.cpuUsage().user - before) / 1000;
    assert.ok(milliseconds < 2000, `took ${milliseconds} ms`);
  });
}
