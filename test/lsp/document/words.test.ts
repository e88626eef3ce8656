/** Other words for a word, and questions about a text, as a client asks the server for them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { CodeAction, Hover, Range, TextDocumentEdit } from "vscode-languageserver-protocol";
import type { AskResult, ClassifyResult } from "../../../protocol/commands/reading.ts";
import type { FillGapsResult } from "../../../protocol/commands/writing.ts";
import { RpcError } from "../../support/json-rpc.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { startSession } from "../session.ts";

// A seed whose words are words.
const folder = randomModelFolder({ seed: 8 });
const other = randomModelFolder({ seed: 3 });
after(() => {
  folder.dispose();
  other.dispose();
});
const settings = { model: folder.directory, precision: "float32", threads: 1 };
const TEXT = "the one of it\nand `the code` for was\n";
const CANCELLED = -32800;
const MODIFIED = -32801;
const FAILED = -32803;

const code =
  (expected: number, message = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof RpcError, String(error));
    assert.equal(error.code, expected, error.message);
    assert.match(error.message, message);
    return true;
  };
const at = (line: number, character: number) => ({ line, character });
const from = (line: number, start: number, end: number): Range => ({ start: at(line, start), end: at(line, end) });

const markdownOf = (hover: Hover | null) => String(Object(hover?.contents).value);

async function opened(given: object = {}, initialize: object = {}) {
  const session = await startSession({ settings: { ...settings, ...given }, initialize });
  let count = 0;
  const open = (text: string, languageId?: string) => {
    const uri = `file:///${count++}.md`;
    session.open(uri, text, languageId);
    return uri;
  };
  const hover = async (uri: string, line: number, character: number) =>
    (await session.client.request("textDocument/hover", {
      textDocument: { uri },
      position: at(line, character),
    })) as Hover | null;
  return { session, open, hover };
}

test("a hover on a word of prose tells other words, with links only for who follows them", async () => {
  const { session, open, hover } = await opened();
  await using _ = session;
  const uri = open(TEXT);
  const made = await hover(uri, 0, 5);
  assert.deepEqual(made?.range, from(0, 4, 7));
  assert.match(markdownOf(made), /^\S+ \d+%( · \S+ \d+%)*\n\n\*Spanfill · .* · not calibrated\*$/);
  assert.equal(await hover(uri, 1, 7), null, "inline code");
  assert.equal(await hover(open("x = one\n", "python"), 0, 5), null, "a program");

  const linked = await opened({}, { initializationOptions: { commandLinks: true } });
  await using __ = linked.session;
  const shown = markdownOf(await linked.hover(linked.open(TEXT), 0, 5));
  const links = [...shown.matchAll(/\]\(command:([\w.]+)\?(\S+) "Replace"\)/g)];
  assert.ok(links.length > 0);
  for (const [, command, argument = ""] of links) {
    assert.equal(command, "spanfill.replaceWord");
    const [{ text, ...place }] = JSON.parse(decodeURIComponent(argument));
    assert.deepEqual(place, { uri: "file:///0.md", version: 1, range: from(0, 4, 7), word: "one" });
    assert.match(text, /^\S+$/);
  }
});

test("a word is asked about once, and again when the text has changed; a newer hover ends the one before", async () => {
  const { session, open, hover } = await opened();
  await using _ = session;
  const uri = open(TEXT);
  const first = await hover(uri, 0, 5);
  await session.command("spanfill.restartEngine");
  assert.deepEqual(await hover(uri, 0, 6), first);
  const { state } = (await session.command("spanfill.status")) as { state: string };
  assert.equal(state, "unloaded", "the model was asked again");
  session.change(uri, 2, { range: from(0, 0, 0), text: "for " });
  assert.deepEqual((await hover(uri, 0, 9))?.range, from(0, 8, 11));

  const ask = (character: number) =>
    session.client.start("textDocument/hover", { textDocument: { uri }, position: at(0, character) });
  const [old, newer] = [ask(5), ask(13)];
  await assert.rejects(old.result, code(CANCELLED, /newer/));
  assert.ok(await newer.result);
  const late = ask(1);
  session.change(uri, 3, { range: from(0, 0, 0), text: "x" });
  await assert.rejects(late.result, code(MODIFIED));
});

test("the setting switches words off, and leaves summaries", async () => {
  const { session, open, hover } = await opened({ hover: { words: false } });
  await using _ = session;
  const uri = open(`# of\n\n${TEXT}`);
  assert.equal(await hover(uri, 2, 5), null);
  assert.ok(await hover(uri, 0, 3));
});

test("code actions replace a word for clients without links, but only when a person asks", async () => {
  const { session, open } = await opened();
  await using _ = session;
  const uri = open(TEXT);
  const actions = async (context: object, range = from(0, 5, 5)) => {
    const params = { textDocument: { uri }, range, context };
    const made = (await session.client.request("textDocument/codeAction", params)) as CodeAction[];
    return made.filter(({ title }) => title.startsWith("Replace"));
  };
  assert.deepEqual(await actions({ triggerKind: 2 }), []);
  assert.equal(((await session.command("spanfill.status")) as { state: string }).state, "unloaded");
  const made = await actions({ triggerKind: 1 });
  assert.ok(made.length > 0);
  for (const { title, kind, tags, edit } of made) {
    assert.match(title, /^Replace "one" with "\S+" \(\d+%\)$/);
    assert.deepEqual([kind, tags], ["refactor.rewrite.spanfill.word", [1]]);
    const [change] = (edit?.documentChanges ?? []) as TextDocumentEdit[];
    assert.deepEqual(change?.textDocument, { uri, version: 1 });
    assert.deepEqual(
      change?.edits.map((each) => "range" in each && each.range),
      [from(0, 4, 7)],
    );
  }
  assert.deepEqual(await actions({ triggerKind: 1, only: ["quickfix"] }), []);
  assert.deepEqual(await actions({ triggerKind: 1 }, from(1, 7, 7)), []);
});

test("a question is answered from a range, by the model chosen for questions alone", async () => {
  const { session, open } = await opened({ models: { ask: other.directory, classify: other.directory } });
  await using _ = session;
  const uri = open(TEXT);
  const ask = async (args: object = {}) =>
    (await session.command("spanfill.askRange", { uri, version: 1, question: "for", ...args })) as AskResult;
  const made = await ask({ range: from(0, 0, 13) });
  assert.deepEqual([made.chunks, made.coverage], [1, 1]);
  assert.ok(made.answers.length > 0 && made.model === other.directory.split("/").at(-1), made.model);
  for (const { ranges, likelihood } of made.answers) {
    assert.ok(likelihood >= 0 && likelihood <= 1);
    for (const { start, end } of ranges) assert.ok(start.line === 0 && end.character <= 13);
  }
  await ask({ show: true });
  assert.ok(session.client.received.some(({ method }) => method === "window/showMessage"));
  await assert.rejects(ask({ version: 2 }), code(MODIFIED));
  await assert.rejects(ask({ question: " " }), code(-32602));
  const running = ask();
  session.change(uri, 2, { range: from(0, 0, 0), text: "x" });
  await assert.rejects(running, code(MODIFIED));

  const classified = (await session.command("spanfill.classifyRange", {
    uri,
    version: 2,
    labels: ["for", "with"],
  })) as ClassifyResult;
  assert.deepEqual(classified.labels.map(({ label }) => label).sort(), ["for", "with"]);
  assert.ok(Math.abs(classified.labels.reduce((sum, each) => sum + each.probability, 0) - 1) < 1e-6);
  assert.equal(classified.origin, "given");
  const summary = (await session.command("spanfill.summarizeRange", { uri })) as { model: string };
  assert.equal(summary.model, folder.directory.split("/").at(-1), "a model for one task took over another");
  const range = from(0, 0, 8);
  const actions = (await session.client.request("textDocument/codeAction", {
    textDocument: { uri },
    range,
    context: {},
  })) as CodeAction[];
  assert.ok(actions.some(({ title, command }) => title === "Classify selection" && command?.arguments?.[0]?.show));
});

test("gaps are filled with an annotation for each, for clients that let a person confirm them", async () => {
  const { session, open } = await opened();
  await using _ = session;
  const text = "the e\u0301___\u0301 of 🙂___🙂\r\nit ___\r\nwas\r\n";
  const uri = open(text);
  let asked: unknown;
  session.client.answers.set("workspace/applyEdit", (params) => {
    asked = (params as { edit: unknown }).edit;
    return { applied: true };
  });
  const params = { uri, version: 1, annotate: true, apply: true };
  const { edit, fills } = (await session.command("spanfill.fillGaps", params)) as FillGapsResult;
  assert.deepEqual(asked, edit);
  const [change] = edit.documentChanges as TextDocumentEdit[];
  const filled = fills.filter((fill) => fill.text !== "");
  assert.ok(filled.length > 0);
  assert.deepEqual(
    change?.edits.map((each) => "annotationId" in each && each.annotationId),
    filled.map((_, i) => `Gap ${i + 1}`),
  );
  assert.deepEqual(
    Object.values(edit.changeAnnotations ?? {}),
    filled.map((_, i) => ({ label: `Gap ${i + 1}`, needsConfirmation: true })),
  );
});

test("a text in a language that the model does not know is left in peace", async () => {
  const { session, open, hover } = await opened();
  await using _ = session;
  const german = "Der Zwischenspeicher wird geleert, sobald sich eine Datei ändert, und danach neu angelegt.";
  assert.equal(await hover(open(german), 0, 6), null);
});

test("without a model for it the message says what to do", async () => {
  const { session, open } = await opened();
  await using _ = session;
  const uri = open(TEXT);
  await assert.rejects(
    session.command("spanfill.askRange", { uri, version: 1, question: "for" }),
    code(FAILED, /not taught to answer questions\. Fine-tune a model .*spanfill\.models\.ask/),
  );
  await assert.rejects(session.command("spanfill.askRange", { uri, version: 1, question: "for" }), (error) => {
    assert.deepEqual((error as RpcError).data, { code: "task" });
    return true;
  });
  await assert.rejects(
    session.command("spanfill.classifyRange", { uri, version: 1 }),
    code(FAILED, /not taught to classify\. Fine-tune a model .*spanfill\.models\.classify/),
  );
});
