import assert from "node:assert/strict";
import { test } from "node:test";
import { faithfulness } from "../../server/metrics/faithfulness.ts";

const source = `# Deploying with Meilisearch

The server stores 1,000 documents in version 3.5. Users of 18F's tools configure it once, and OpenTelemetry reports what it does.`;

const rows: [string, string, ReturnType<typeof faithfulness>][] = [
  [
    "what is copied",
    "The server stores 1,000 documents in version 3.5.",
    {
      contentWords: { found: 4, all: 4 },
      numbers: { found: 2, all: 2 },
      names: { found: 0, all: 0 },
      fourGrams: { found: 5, all: 5 },
    },
  ],
  [
    "inflected words, a name in other case, and a number that was changed",
    "Configuring the servers once: opentelemetry stored 1000 reports.",
    {
      contentWords: { found: 5, all: 5 },
      numbers: { found: 0, all: 1 },
      names: { found: 0, all: 0 },
      fourGrams: { found: 0, all: 5 },
    },
  ],
  [
    "invented names, wherever they stand",
    "MeiliCloud and Meilisearch are for 18F. Deploying needs Kubernetes.",
    {
      contentWords: { found: 3, all: 6 },
      numbers: { found: 0, all: 0 },
      names: { found: 1, all: 4 },
      fourGrams: { found: 0, all: 6 },
    },
  ],
  [
    "nothing",
    "",
    {
      contentWords: { found: 0, all: 0 },
      numbers: { found: 0, all: 0 },
      names: { found: 0, all: 0 },
      fourGrams: { found: 0, all: 0 },
    },
  ],
];
for (const [what, summary, expected] of rows) {
  test(`counts ${what}`, () => assert.deepEqual(faithfulness(source, summary), expected));
}

test("a word that begins a sentence is no name, one with a capital inside is", () => {
  const { names } = faithfulness(
    "nothing",
    "Start here. Then GitHub follows:\nOther (Things) are “Quoted”. npmJS too.",
  );
  // GitHub, Things, Quoted, npmJS
  assert.equal(names.all, 4);
});
