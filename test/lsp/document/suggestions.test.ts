/** When a suggestion is begun, shared and given up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InlineCompletions } from "../../../server/features/write/typing/completions.ts";
import { documentModel } from "../../../server/lsp/document/positions.ts";
import { createSuggestions, type Place, type Suggest } from "../../../server/lsp/document/suggestions.ts";
import { cancelled, contentModified } from "../../../server/lsp/errors.ts";

const model = documentModel(() => "utf-16");
const changed = contentModified("The document was changed.");
const never = new AbortController().signal;

/** Suggestions for one document, whose making is counted. */
function scene(languageId = "markdown") {
  let now = 0;
  const begun: (Place & { version: number; signal: AbortSignal })[] = [];
  const suggest: Suggest = (document, place, signal) => {
    begun.push({ ...place, version: document.version, signal });
    return new Promise<InlineCompletions>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      setImmediate(() => resolve({ items: [{ text: `${place.offset}`, confidence: 1, typed: 0 }], cancelled: false }));
    });
  };
  const suggestions = createSuggestions(() => now);
  const document = model.create("file:///a.md", languageId, 1, "one two\n");
  const type = (text: string, at: number, afterMs = 1000) => {
    now += afterMs;
    const position = document.positionAt(at);
    model.update(document, [{ range: { start: position, end: position }, text }], document.version + 1);
    suggestions.changed(document, changed);
  };
  const ask = (offset: number, signal = never) =>
    suggestions.request(suggest, document, { offset, explicit: false }, signal);
  return { begun, document, suggest, suggestions, type, ask };
}

test("a keystroke begins the suggestion that the editor asks for next, once typing has asked before", async () => {
  const { begun, type, ask } = scene();
  type("x", 3);
  assert.equal(begun.length, 0, "nobody has asked for anything yet");
  await ask(4);
  type("y", 4);
  assert.deepEqual(
    begun.map(({ offset, version }) => [offset, version]),
    [
      [4, 2],
      [5, 3],
    ],
  );
  assert.deepEqual((await ask(5)).items, [{ text: "5", confidence: 1, typed: 0 }]);
  assert.equal(begun.length, 2, "the one that was begun is the answer");
});

test("a place that was not guessed gets its own, and what was begun ends", async () => {
  const { begun, type, ask } = scene();
  await ask(3);
  type("(", 3);
  await ask(1);
  assert.deepEqual(
    begun.map(({ offset, signal }) => [offset, signal.aborted]),
    [
      [3, true],
      [4, true],
      [1, false],
    ],
  );
});

test("nothing is begun where a key is held down, nor for several changes at once", async () => {
  const { begun, document, suggestions, type, ask } = scene();
  await ask(3);
  type("a", 3);
  type("a", 4, 30);
  type("a", 5, 30);
  assert.equal(begun.length, 2);
  assert.ok(begun[1]?.signal.aborted);
  const start = { line: 0, character: 0 };
  const change = { range: { start, end: start }, text: "b" };
  model.update(document, [change, change], 9);
  suggestions.changed(document, changed);
  assert.equal(begun.length, 2);
});

test("a request ends with its own signal, a newer request, a change, and the document's end", async () => {
  const { document, suggestions, suggest, type, ask } = scene();
  const controller = new AbortController();
  const own = ask(1, controller.signal);
  controller.abort(cancelled());
  await assert.rejects(own, /cancelled/);
  const older = ask(2);
  const newer = ask(3);
  await assert.rejects(older, /newer request/);
  await newer;
  const asked = suggestions.request(suggest, document, { offset: 3, explicit: true }, never);
  type("x", 0);
  await assert.rejects(asked, /was changed/);
  const last = ask(7);
  suggestions.closed(document.uri, contentModified("The document was closed."));
  await assert.rejects(last, /was closed/);
});

test("a suggestion is taken once: the same place asked again is a new request", async () => {
  const { begun, type, ask } = scene();
  await ask(3);
  type("z", 3);
  await ask(4);
  await ask(4);
  assert.equal(begun.length, 3);
});

test("an accepted suggestion, whole or by words, begins the next one at its end", async () => {
  const { begun, type, ask } = scene();
  await ask(3);
  type(" and a half, then", 3);
  type(" some", 20);
  assert.deepEqual(
    begun.map(({ offset }) => offset),
    [3, 20, 25],
  );
  assert.equal((await ask(25)).items[0]?.text, "25");
  assert.equal(begun.length, 3);
});

test("where the editor does not ask any more, snoozed or paused, nothing is begun until it does again", async () => {
  const { begun, type, ask } = scene();
  await ask(3);
  for (let i = 0; i < 20; i++) type("x", 3 + i);
  assert.ok(begun.length <= 6, `${begun.length} for nothing`);
  await ask(23);
  const before = begun.length;
  type("y", 23);
  assert.equal(begun.length, before + 1);
});
