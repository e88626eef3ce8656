/** Which of several summaries claims least beyond its source. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { mostFaithful } from "../../server/features/decoding.ts";

const source = "Meilisearch 1.3 answers queries in 50 ms. You install it with npm, as the MeiliSearch docs say.";

const rows: { name: string; texts: string[]; chosen: number }[] = [
  {
    name: "the likeliest where none invents anything",
    texts: ["Install it with npm.", "Queries take 50 ms."],
    chosen: 0,
  },
  { name: "the one whose name is in the source", texts: ["Install MeiliCloud.", "Install Meilisearch."], chosen: 1 },
  { name: "the one whose number is in the source", texts: ["It takes 60 ms.", "It takes 50 ms."], chosen: 1 },
  { name: "a version with its point, not its digits", texts: ["For version 3.1.", "For version 1.3."], chosen: 1 },
  { name: "no better one for a word that only begins a sentence", texts: ["Sorting. Filters help.", "x"], chosen: 0 },
  { name: "none that stutters", texts: ["Installs the installer installed.", "Install it."], chosen: 1 },
  { name: "the fewest inventions", texts: ["About Foo and Bar.", "About Foo.", "About Baz 7."], chosen: 1 },
];
for (const { name, texts, chosen } of rows) {
  it(`takes ${name}`, () => {
    const sequences = texts.map((text) => ({ ids: [], text, logProbs: [], score: 0, finished: true }));
    assert.equal(mostFaithful(source, sequences)?.text, texts[chosen]);
  });
}

it("takes nothing of nothing", () => assert.equal(mostFaithful(source, []), undefined));
