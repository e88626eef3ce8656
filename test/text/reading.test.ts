import assert from "node:assert/strict";
import { test } from "node:test";
import { readingAt, readingOf } from "../../server/text/reading.ts";

test("places near each other in a long text are answered from one reading, those of another text are not", async () => {
  const text = "A line of plain text that goes on for a while.\n\n".repeat(10_000);
  const document = { text, languageId: "plaintext" };
  const first = await readingAt(document, 300_000);
  assert.equal(await readingAt(document, 315_000), first);
  assert.notEqual(await readingAt(document, 340_000), first);
  const near = await readingAt(document, 300_000);
  assert.notEqual(await readingAt(document, 300_000, `${text}x`), near);
  const [block] = near.around(300_000).filter(({ start, end }) => start <= 300_000 && 300_000 <= end);
  assert.equal(block?.prose?.().text, "A line of plain text that goes on for a while.");
});

test("lines of megabytes of marks are read while they are written", async () => {
  for (const mark of ["> ", "- ", "|-"]) {
    const document = {
      languageId: "markdown",
      text: `# Head\n\n${mark.repeat(10_000_000 / mark.length)}\n\nThe end.\n`,
    };
    assert.equal((await readingOf(document)).headings().length, 1, mark);
    assert.ok((await readingOf(document, document.text.replace("Head", "Heads"))).around(3).length > 0, mark);
  }
});
