/** Which words are prose: those between the bars are asked about at the first bar. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { proseWordAt } from "../../../server/features/write/prose-word.ts";
import { growthOf } from "../../support/growth.ts";

const found: [string, string, string][] = [
  ["markdown", "The |coast is near.", "coast"],
  ["markdown", "The co|ast is near.", "coast"],
  ["markdown", "The coast| is near.", "coast"],
  ["markdown", "It is *|strong* and __|bold__.", "strong"],
  ["markdown", "A |well-known place, don't you think?", "well-known"],
  ["markdown", "They |don’t know.", "don’t"],
  ["markdown", "Ein |Café am Meer", "Café"],
  ["markdown", "> A |quoted word", "quoted"],
  ["markdown", "- an |item", "item"],
  ["markdown", "```js\ncode\n```\n\nThe |coast", "coast"],
  ["markdown", "---\ntitle: x\n---\n\nThe |coast", "coast"],
  ["markdown", "See [the docs](a.md) for |more.", "more"],
  ["markdown", "It costs $5 or |about $6.", "about"],
  ["latex", "A \\textbf{|strong} word", "strong"],
  ["latex", "\\begin{equation}x\\end{equation}\nA |word", "word"],
  ["plaintext", "\r\nThe |coast\r\nis near", "coast"],
  ["asciidoc", "----\ncode\n----\nThe |coast", "coast"],
  ["markdown", "---\ntitle: the |coast\n---\n", "coast"],
];
for (const [languageId, marked, expected] of found) {
  test(`a word of prose in ${languageId}: ${JSON.stringify(marked)}`, async () => {
    const offset = marked.indexOf("|");
    const text = marked.replaceAll("|", "");
    const word = await proseWordAt({ text, languageId }, offset);
    assert.equal(word && text.slice(word.start, word.end), expected);
  });
}

const none: [string, string][] = [
  ["markdown", "a  | b"],
  ["markdown", "Call `the |function` now"],
  ["markdown", "Call ``a ` the |function`` now"],
  ["markdown", "Code over `two\nlines |of it` ends"],
  ["markdown", "See [the |docs](a.md)."],
  ["markdown", "See [docs](folder/|file.md)."],
  ["markdown", "See [the |docs][ref]."],
  ["markdown", "[|ref]: https://example.com"],
  ["markdown", "![a |picture](a.png)"],
  ["markdown", "See https://example.com/the/|page now"],
  ["markdown", "See <https://|example.com>."],
  ["markdown", "Write to some|one@example.com"],
  ["markdown", "Open src/|main.ts"],
  ["markdown", "Open |main.ts first"],
  ["markdown", "Call |readFile first"],
  ["markdown", "Call |read() first"],
  ["markdown", "The max_|size is"],
  ["markdown", "Version v|2 is"],
  ["markdown", "A <b |title>tag"],
  ["markdown", "The sum $a + |b$ is"],
  ["markdown", "```\nsome |code\n```\n"],
  ["markdown", "~~~~\nsome\n~~~\nmore |code\n~~~~\n"],
  ["markdown", "```\nnever closed |code"],
  ["markdown", "text\n\n    indented |code\n\ntext"],
  ["markdown", "---\nslug: the |title\n---\n"],
  ["latex", "A \\|textbf{word}"],
  ["latex", "See \\ref{fig:|coast}"],
  ["latex", "\\begin{verbatim}\nthe |code\n\\end{verbatim}"],
  ["restructuredtext", "Call ``the |function`` now"],
  ["restructuredtext", ".. image:: the |picture"],
  ["asciidoc", "----\nthe |code\n----\n"],
  ["git-commit", "# On |branch main"],
  ["python", "the |word = 1"],
];
for (const [languageId, marked] of none) {
  test(`no word of prose in ${languageId}: ${JSON.stringify(marked)}`, async () => {
    const text = marked.replaceAll("|", "");
    assert.equal(await proseWordAt({ text, languageId }, marked.indexOf("|")), undefined);
  });
}

test("a document of 5 MB takes four times as long as one of a quarter", async () => {
  const read = async (paragraphs: number) => {
    const text = "The harbour was built when the railway reached the coast.\n\n".repeat(paragraphs);
    assert.ok(await proseWordAt({ text, languageId: "markdown" }, text.length - 10));
  };
  assert.ok((await growthOf(read, 22_500)) < 8);
});
