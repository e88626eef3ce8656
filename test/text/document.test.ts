import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type Block, formatOf, proseBlocks, proseText, readDocument } from "../../server/text/document.ts";

const folder = "test/fixtures/prose";
const BACKUP = "The backup command copies a running database to a folder without stopping it.";

/**
 * What a reader sees of each of the texts that the product once read with their markup; parts that must, and that must
 * not, be there.
 */
const seen: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["s01b-asciidoc-attributes.adoc", ["It writes a copy to a folder"], /:icons:|people\.example|screenshot|url-/],
  ["s02d-yaml-crlf.md", [BACKUP], /sidebar_position|slug/],
  ["s02e-yaml.md", [BACKUP], /aliases|keywords/],
  ["s03-htmlcomment.md", [BACKUP], /your changes will be lost|<!--/],
  ["s04-badges.md", ["The tool copies a running database"], /https?:|badge|svg|<td|\| ?-/],
  ["s05-mdx.mdx", [BACKUP, "Each copy is checked"], /import |Tabs|:::|\{\/\*/],
  ["s06-hugo.md", [BACKUP], /\{\{|glossary_tooltip/],
  ["s07-obsidian.md", [BACKUP, "Stop all writers first."], /\[\[|%%|==|\^block|dataview/],
  ["s08-org.org", [BACKUP], /TODO|:work:|SCHEDULED|PROPERTIES|BEGIN_SRC/],
  ["s09-latex.tex", ["We present dbcopy, a method", "3.2× faster"], /\\|cite|documentclass|\$|sum_/],
  ["s10-rst.rst", ["The backup command copies a running database", "the guide"], /::|`|replace|https:|:func:/],
  ["s11-notebook.ipynb", [BACKUP], /cells|"source"|import/],
  ["s14-refs.md", [BACKUP], /\[cmd\]|\[\^1\]/],
  ["s18b-changelog.md", ["All notable changes"], /keepachangelog\.com|\]\(/],
  ["s22c-page.html", [BACKUP], /<|&nbsp;|function/],
  ["s25-gdocs.md", [BACKUP], /base64|\*\*|image1/],
  ["s32-gitlog.txt", ["Copies are checked against a sum"], /[0-9a-f]{40}|Author|Date:/],
  ["COMMIT_EDITMSG", ["Fix"], /Please enter|On branch/],
  ["front-matter-setext.md", ["This page says how to make a copy"], /---|title:/],
  ["nav-bar-30-languages.md", ["A tool for people who write prose."], /L29/],
];

for (const [name, parts, barred] of seen) {
  test(`the prose of ${name}`, async () => {
    const prose = proseText(await readDocument(readFileSync(join(folder, name), "utf8"), name));
    for (const part of parts) assert.ok(prose.includes(part), prose.slice(0, 600));
    assert.doesNotMatch(prose, barred);
  });
}

test("front matter, tables and zero-width characters have no prose", async () => {
  for (const name of ["s02g-frontmatter-only.md", "s12-table-only.md", "s21j-zwsp.md"]) {
    assert.equal(proseText(await readDocument(readFileSync(join(folder, name), "utf8"), name)), "", name);
  }
});

const headings: readonly (readonly [string, string, readonly string[]])[] = [
  [
    "markdown",
    "---\ntitle: a\nlast: b\n---\n\n# One ##\n\n1. item\n---\n\n<!--\n# none\n-->\n\nTwo\n===\n\n```\n# none\n```",
    ["1 One", "1 Two"],
  ],
  [
    "rst",
    "=====\nTitle\n=====\n\nPart\n----\n\ntext\n\nDeeper\n~~~~~~\n\nPart 2\n------\n",
    ["1 Title", "2 Part", "3 Deeper", "2 Part 2"],
  ],
  ["asciidoc", "= Title\n\n== Part\n\ntext\n\n----\n== none\n----\n\n=== Deeper", ["1 Title", "2 Part", "3 Deeper"]],
  [
    "org",
    "#+TITLE: Title\n* TODO Part :tag:\n** DONE [#A] Deeper\n#+BEGIN_SRC sh\n* none\n#+END_SRC",
    ["1 Title", "1 Part", "2 Deeper"],
  ],
  [
    "latex",
    "\\begin{document}\\section*{Part \\emph{one}}text\\subsection[x]{Deeper}% \\section{none}\n\\begin{verbatim}\\section{none}\\end{verbatim}\\end{document}",
    ["2 Part one", "3 Deeper"],
  ],
  ["html", "<h1>Title</h1><h2><a href=x>Part</a> &amp; more</h2><!-- <h3>none</h3> -->", ["1 Title", "2 Part & more"]],
];
for (const [language, text, expected] of headings) {
  test(`the headings of ${language}`, async () => {
    const { blocks } = await readDocument(text, language);
    const found = proseBlocks(blocks).filter(({ block }) => block.kind === "heading");
    assert.deepEqual(
      found.map(({ block, prose }) => `${block.level} ${prose.text}`),
      expected,
    );
  });
}

test("a word of the prose leads back to its place in the source", async () => {
  const text =
    '# A\r\n\r\nThe *quick* [brown](https://x.example "t") fox &amp; its `den` \\* end.\r\n> quoted\r\n> words\r\n';
  const [, paragraph, quoted] = proseBlocks((await readDocument(text, "markdown")).blocks);
  assert.equal(paragraph?.prose.text, "The quick brown fox & its den * end.");
  for (const word of ["quick", "brown", "fox", "den", "end"]) {
    const at: number = paragraph?.prose.text.indexOf(word) ?? -1;
    const from: number = paragraph?.prose.starts[at] ?? -1;
    assert.equal(text.slice(from, paragraph?.prose.ends[at + word.length - 1]), word);
  }
  assert.equal(quoted?.prose.text, "quoted words");
});

const contents: readonly (readonly [string, string])[] = [
  ["---\ntitle: a\n---\nText.", "markdown"],
  ["% !TeX root = x\n\\documentclass{article}", "latex"],
  ["= Title\nJane Doe\n\nText.", "asciidoc"],
  ["#+TITLE: a\n\nText.", "org"],
  [".. note::\n\n   Text.", "restructuredtext"],
  ["<!DOCTYPE html><p>a", "html"],
  ["commit 0123456789abcdef\nAuthor: A <a@b>\nDate: now\n\n    Subject\n", "gitLog"],
  ["Just some words.", "plaintext"],
];
test("an unknown language is told from the content", () => {
  for (const [text, format] of contents) assert.equal(formatOf(text), format, text);
});

/** Every block, with those inside. */
function all(blocks: readonly Block[]): Block[] {
  return blocks.flatMap((block) => [block, ...all(block.children)]);
}

const LANGUAGES = "markdown mdx html latex rst asciidoc org typst git-commit plaintext ipynb".split(" ");
const marks = fc.constantFrom(
  ..."# ## = == * ** _ ` ``` ~~~ > - + 1. | |- [ ] ]( ]] [[ ( ) { } {{ }} {% %} {< $ $$ \\ \\( \\[ \\begin{a} \\end{a} \\a{ % %% <!-- --> <a> </a> <div> & &amp; ::: .. :: :a:` __ ^[ [^1] [^1]: --- +++ === //// ---- |=== #+BEGIN_SRC #+END_SRC :END: !!! ``` a b. word 😀 é 中文 \r".split(
    " ",
  ),
  "\n",
  "\n\n",
  "\r\n",
  "  ",
  "\t",
  "\u0000",
  "\uFEFF",
);

test("no text makes a reader throw, and every range lies where it must", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...LANGUAGES), fc.array(marks, { maxLength: 60 }), async (language, parts) => {
      const text = parts.join("");
      const { blocks } = await readDocument(text, language);
      for (const block of all(blocks)) {
        assert.ok(
          0 <= block.start && block.start <= block.end && block.end <= text.length,
          `${block.kind} ${block.start}-${block.end}`,
        );
        const prose = block.prose?.();
        if (prose === undefined) continue;
        assert.equal(prose.starts.length, prose.text.length);
        for (const [i, start] of prose.starts.entries()) {
          const end = prose.ends[i] ?? 0;
          assert.ok(start < end && end <= text.length && start >= (prose.starts[i - 1] ?? 0), `${block.kind} at ${i}`);
        }
      }
    }),
    { numRuns: 1500 },
  );
});

test("the time grows no faster than the text, whatever marks it repeats", async () => {
  const units = [
    "[",
    "[](",
    "**a ",
    "> ",
    "`a``",
    "<a",
    "[a](",
    "*_",
    "[[",
    "{{",
    "$a",
    "\\[",
    "1. ",
    "- ",
    "|a|b\n",
    "::",
    "\\begin{a}",
    "//",
    "#",
    "{%",
    "%%",
  ];
  for (const language of LANGUAGES) {
    for (const unit of units) {
      const time = async (length: number) => {
        // The processor's time, which other work on the machine does not change.
        const before = process.cpuUsage().user;
        proseText(await readDocument(unit.repeat(Math.ceil(length / unit.length)), language));
        return (process.cpuUsage().user - before) / 1000;
      };
      await time(500);
      const [short, long] = [await time(4000), await time(32_000)];
      // Eight times the text; a square would be 64 times. What takes a moment is not measured well.
      assert.ok(long < 400 || long < 24 * short, `${language} ${JSON.stringify(unit)}: ${short} ms, ${long} ms`);
    }
  }
});

test("the fixtures are all looked at or named", () => {
  const named = new Set([
    ...seen.map(([name]) => name),
    "s02g-frontmatter-only.md",
    "s12-table-only.md",
    "s21j-zwsp.md",
    "s19a-zh.md",
    "s19d-emoji.md",
    "s21h-word.md",
    "s33-misquote.md",
    "ghost-in-fence.md",
    "comment-after-regex.js",
    ...readdirSync(folder).filter((name) => /^i\d/.test(name)),
  ]);
  assert.deepEqual(
    readdirSync(folder).filter((name) => !named.has(name)),
    [],
  );
});
