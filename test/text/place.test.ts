/** Which places are prose. A bar marks each. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { placeOf } from "../../server/text/place.ts";
import { readingOf } from "../../server/text/reading.ts";
import { growthOf } from "../support/growth.ts";

const prose: [string, string][] = [
  ["markdown", "|"],
  ["markdown", "The coast is |near."],
  ["markdown", "The coast is |"],
  ["markdown", "The coast is\n|"],
  ["markdown", "The coast.\n\n|\n\nThe sea."],
  ["markdown", "# The |coast\n\nText."],
  ["markdown", "# |"],
  ["markdown", "- |"],
  ["markdown", "- a\n- the |coast"],
  ["markdown", "1. the |"],
  ["markdown", "- [ ] the |"],
  ["markdown", "> the |coast"],
  ["markdown", "> |"],
  ["markdown", "It is **bold|** here"],
  ["markdown", "It is **bold**| here"],
  ["markdown", "See [docs](a.md) for |more"],
  ["markdown", "See https://example.com |"],
  ["markdown", "| a | b |\n|---|---|\n| the |coast | c |".replace("the |", "the ¦")],
  ["markdown", "[^1]: the |note"],
  ["markdown", "```js\ncode\n```\n\nThe |"],
  ["markdown", "```js\ncode\n```\n|"],
  ["markdown", "---\ntitle: a\ndescription: How to |\n---\n"],
  ["markdown", '---\ntitle: "The |coast"\n---\n'],
  ["markdown", "---\ndescription: >\n  How to\n  copy |\n---\n"],
  ["markdown", "---\ndescription: |\n---\n".replace("|", "¦")],
  ["markdown", "text\r\n\r\nmore |\r\n"],
  ["markdown", "<p>the |coast</p>"],
  ["mdx", "import A from 'a'\n\nThe |coast"],
  ["asciidoc", "= Guide\n:toc:\n\nThe |coast"],
  ["restructuredtext", "Title\n=====\n\nThe |coast"],
  ["latex", "\\section{A}\n\nThe \\textbf{|coast} is"],
  ["org", "* Title\n\nThe |coast"],
  ["typst", "= Title\n\nThe |coast"],
  ["html", "<!doctype html>\n<html><body>\n<p>The |coast</p>\n</body></html>\n"],
  ["html", "<ul>\n  <li>The |</li>\n</ul>\n"],
  ["plaintext", "Dear Ann,\n\nthank you |"],
  ["git-commit", "Fix |\n\n# On branch main\n"],
];
const none: [string, string, string][] = [
  ["html", '<p class="|wide">The coast</p>', "markup"],
  ["html", "<p>The coast</p>\n<script>\nlet | = 1;\n</script>", "code"],
  ["html", "<div>\n  |<p>The coast</p>\n</div>", "markup"],
  ["markdown", "```sh\nnpm install |\n```\n", "code"],
  ["markdown", "```sh\nnpm install\n|", "code"],
  ["markdown", "```sh|", "code"],
  ["markdown", "text\n\n    some |code\n\ntext", "code"],
  ["markdown", "~~~~\nsome\n~~~\nmore |\n~~~~\n", "code"],
  ["markdown", "- item\n\n  ```\n  code |\n  ```\n", "code"],
  ["markdown", "Call `the |function` now", "code"],
  ["markdown", "Code over `two\nlines |of it` ends", "code"],
  ["markdown", "See [the docs](folder/|file.md).", "link"],
  ["markdown", "See [the |docs](a.md).", "link"],
  ["markdown", "See [the docs][re|f].\n\n[ref]: a.md", "link"],
  ["markdown", "![a |picture](a.png)", "link"],
  ["markdown", "See https://example.com/|", "link"],
  ["markdown", "See <https://exam|ple.com>.", "link"],
  ["markdown", "[ref]: https://|example.com", "markup"],
  ["markdown", "The sum $a + |b$ is", "math"],
  ["markdown", "$$\na + |\n$$\n", "math"],
  ["markdown", "A <b class='|x'>tag</b>", "markup"],
  ["markdown", '<img src="|a.png">\n', "markup"],
  ["markdown", "<!-- a |comment -->\n", "comment"],
  ["markdown", "a <!-- a |comment --> b\n", "comment"],
  ["markdown", "---\ndate: 2026-|01\n---\n", "frontMatter"],
  ["markdown", "---\nti|tle: a\n---\n", "frontMatter"],
  ["markdown", "+++\ndraft = |\n+++\n", "frontMatter"],
  ["markdown", "| a | b |\n|-¦-|---|\n", "table"],
  ["markdown", "text\n\n---|\n", "markup"],
  ["markdown", ":::|note\ntext\n:::\n", "markup"],
  ["markdown", "{{< note |>}}\n", "markup"],
  ["mdx", "import A |from 'a'\n\nText", "markup"],
  ["asciidoc", "= Guide\n:author: |\n\nText", "markup"],
  ["asciidoc", "----\nlet x |\n----\n", "code"],
  ["asciidoc", "See xref:gui|de.adoc[the page].", "link"],
  ["restructuredtext", ".. image:: the |picture", "markup"],
  ["restructuredtext", "Call ``the |function`` now", "code"],
  ["latex", "See \\ref{fig:|coast} now", "markup"],
  ["latex", "A \\text|bf{word} here", "markup"],
  ["latex", "\\begin{verbatim}\nthe |code\n\\end{verbatim}", "code"],
  ["latex", "% a |comment\n\nText", "comment"],
  ["org", "#+BEGIN_SRC sh\nls |\n#+END_SRC", "code"],
  ["typst", "```\nlet |x\n```\n", "code"],
  ["git-commit", "Fix\n\n# On |branch main\n", "comment"],
  ["plaintext", "See www.example.com/|", "link"],
];

function marked(text: string) {
  const bar = text.includes("¦") ? "¦" : "|";
  return { offset: text.indexOf(bar), text: text.replace(bar, "") };
}

for (const [languageId, whole] of prose) {
  test(`prose in ${languageId}: ${JSON.stringify(whole)}`, async () => {
    const { text, offset } = marked(whole);
    assert.deepEqual((await placeOf({ text, languageId }, offset)).isProse, true);
  });
}
for (const [languageId, whole, why] of none) {
  test(`not prose in ${languageId}: ${JSON.stringify(whole)}`, async () => {
    const { text, offset } = marked(whole);
    assert.deepEqual(await placeOf({ text, languageId }, offset), { isProse: false, why });
  });
}

test("the failing cases: in a fence and in git's lines there is no prose, beside them there is", async () => {
  const folder = "test/fixtures/prose";
  const at = async (name: string, languageId: string, piece: string) => {
    const text = readFileSync(`${folder}/${name}`, "utf8");
    const place = await placeOf({ text, languageId }, text.indexOf(piece) + piece.length);
    return place.isProse;
  };
  assert.equal(await at("ghost-in-fence.md", "markdown", "npm install "), false);
  assert.equal(await at("ghost-in-fence.md", "markdown", "Then start"), true);
  assert.equal(await at("COMMIT_EDITMSG", "git-commit", "Please enter"), false);
  assert.equal(await at("COMMIT_EDITMSG", "git-commit", "Fix "), true);
  assert.equal(await at("nav-bar-30-languages.md", "markdown", "[L3"), false);
});

test("after any change the structure is that of the text read anew", async () => {
  const piece = fc.constantFrom(
    ..."# ## == --- +++ ``` ~~~ > - 1. $$ %% <!-- --> <table> </table> [a]: [a] | |- title: { } ::: word".split(" "),
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "    ",
  );
  const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));
  const edit = fc.record({ at: fc.nat(), cut: fc.nat({ max: 12 }), put: fc.array(piece, { maxLength: 3 }) });
  await fc.assert(
    fc.asyncProperty(text, fc.array(edit, { maxLength: 6 }), async (first, edits) => {
      const document = { text: `${"Words of a line.\n\n".repeat(20)}${first}`, languageId: "markdown" };
      await readingOf(document);
      for (const { at, cut, put } of edits) {
        const from = at % (document.text.length + 1);
        document.text = document.text.slice(0, from) + put.join("") + document.text.slice(from + cut);
        const [here, anew] = [await readingOf(document), await readingOf({ ...document })];
        const shape = (reading: typeof here) => [
          ...reading.headings().map(({ level, start, end }) => [level, start, end]),
          ...[0, from, document.text.length].map((offset) =>
            reading.around(offset).map(({ kind, start, end }) => [kind, start, end]),
          ),
        ];
        assert.deepEqual(shape(here), shape(anew), JSON.stringify(document.text));
      }
    }),
    { numRuns: 200 },
  );
});

test("a key in a long document takes no longer than in a short one", async () => {
  const typed = async (paragraphs: number) => {
    const half = "## Part\n\nThe harbour was *built* when the railway reached the coast.\n\n".repeat(paragraphs / 2);
    const document = { text: half + half, languageId: "markdown" };
    await placeOf(document, half.length);
    const times: number[] = [];
    for (let i = 1; i <= 9; i++) {
      document.text = `${half}${"x".repeat(i)}${half}`;
      const before = process.cpuUsage();
      assert.equal((await placeOf(document, half.length + i)).isProse, true);
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / 1000);
    }
    return times.sort((a, b) => a - b)[4] ?? 0;
  };
  const [short, long] = [await typed(2000), await typed(64_000)];
  assert.ok(long < 8 * Math.max(3, short), `${short} ms in 0.15 MB, ${long} ms in 4.6 MB`);
});

const patterns = ["[", "[a](b) | ", "**a ", "`", "> ", "- a\n", "<b>", "$", "_a", "{{", "word "];
for (const pattern of patterns) {
  test(`what a place is takes time linear in the text: ${JSON.stringify(pattern)}`, async () => {
    const ask = async (count: number) => {
      const text = pattern.repeat(count);
      for (const languageId of ["markdown", "asciidoc", "restructuredtext", "latex", "plaintext"])
        await placeOf({ text, languageId }, text.length >> 1);
    };
    // Milliseconds are measured badly; more text is measured better.
    const times = await growthOf(ask, 4000);
    const again = times < 9 ? times : await growthOf(ask, 16_000);
    assert.ok(again < 9, `${times} and ${again} times as long for four times the text`);
  });
}
