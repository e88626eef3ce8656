/** Which sentence of a text stands for it in the text's own words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { writtenProse } from "../../../server/features/read/prose.ts";
import { quoted } from "../../../server/features/read/quote.ts";
import { rankSentences } from "../../../server/features/read/sentences/rank.ts";
import { documentSentences } from "../../../server/features/read/sentences/sentences.ts";

/** What is quoted of a text whose sentences are the better the earlier they stand. */
async function quote(text: string, style: "sentence" | "bullets"): Promise<string | undefined> {
  const prose = await writtenProse(text, "markdown");
  assert.ok(prose);
  const sentences = documentSentences(prose.blocks, "en");
  return quoted({ prose, sentences, scores: sentences.map((_, i) => -i) }, style);
}

/** The same with the ranks of the product, where the sentence that ends first is the best by the model. */
async function ranked(text: string): Promise<string | undefined> {
  const prose = await writtenProse(text, "markdown");
  assert.ok(prose);
  const sentences = documentSentences(prose.blocks, "en");
  const rank = async () =>
    Float32Array.from(sentences, ({ text: words, start }) => (words.endsWith(".") ? 0.3 : 0.1) - start / 1e4);
  return quoted(
    { prose, sentences, ...(await rankSentences({ model: { rank }, isEnglish: true }, prose, sentences)) },
    "sentence",
  );
}

test("a sentence is one that ends as such, where there is one", async () => {
  const items = "- Creating partitions for a new topic\n- Adding partitions to a topic\n";
  assert.equal(
    await quote(`${items}\nA quota limits how often this is done.\n`, "sentence"),
    "A quota limits how often this is done.",
  );
  assert.equal(await quote(items, "sentence"), "Creating partitions for a new topic");
  assert.match((await quote(`${items}\nA quota limits it all.\n`, "bullets")) ?? "", /^- Creating partitions/);
});

test("a sentence that sends the reader elsewhere, or a byline, stands for nothing", async () => {
  for (const pointer of [
    "For more information about adapters, see the release notes.",
    "For further details see the guide.",
    "Learn more in the post on service workers.",
    "This article was written by Ada Lovelace of the search team.",
    "Click here for a guide to language servers.",
    "You probably want the module with more colors.",
    "It is open source and licensed under the terms of the MIT License.",
    "This is a module that is available through the npm registry.",
    "The maintainers of this package are working with Tidelift to support it.",
  ]) {
    assert.equal(
      await quote(`${pointer} To see the results, run the report.\n`, "sentence"),
      "To see the results, run the report.",
    );
  }
});

test("an instruction and a program for patrons are no advertisement", async () => {
  for (const sentence of ["Click the button to deploy.", "It links Patreon accounts to a chat server."])
    assert.equal(await quote(`${sentence} To see the results, run the report.\n`, "sentence"), sentence);
});

test("a part of an answer does not stand for all of it", async () => {
  const text = "(a) The sample is small. (b) If it is drawn at random, it tells enough. It tells nothing else.";
  assert.equal(await quote(text, "sentence"), "It tells nothing else.");
});

/** What READMEs have at their top, and how it is quoted; undefined where the sentence below says more. */
const TOPS: readonly (readonly [line: string, shown: string | undefined])[] = [
  ["Create simple HTTP ETags", "Create simple HTTP ETags."],
  ["> Regular expression for matching a shebang line", "Regular expression for matching a shebang line."],
  ["> [ANSI codes](a) for styling strings in the terminal", "ANSI codes for styling strings in the terminal."],
  ["70+ spinners for use in the terminal", "70+ spinners for use in the terminal."],
  ["Build fast pages from plain text", "Build fast pages from plain text."],
  ["Home automation for small houses", "Home automation for small houses."],
  ["Version control for large tables", "Version control for large tables."],
  ["> `npm install --save @types/mocha`", undefined],
  ["> Stability: 2 - Stable", undefined],
  ["English | Deutsch | Français | Español", undefined],
  ["Last changed in the summer of 2021", undefined],
  ["Table of all the contents", undefined],
  ["Draft for discussion at noon", undefined],
  ["This library has, among others:", undefined],
  ["Home of the project: https://example.org/home", undefined],
  ["- An item of a list at the top", undefined],
];

test("a line between the title and everything else stands for a README", async () => {
  const [title, rest] = ["# Tool\n\n", "\n\nIt does what it can.\n\n## Usage\n\nCall it twice a day.\n"];
  for (const [line, shown] of TOPS) {
    const sentence = await ranked(`${title}${line}${rest}`);
    assert.equal(sentence, shown ?? "It does what it can.", line);
  }
  assert.equal(
    await ranked(`<h1><img src="a.png"></h1>\n\n> Terminal styling done right\n\nBody.\n\n## Usage\n\nCall it.\n`),
    "Terminal styling done right.",
  );
  // Without a title it may be any line of a text.
  assert.equal(await ranked(`Create simple HTTP ETags${rest.replace(/\n## .*/, "")}`), "It does what it can.");
});
