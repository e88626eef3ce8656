import assert from "node:assert/strict";
import { test } from "node:test";
import { bestSentence } from "../../../server/features/read/extract.ts";
import { proseOf } from "../../../server/features/read/prose.ts";

test("the best sentence is an early one of the prose, not a heading, list, quote, table or code", async () => {
  const text = `---
title: "This is the front matter of the page."
---

# This is a heading that ends like a sentence does.

> [!NOTE]
> This note is a quote and says nothing of the topic.

- This item of a list has quite enough words for it.

\`\`\`sh
echo "This line of code is not a sentence of the text."
\`\`\`

The [cache](cache.md) keeps rendered pages until
their sources change. Each page has a key.

It is stored on disk.
`;
  assert.equal(
    bestSentence((await proseOf(text, "markdown")) ?? "", "en"),
    "The cache keeps rendered pages until their sources change.",
  );
});

test("a sentence about what the text repeats comes before a slightly earlier one that is too short to say much", () => {
  const text =
    "Welcome to this short page. The cache keeps rendered pages until the sources of the pages change. Pages in the cache have keys. The cache is on disk.";
  assert.match(bestSentence(text, "en") ?? "", /^The cache keeps/);
});

test("a text without a whole sentence has none", () => {
  for (const text of ["", "# Heading\n\n- item\n\n- item", "Too short.", "no full stop at the end of this text"]) {
    assert.equal(bestSentence(text, "en"), undefined);
  }
});
