/** Which sentence of a text stands for it in the text's own words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { writtenProse } from "../../../server/features/read/prose.ts";
import { quoted } from "../../../server/features/read/quote.ts";
import { documentSentences } from "../../../server/features/read/sentences/sentences.ts";

/** What is quoted of a text whose sentences are the better the earlier they stand. */
async function quote(text: string, style: "sentence" | "bullets"): Promise<string | undefined> {
  const prose = await writtenProse(text, "markdown");
  assert.ok(prose);
  const sentences = documentSentences(prose.blocks, "en");
  return quoted({ prose, sentences, scores: sentences.map((_, i) => -i) }, style);
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
  ]) {
    assert.equal(
      await quote(`${pointer} To see the results, run the report.\n`, "sentence"),
      "To see the results, run the report.",
    );
  }
});

test("a part of an answer does not stand for all of it", async () => {
  const text = "(a) The sample is small. (b) If it is drawn at random, it tells enough. It tells nothing else.";
  assert.equal(await quote(text, "sentence"), "It tells nothing else.");
});
