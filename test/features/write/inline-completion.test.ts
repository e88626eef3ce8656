/** What is suggested while typing, when nothing is, and what is asked of the model for it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSettings } from "../../../protocol/settings.ts";
import {
  completeComment,
  type InlineCompletionParams,
  inlineCompletion,
} from "../../../server/features/write/inline-completion.ts";
import { createTyping, waitForever } from "../../../server/features/write/typing/typing.ts";
import { fakeModel } from "../../support/models/fake-model.ts";

const never = new AbortController().signal;

/** A writer in one document, with a model that says how its text goes on. */
function writer(answer: (before: string) => string, given: object = {}, languages = ["en"], patience = waitForever) {
  const model = fakeModel((input) => answer(input.split("|")[0] ?? ""), { spellsLayout: true, languages });
  const { settings } = parseSettings({ inlineCompletion: given });
  const context = { model: async () => model, settings, typing: createTyping(patience) };
  const at = (text: string, extra: Partial<InlineCompletionParams> = {}): InlineCompletionParams => ({
    document: "file:///a.md",
    text: text.replace("|", ""),
    offset: text.indexOf("|"),
    explicit: false,
    ...extra,
  });
  return {
    model,
    /** The suggestions at `|`. */
    async at(text: string, extra: Partial<InlineCompletionParams> = {}) {
      const { items, reason = "" } = await inlineCompletion(context, at(text, extra), never);
      return { items, texts: items.map((item) => item.text), reason };
    },
    inComment: (text: string, extra: Partial<InlineCompletionParams> = {}) =>
      completeComment(context, at(text, extra), never),
  };
}

/** A model that goes on with this whatever stands before. */
const says = (answer: string, given: object = {}) => writer(() => answer, given);

const STORY = "The quick brown fox jumps over the fence. Every day it looks for";

test("the word under way is finished, with the space after it", async () => {
  const { items } = await says("something").at(`${STORY} some|`);
  assert.deepEqual(
    items.map(({ text, typed }) => [text, typed]),
    [["thing ", 4]],
  );
  assert.ok((items[0]?.confidence ?? 0) > 0.5);
});

test("at a word's start the next word is suggested", async () => {
  assert.deepEqual((await says("something").at(`${STORY} |`)).texts, ["something "]);
});

test("where a space stands already, none is suggested", async () => {
  assert.deepEqual((await says("something").at(`${STORY} some| new.`)).texts, ["thing"]);
});

test("letters that match what is shown keep it, and the model is not asked again", async () => {
  const { at, model } = says("something");
  await at(`${STORY} |`);
  await new Promise(setImmediate); // the words after it, in idle time
  const asked = model.seen.length;
  for (const typed of ["s", "so", "som", "some"])
    assert.deepEqual((await at(`${STORY} ${typed}|`)).texts, [`${"something".slice(typed.length)} `]);
  assert.equal(model.seen.length, asked);
});

test("other letters narrow the words, and backspace brings back what was there", async () => {
  const { at } = says("something");
  await at(`${STORY} |`);
  assert.deepEqual((await at(`${STORY} sx|`)).texts, []);
  assert.deepEqual((await at(`${STORY} s|`)).texts, ["omething "]);
});

test("a word that was typed past is not suggested again at its place", async () => {
  const { at } = says("something");
  assert.deepEqual((await at(`${STORY} |`)).texts, ["something "]);
  await at(`${STORY} food and |`);
  assert.deepEqual((await at(`${STORY} |`)).texts, []);
  // Elsewhere it is.
  assert.deepEqual((await at(`${STORY} food and |`)).texts, ["something "]);
});

test("a change elsewhere in the document leaves what is known of a paragraph", async () => {
  const { at, model } = says("something");
  const far = `${"Another paragraph.\n\n".repeat(20)}`;
  await at(`${far}${STORY} |\n\n${far}`);
  await new Promise(setImmediate);
  const asked = model.seen.length;
  await at(`Changed. ${far}${STORY} |\n\n${far}Changed.`);
  assert.equal(model.seen.length, asked);
});

test("the document's own words are offered as it spells them", async () => {
  const text =
    "PostgreSQL stores the rows. Start PostgreSQL first, then cert-manager, and set maxContextTokens. The cert-manager and PostgreSQL use maxContextTokens.";
  for (const [typed, rest] of [
    ["Postg", "reSQL "],
    ["cert-m", "anager "],
    ["maxC", "ontextTokens "],
  ] as const)
    assert.deepEqual((await says("zzz").at(`${text}\n\nIt needs ${typed}|`)).texts, [rest], typed);
});

test("while the model is late, what the other experts are sure of is suggested, and nothing else", async () => {
  const { at, model } = writer(
    () => "something",
    {},
    ["en"],
    async () => undefined,
  );
  model.wordChances = () => new Promise(() => undefined);
  const sure = "It needs the cert-manager. Start the cert-manager first, since it needs the cert-manager.";
  assert.deepEqual((await at(`${sure}\n\nIt needs the cert-|`)).texts, ["manager "]);
  const unsure = at(`${sure}\n\nIt needs every |`);
  const answered = await Promise.race([unsure, new Promise((resolve) => setTimeout(resolve, 50, "waiting"))]);
  assert.equal(answered, "waiting");
});

test("a model that fails after the other experts have answered ends nothing", async () => {
  const { at, model } = writer(
    () => "something",
    {},
    ["en"],
    async () => undefined,
  );
  let fail: (error: Error) => void = () => undefined;
  model.wordChances = () =>
    new Promise((_, reject) => {
      fail = reject;
    });
  const sure = "It needs the cert-manager. Start the cert-manager first, since it needs the cert-manager.";
  assert.deepEqual((await at(`${sure}\n\nIt needs the cert-|`)).texts, ["manager "]);
  fail(new Error("The model failed."));
  await new Promise(setImmediate);
});

test("a document's words are counted only if the setting lets them be", async () => {
  const text = "Set maxContextTokens first. The limit is maxContextTokens.\n\nIt needs maxC|";
  assert.deepEqual((await says("zzz").at(text)).texts, ["ontextTokens "]);
  assert.deepEqual((await says("zzz", { learnFrom: "off" }).at(text)).texts, []);
});

test("asked for, there are several different continuations", async () => {
  const { at, model } = says(" lazy dog", { alternatives: 3 });
  const { items } = await at(`${STORY} the |`, { explicit: true });
  assert.ok(items.length > 1, `${items.length}`);
  const begins = items.map(({ text }) => text.trim());
  for (const [i, one] of begins.entries())
    assert.ok(!begins.some((other, j) => j !== i && other.startsWith(one)), begins.join("; "));
  assert.ok(model.requests.some(({ numReturnSequences = 1 }) => numReturnSequences >= 3));
});

const quiet: [string, string, string, object, Partial<InlineCompletionParams>, RegExp][] = [
  ["switched off", `${STORY} |`, "something", { enabled: false }, {}, /enabled is off/],
  ["not sure", `${STORY} |`, "something", { minimumConfidence: 0.9 }, {}, /confidence 0\.\d+, below 0\.9/],
  ["inside a word", `${STORY} some|thing`, "something", {}, {}, /no word begins/],
  ["after a mark", "The fox jumps over the fence.|", "something", {}, {}, /no word begins/],
  ["in an address", "The fox lives at https://fence.org/some|", "something", {}, {}, /no word begins/],
  [
    "a language that the model does not know",
    "Der Zwischenspeicher wird geleert, sobald sich eine Datei ändert, und |",
    "dann",
    {},
    {},
    /German, which the model does not know/,
  ],
  ["an empty document", "\n|", "dog", {}, { explicit: true }, /no text/],
  ["a binary document", "a\0b|", "dog", {}, { explicit: true }, /binary/],
  ["one letter is left", `${STORY} somethin|`, "something", {}, {}, /./],
  ["the word before again", `${STORY} something |`, "something", {}, {}, /./],
  ["the word after it", `${STORY} |something else.`, "something", {}, {}, /./],
  ["the next line's word", `${STORY} |\nsomething else.`, "something", {}, {}, /./],
  ["a word that nobody wants suggested", `${STORY} |`, "bullshit", {}, {}, /./],
];
for (const [what, text, answer, given, extra, reason] of quiet) {
  test(`nothing is suggested, and the log can say why: ${what}`, async () => {
    const none = await says(answer, given).at(text, extra);
    assert.deepEqual(none.texts, []);
    assert.match(none.reason, reason);
  });
}

test("in a language other than English the model is asked without the experts on English", async () => {
  const german = "Der Zwischenspeicher wird geleert, sobald sich eine Datei ändert, und der Speicher ist dann wieder";
  const { texts } = await writer(() => "verfügbar", {}, ["en", "de"]).at(`${german} |`);
  assert.deepEqual(texts, ["verfügbar "]);
});

test("asked for, there are suggestions also in a language that the model does not know", async () => {
  const text = "Der Zwischenspeicher wird geleert, sobald sich eine Datei ändert, und |";
  assert.ok((await says(" dann").at(text, { explicit: true })).texts.length > 0);
});

test("in comments a setting switches off what is unasked", async () => {
  const completed = async (comments: boolean, explicit: boolean) => {
    const { items, reason } = await says("something", { comments }).inComment(`${STORY} |`, { explicit });
    return [items.length > 0, reason];
  };
  assert.deepEqual(await completed(true, false), [true, undefined]);
  assert.deepEqual(await completed(false, false), [false, "spanfill.inlineCompletion.comments is off"]);
  assert.deepEqual(await completed(false, true), [true, undefined]);
});

test("the words after one that is sure are shown too, once they are known", async () => {
  const { at } = writer((before) => (before.trimEnd().endsWith("something") ? "interesting" : "something"));
  const sure = `${"It looks for something interesting. ".repeat(3)}It looks for`;
  assert.deepEqual((await at(`${sure} |`)).texts, ["something "]);
  await new Promise(setImmediate);
  assert.deepEqual((await at(`${sure} s|`)).texts, ["omething interesting "]);
});

test("a suggestion of the length of a word is one word", async () => {
  const { at } = writer((before) => (before.trimEnd().endsWith("something") ? "interesting" : "something"), {
    length: "word",
  });
  const sure = `${"It looks for something interesting. ".repeat(3)}It looks for`;
  await at(`${sure} |`);
  await new Promise(setImmediate);
  assert.deepEqual((await at(`${sure} s|`)).texts, ["omething "]);
});
