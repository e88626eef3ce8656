/** The prose view of real documents, beside what each format's own tool shows (pandoc, Asciidoctor). */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { test } from "node:test";
import {
  byFormat,
  commonWords,
  proseViewAgreements,
  readReferenceDocuments,
} from "../../../bench/quality/prose-view.ts";
import { proseText, readDocument } from "../../../server/text/document.ts";

const LEAST = 0.98;

test("the documents are real, small, permissively licensed, and of six formats", () => {
  const documents = readReferenceDocuments();
  assert.ok(documents.length >= 60, `${documents.length} documents`);
  assert.ok(statSync("test/fixtures/prose-view/documents.json.gz").size < 700_000);
  for (const { path, text, license, source, commit } of documents) {
    assert.ok(Buffer.byteLength(text) <= 20_100, `${path} has ${Buffer.byteLength(text)} bytes`);
    assert.match(license, /^(MIT|BSD-3-Clause|CC0-1\.0)$/, path);
    assert.match(`${source} ${commit}`, /^(Debian: \S+ \S+ \/|[\w.-]+\/[\w.-]+ [\da-f]{40}$)/, path);
  }
});

test("of either side's words at least 98% stand on the other, in order, in each format", async () => {
  const formats = byFormat(await proseViewAgreements(readReferenceDocuments()));
  assert.deepEqual(formats.map(({ format }) => format).sort(), ["adoc", "html", "md", "org", "rst", "tex"]);
  for (const { format, documents, common, ofReference, ofOurs } of formats) {
    assert.ok(documents >= 10 && ofReference > 4000, `${format}: ${documents} documents, ${ofReference} words`);
    assert.ok(common >= LEAST * ofReference, `${format}: ${common} of the reference's ${ofReference} words`);
    assert.ok(common >= LEAST * ofOurs, `${format}: ${common} of our ${ofOurs} words`);
  }
});

test("words in common are counted in order", () => {
  const words = (text: string) => text.split(" ");
  assert.equal(commonWords(words("a b c d e"), words("b x d a e")), 3);
  assert.equal(commonWords(words("a"), words("b")), 0);
  const long = Array.from({ length: 500 }, (_, i) => `${i % 37}`);
  assert.equal(commonWords(long, long.slice(100)), 400);
});

const latex: readonly [string, string, string][] = [
  ["a register's assignment", "\\newskip\\gap\n\\gap=0.75in\n\\advance\\gap by -2.95mm\n\nText stays.", "Text stays."],
  [
    "plain TeX",
    "\\hsize 3.2in \\vskip 1ex plus 2ex minus .5ex\n\\def\\key#1#2{\\hbox to 4cm{#1}}\n\\ifnum\\columns=1 Text \\kern-.2em stays.\\fi",
    "Text stays.",
  ],
  [
    "codes and fonts",
    "\\catcode`\\^^M=10 \\font\\small=cmr7 scaled 900 \\chardef\\x=`\\a \\input macros.tex\nText stays.",
    "Text stays.",
  ],
  ["a link", "See \\href{https://a.org/b}{the page} now.", "See the page now."],
  ["a link over lines", "See \\href{https://a.org/b}\n{the\npage} now.", "See the page now."],
  ["a reference", "As \\cref{fig:a} and \\myref{x} show.", "As and show."],
  [
    "formulas that touch",
    "A$\\to$0, $\\ast$$\\to$14 and the rest of it.\n\nMore.",
    "A→0, →14 and the rest of it.\n\nMore.",
  ],
  ["a dollar sign alone", "It costs 5$ or so.\n\nMore for 6$.", "It costs 5 or so.\n\nMore for 6."],
];
for (const [what, text, expected] of latex) {
  test(`LaTeX: ${what}`, async () => assert.equal(proseText(await readDocument(text, "latex")), expected));
}

test("Org: what is meant for one format of export leaves no trace", async () => {
  const text = "A document @@texinfo:@dfn{@@free@@texinfo:}@@ in this sense, at a@@b.org.\n";
  assert.equal(proseText(await readDocument(text, "org")), "A document free in this sense, at a@@b.org.");
});
