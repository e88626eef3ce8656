import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { headingStarts, readDocument } from "../../server/text/document.ts";
import { splitText } from "../../server/text/text-split.ts";

const countTokens = async (texts: readonly string[]) => texts.map((text) => Math.ceil(text.trim().length / 4));
const texts = async (text: string, window: number) => {
  const headings = headingStarts(await readDocument(text, "markdown"));
  const spans = await splitText(text, window, { countTokens, headings, locale: "en" });
  return spans.map((span) => text.slice(span.start, span.end));
};

test("spans follow one another, fit the window, and are the whole text", async () => {
  const unit = fc.constantFrom(
    "a",
    "Word",
    " ",
    "\n",
    "\n\n",
    "# H",
    ". ",
    "😀",
    "—",
    "x".repeat(70),
    `x${"😀".repeat(30)}`,
    "\t",
    "\r\n",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(unit, { maxLength: 200 }), fc.integer({ min: 2, max: 40 }), async (units, window) => {
      const text = units.join("");
      const headings = headingStarts(await readDocument(text, "markdown"));
      const spans = await splitText(text, window, { countTokens, headings });
      let at = 0;
      for (const span of spans) {
        assert.equal(span.start, at);
        assert.ok(span.tokens <= window, `${span.tokens} tokens in a window of ${window}`);
        const code = text.charCodeAt(span.end);
        assert.ok(!(code >= 0xdc00 && code <= 0xdfff), "a surrogate pair was parted");
        at = span.end;
      }
      assert.equal(at, text.length);
    }),
    { seed: 7, numRuns: 200 },
  );
});

const rows: [string, string, number, string[]][] = [
  ["keeps a text that fits whole", "One. Two.\n\nThree.", 100, ["One. Two.\n\nThree."]],
  ["cuts at blank lines", "One two three.\n\nFour five six.\n", 5, ["One two three.\n\n", "Four five six.\n"]],
  [
    "begins a span at a heading once the one before is half full",
    "Text that fills more than half.\n# Next\nMore.",
    14,
    ["Text that fills more than half.\n", "# Next\nMore."],
  ],
  [
    "begins no span at a heading's mark inside code",
    "Text that fills more than half.\n\n```sh\n# no heading\nmore\n```\n",
    16,
    ["Text that fills more than half.\n\n```sh\n# no heading\nmore\n```\n"],
  ],
  [
    "begins a span at an underlined heading",
    "Text that fills more than half.\n\nNext\n----\nMore of it.",
    14,
    ["Text that fills more than half.\n\n", "Next\n----\nMore of it."],
  ],
  [
    "cuts a paragraph between sentences",
    "First one here. Second one here.",
    5,
    ["First one here. ", "Second one here."],
  ],
  ["cuts a sentence between words", "alpha beta gamma delta", 4, ["alpha beta ", "gamma delta"]],
  ["cuts inside a word as the last resort", "x".repeat(40), 8, ["x".repeat(32), "x".repeat(8)]],
  ["gives no span of no text", "", 8, []],
];
for (const [name, text, window, expected] of rows) {
  test(name, async () => assert.deepEqual(await texts(text, window), expected));
}

test("counts each stretch of 3 MB only a few times", async () => {
  for (const line of ["A sentence of an endless paragraph. ", "word\n\n", "unbroken"]) {
    const text = line.repeat(Math.ceil(3_000_000 / line.length));
    let counted = 0;
    const spans = await splitText(text, 500, {
      countTokens: async (list) => {
        for (const one of list) counted += one.length;
        return countTokens(list);
      },
    });
    assert.ok(counted < 2.5 * text.length, `${counted} characters counted of ${text.length}`);
    assert.ok(spans.length > 900 && spans.at(-1)?.end === text.length, `${spans.length} spans`);
  }
});

test("an abort ends the cutting early", async () => {
  const controller = new AbortController();
  const text = "A sentence here. ".repeat(100_000);
  const spans = await splitText(text, 100, {
    countTokens: async (list) => {
      controller.abort();
      return countTokens(list);
    },
    signal: controller.signal,
  });
  assert.ok((spans.at(-1)?.end ?? 0) < text.length / 2);
});
