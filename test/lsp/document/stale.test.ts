/**
 * Answers for a text that is no longer there: a document that was closed and opened again, changed in the middle, or an
 * engine that was restarted.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { CodeAction, CodeLens, Hover, Range, TextDocumentEdit } from "vscode-languageserver-protocol";
import type { FillGapsResult } from "../../../protocol/commands/writing.ts";
import type { EngineStatus } from "../../../protocol/requests.ts";
import { RpcError } from "../../support/json-rpc.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { isReport, type Session, startSession } from "../session.ts";

const folder = randomModelFolder({ seed: 13 });
const other = randomModelFolder({ seed: 3 });
// Slow enough that a long piece of work is still under way when a test ends it.
const slow = randomModelFolder({ layers: 4, width: 256, seed: 2 });
after(() => {
  for (const each of [folder, other, slow]) each.dispose();
});
const settings = { model: folder.directory, precision: "float32", threads: 1 };
const URI = "file:///notes.md";
const MODIFIED = -32801;
const SERVER_CANCELLED = -32802;

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

/** Closes the document and opens another text under its name, at the same version. */
function reopen({ client, open }: Session, text: string): void {
  client.notify("textDocument/didClose", { textDocument: { uri: URI } });
  open(URI, text);
}

async function hover({ client }: Session, line: number, character: number): Promise<Hover | null> {
  const params = { textDocument: { uri: URI }, position: at(line, character) };
  return (await client.request("textDocument/hover", params)) as Hover | null;
}

async function state(session: Session): Promise<EngineStatus["state"]> {
  return ((await session.command("spanfill.status")) as EngineStatus).state;
}

test("words are those of the document that is open, whatever one before it had at this version", async () => {
  await using session = await startSession({ settings, initialize: { initializationOptions: { commandLinks: true } } });
  session.open(URI, "the one of it\nand `the code` for was\n");
  assert.deepEqual((await hover(session, 0, 5))?.range, from(0, 4, 7));
  reopen(session, "the on of it\nand `the code` for was\n");
  const made = await hover(session, 0, 5);
  assert.deepEqual(made?.range, from(0, 4, 6));
  const markdown = String(Object(made?.contents).value);
  const [, argument = ""] = /spanfill\.replaceWord\?(\S+) "/.exec(markdown) ?? [];
  const [{ range, word }] = JSON.parse(decodeURIComponent(argument));
  assert.deepEqual([range, word], [from(0, 4, 6), "on"], "what a click replaces");
  // Opened again without having been closed, as after a crash of the client.
  session.open(URI, "the one of it\nand `the code` for was\n");
  assert.deepEqual((await hover(session, 0, 4))?.range, from(0, 4, 7));
});

test("words of one model or precision are not shown for another", async () => {
  await using session = await startSession({ settings });
  session.open(URI, "the one of it\nand `the code` for was\n");
  await hover(session, 0, 5);
  for (const change of [{ precision: "int8" }, { model: other.directory }, { models: { infill: other.directory } }]) {
    session.settings = { ...settings, ...change };
    session.client.notify("workspace/didChangeConfiguration", { settings: null });
    await session.command("spanfill.freeModelMemory");
    await hover(session, 0, 5);
    assert.equal(await state(session), "ready", `${JSON.stringify(change)}: the words were another model's`);
  }
});

test("work on a document that is closed and opened again meanwhile is refused", async () => {
  await using session = await startSession({ settings: { ...settings, model: slow.directory } });
  const { client } = session;
  const text = "the ___ of ___ is one\n";
  const place = { uri: URI, version: 1 };
  const kinds: Record<string, () => Promise<unknown>> = {
    fillGaps: () => session.command("spanfill.fillGaps", { ...place, apply: true }),
    rephrase: () => session.command("spanfill.rephrase", { ...place, range: from(0, 18, 21), apply: true }),
    writeField: () => session.command("spanfill.writeField", { ...place, field: "title", apply: true }),
    continueHere: () => session.command("spanfill.continueHere", { ...place, position: at(0, 21) }),
    hover: () => hover(session, 0, 19),
    inlineCompletion: () => session.inlineCompletion(URI, at(0, 21), 1),
  };
  for (const [kind, ask] of Object.entries(kinds)) {
    reopen(session, text);
    const running = ask();
    reopen(session, `a${text}`);
    await assert.rejects(running, code(MODIFIED), kind);
  }
  assert.ok(!client.received.some(({ method }) => method === "workspace/applyEdit"), "an edit was sent");
});

test("a summary's hover is not put over lines that have moved meanwhile", async () => {
  await using session = await startSession({ settings: { ...settings, model: slow.directory } });
  session.open(URI, "# of\n\nthe one that is it\n");
  const running = hover(session, 0, 3);
  session.change(URI, 2, { range: from(0, 0, 0), text: "for\n\n" });
  await assert.rejects(running, code(MODIFIED));
});

test("an offer that was made for a document is refused after that was closed and opened again", async () => {
  await using session = await startSession({ settings: { ...settings, codeLens: { enabled: true } } });
  const { client } = session;
  const text = "# of\n\nthe ___ of it\n";
  session.open(URI, text);
  const textDocument = { uri: URI };
  const lenses = (await client.request("textDocument/codeLens", { textDocument })) as CodeLens[];
  const params = { textDocument, range: from(2, 0, 13), context: {} };
  const actions = (await client.request("textDocument/codeAction", params)) as CodeAction[];
  const cursor = { textDocument, range: from(2, 4, 4), context: {} };
  actions.push(...((await client.request("textDocument/codeAction", cursor)) as CodeAction[]));
  client.answers.set("workspace/applyEdit", () => ({ applied: true }));
  const offers = [...lenses, ...actions].flatMap(({ command }) => command ?? []);
  assert.ok(offers.length >= 4, `${offers.length} offers`);
  for (const offer of offers) await client.request("workspace/executeCommand", offer);
  reopen(session, `for\n${text}`);
  for (const offer of offers) {
    await assert.rejects(
      client.request("workspace/executeCommand", offer),
      code(MODIFIED),
      typeof offer === "object" ? offer.title : offer,
    );
  }
  // Who writes the arguments alone need not know of it.
  const made = (await session.command("spanfill.fillGaps", { uri: URI, version: 1 })) as FillGapsResult;
  const [change] = made.edit.documentChanges as TextDocumentEdit[];
  assert.deepEqual(change?.textDocument, { uri: URI, version: 1 });
});

test("what runs when the engine is restarted, or gets other settings, is asked once more, and nothing has failed", async () => {
  const models = { ask: slow.directory };
  await using session = await startSession({ settings: { ...settings, model: slow.directory, models } });
  const { client } = session;
  let count = 0;
  /** A question about a text of many parts of which the first is read; another text each time, for answers are kept. */
  const asking = async () => {
    const seen = client.received.length;
    const uri = `file:///${count++}.md`;
    const part = (i: number) => `${"the one of and to in is that it for was on. ".repeat(40)}${uri} ${i}\n\n`;
    session.open(uri, Array.from({ length: 3 }, (_, i) => part(i)).join(""));
    const running = session.command("spanfill.askRange", { uri, version: 1, question: "what is it?" });
    running.catch(() => undefined); // looked at later
    await client.until((message) => isReport(message), seen);
    return { running };
  };
  session.open(URI, "the one of it\n");
  const restarted = await asking();
  await session.command("spanfill.restartEngine");
  assert.ok(await restarted.running);

  const reset = await asking();
  session.settings = { ...session.settings, threads: 2 };
  client.notify("workspace/didChangeConfiguration", { settings: null });
  assert.ok(await session.command("spanfill.rephrase", { uri: URI, version: 1, range: from(0, 4, 7) }));
  assert.ok(await reset.running);

  const unloaded = await asking();
  await session.command("spanfill.freeModelMemory");
  await assert.rejects(unloaded.running, code(SERVER_CANCELLED, /memory.*again/));
  assert.equal(await state(session), "unloaded");
  assert.ok(
    !client.received.some(
      (message) => message.method === "$/spanfill/status" && (message.params as EngineStatus).state === "failed",
    ),
    "it was said to have failed",
  );
});
