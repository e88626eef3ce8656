import assert from "node:assert/strict";
import { test } from "node:test";
import type { Paragraph } from "../../../bench/typing/paragraphs.ts";
import { type OpenedDocument, type Shown, type Suggester, typeParagraph } from "../../../bench/typing/typist.ts";

const PACE_MS = 100;
const TEXT = "The server listens on port 8080, unless\nanother one is set. It's well-known.";
// The, server, ... 8080 | , | unless | \nanother ... set | . | It's | well-known | .
const UNITS = 16;

function paragraphOf(text: string): Paragraph {
  const document = { name: "a.md", languageId: "markdown", before: "# Title\n\n", after: "\n\nThe end.\n" };
  return { kind: "markdown", source: "test", text, ...document };
}

/** A suggester that sees what is typed so far. */
function suggester(
  suggest: (typed: string) => Omit<Shown, "ms"> & { readonly ms?: number },
  opened: OpenedDocument[] = [],
): Suggester & { typed: string } {
  return {
    typed: "",
    async open(document) {
      opened.push(document);
      this.typed = "";
    },
    async type(removed, inserted) {
      this.typed = this.typed.slice(0, this.typed.length - removed) + inserted;
      return { ms: 1, ...suggest(this.typed) };
    },
    async close() {},
  };
}

function type(suggest: Parameters<typeof suggester>[0], text = TEXT) {
  return typeParagraph(paragraphOf(text), "within", suggester(suggest), PACE_MS);
}

test("one that knows the answer saves the most possible: a key for the first letter, then one for each word", async () => {
  const oracle = suggester((typed) => ({ text: TEXT.slice(typed.length) }));
  const typed = await typeParagraph(paragraphOf(TEXT), "within", oracle, PACE_MS);
  assert.equal(oracle.typed, TEXT);
  assert.equal(typed.keysAlone, TEXT.length);
  assert.equal(typed.keys, 1 + UNITS);
  assert.equal(typed.shown, UNITS);
  assert.deepEqual([typed.accepted, typed.whole, typed.vain], [UNITS, UNITS, 0]);
});

test("one that says nothing saves nothing and is charged nothing", async () => {
  const { keys, keysAlone, shown, accepted, vain } = await type(() => ({}));
  assert.deepEqual({ keys, shown, accepted, vain }, { keys: keysAlone, shown: 0, accepted: 0, vain: 0 });
});

test("one that is always wrong saves nothing and is charged for each suggestion", async () => {
  const typed = await type((so) => ({ text: so.endsWith(" ") ? "zebra " : " zebra" }));
  assert.equal(typed.keys, typed.keysAlone);
  assert.deepEqual([typed.accepted, typed.whole], [0, 0]);
  assert.equal(typed.vain, typed.shown);
  assert.ok(typed.shown > TEXT.length / 2, `${typed.shown} shown`);
});

test("one that knows the answer too late saves nothing", async () => {
  const typed = await type((so) => ({ text: TEXT.slice(so.length), ms: PACE_MS + 1 }));
  assert.equal(typed.keys, typed.keysAlone);
  assert.deepEqual([typed.shown, typed.late], [0, typed.keysAlone]);
});

test("a suggestion that stays while matching letters are typed counts once", async () => {
  const typed = await type((so) => {
    const word = "abcdef";
    return so.length < 4 ? { text: word.slice(so.length) } : {};
  }, "abcxyz abc");
  assert.deepEqual([typed.shown, typed.vain], [1, 1]);
});

test("a wrong space costs a backspace", async () => {
  const keys = async (space: string) =>
    (await type((so) => (so === "s" ? { text: `et${space}` } : {}), "set, go")).keys;
  assert.deepEqual([await keys(""), await keys(" ")], [6, 7]);
});

test("a word that only begins as the true one does is not accepted", async () => {
  const typed = await type((so) => (so === "r" ? { text: "un" } : {}), "running");
  assert.deepEqual([typed.accepted, typed.vain, typed.keys], [0, 1, 7]);
});

test("only the first right word of a suggestion is accepted, and the rest is read anew", async () => {
  const phrase = "a good thought";
  const typed = await type((so) => (phrase.startsWith(so) ? { text: phrase.slice(so.length) } : {}), "a good idea");
  assert.deepEqual([typed.shown, typed.accepted, typed.whole, typed.vain], [2, 1, 0, 1]);
});

test("a line break with the comment mark that the editor repeats is one key", async () => {
  const typed = await type(() => ({}), "One line\n   * and another");
  assert.equal(typed.keysAlone, "One line".length + 1 + "and another".length);
});

test("at the end of a document nothing follows the cursor", async () => {
  const opened: OpenedDocument[] = [];
  const silent = suggester(() => ({}), opened);
  await typeParagraph(paragraphOf("A word."), "within", silent, PACE_MS);
  await typeParagraph(paragraphOf("A word."), "end", silent, PACE_MS);
  assert.deepEqual(
    opened.map(({ after }) => after),
    ["\n\nThe end.\n", ""],
  );
});

test("chances are collected with whether the first word was right", async () => {
  const typed = await type((so) => (so === "a" ? { text: " b", confidence: 0.7 } : {}), "a b");
  assert.deepEqual(typed.trials, [{ confidence: 0.7, right: true }]);
});
