/** What the default model's summaries say of the texts that the product once summarized with their markup. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { resolveModel } from "../../server/catalog/installed.ts";
import type { LoadedModel } from "../../server/engine/engine.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { writtenProse } from "../../server/features/read/prose.ts";
import { summarize } from "../../server/features/read/summarize.ts";
import type { Summary } from "../../server/features/read/summary.ts";
import type { SummaryStyle } from "../../server/features/read/summary-text.ts";

const FOLDER = "test/fixtures/prose";
const BACKUP = "The backup command copies a running database to a folder without stopping it.";
const engine = createLocalEngine();
let model: LoadedModel;
before(async () => {
  model = await engine.load({ directory: resolveModel(undefined), precision: "int8", threads: 1 });
});
after(() => engine.dispose());

function read(name: string): string {
  return readFileSync(join(FOLDER, name), "utf8");
}

const summaryOf = (name: string, style: SummaryStyle = "sentence"): Promise<Summary> =>
  summarize({ model }, { text: read(name), language: name, style, minimumConfidence: 0.5 });

/** What must be said of a file in a style. */
const right: readonly (readonly [string, SummaryStyle, RegExp])[] = [
  ["s01b-asciidoc-attributes.adoc", "sentence", /cop(?:y|ies)/i],
  ["s02d-yaml-crlf.md", "sentence", /^(?:The backup command )?copi?e?s? .*database/i],
  ["s02e-yaml.md", "sentence", /cop.*database/i],
  ["s03-htmlcomment.md", "sentence", /cop.*database/i],
  ["s04-badges.md", "title", /^dbcopy/i],
  ["s04-badges.md", "paragraph", /copies a running database/],
  ["s04-badges.md", "bullets", /^- .*copies a running database/m],
  ["s05-mdx.mdx", "paragraph", /copies a running database/],
  ["s06-hugo.md", "paragraph", /copies a running database/],
  ["s07-obsidian.md", "paragraph", /copies a running database/],
  ["s08-org.org", "paragraph", /copies a running database/],
  ["s09-latex.tex", "sentence", /cop.*database/i],
  ["s10-rst.rst", "sentence", /cop.*database/i],
  ["s11-notebook.ipynb", "sentence", /cop.*database/i],
  ["s14-refs.md", "bullets", /^- The backup command copies a running database to a folder without stopping it\./],
  ["s22c-page.html", "sentence", /cop.*database/i],
  ["s25-gdocs.md", "bullets", /^- The backup command copies/],
  ["s19a-zh.md", "sentence", /^备份命令将正在运行的数据库复制到一个文件夹，而不停止它。$/],
  ["s33-misquote.md", "sentence", /storage system|ExampleDB|complete front end/],
];
for (const [name, style, what] of right) {
  test(`the ${style} about ${name}`, async () => {
    const { summary } = await summaryOf(name, style);
    assert.match(summary, what);
  });
}

test("a git log in bullets is its commits' subjects", async () => {
  const { summary } = await summaryOf("s32-gitlog.txt", "bullets");
  const subjects = read("s32-gitlog.txt").match(/(?<=^ {4})\S.*$/gm) ?? [];
  assert.ok(subjects.length === 5);
  assert.deepEqual(summary.split("\n").sort(), subjects.map((subject) => `- ${subject}`).sort());
});

test("base64 takes no time", async () => {
  const started = process.cpuUsage();
  await summaryOf("s25-gdocs.md", "bullets");
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 1e6, `${user + system} µs of processor time`);
});

for (const name of [
  "s02g-frontmatter-only.md",
  "s12-table-only.md",
  "s19d-emoji.md",
  "s21h-word.md",
  "s21j-zwsp.md",
] as const) {
  test(`there is nothing to say of ${name}`, async () => {
    for (const style of ["sentence", "paragraph", "bullets", "title"] as const) {
      await assert.rejects(summaryOf(name, style), /no prose to summarize|nothing|empty/);
    }
  });
}

const silent = /frontmatter-only|table-only|emoji|word|zwsp|COMMIT|email|nav-bar|setext|i46/;
/** Marks and addresses that no reader sees. */
const MARKUP =
  /https?:\/\/|\]\(|\{\{|<\/?[a-z]|\\[a-z]+\{|:::|^\s*\||\bdata:|base64|^(?:title|slug|tags|date|aliases):/m;
for (const name of readdirSync(FOLDER).filter((name) => !silent.test(name))) {
  test(`no summary of ${name} has markup or words that a reader does not see`, { timeout: 300_000 }, async () => {
    const prose = await writtenProse(read(name), name);
    const words = wordsOf(prose?.text ?? "");
    for (const style of ["sentence", "paragraph", "bullets", "title"] as const) {
      const { summary, origin } = await summaryOf(name, style);
      assert.notEqual(summary, "");
      assert.doesNotMatch(summary, MARKUP, style);
      if (origin !== "model") {
        for (const quote of summary.split("\n").map((line) => line.replace(/^- /, "")))
          assertQuoted(quote, prose?.text ?? "");
      } else {
        // The model's words may be others; its names and numbers may not.
        for (const word of summary.match(/(?<=\S )\p{Lu}\p{L}+|\p{N}[\p{N}.,]*\p{N}|\p{N}/gu) ?? [])
          assert.ok(
            words.has(word.toLowerCase()) || words.has(word.toLowerCase().replace(/s$/, "")),
            `${style}: ${word} of ${summary}`,
          );
      }
    }
  });
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+(?:[.,]\p{N}+)*/gu) ?? []);
}

/** Whether a quotation consists of sentences that stand in the text word for word. */
function assertQuoted(quote: string, text: string): void {
  const parts = quote.split(/(?<=[.!?]) (?=\p{Lu}|\d)|(?<=。)/u);
  for (const part of parts) assert.ok(text.includes(part.replace(/…$|\.$/, "")), part);
}

test("the first sentence of the prose is what the backup's page is about", async () => {
  const { summary, origin } = await summaryOf("s02e-yaml.md");
  if (origin !== "model") assert.equal(summary, BACKUP);
});
