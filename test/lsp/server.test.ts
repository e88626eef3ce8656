import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { CodeAction, Hover, Range, TextDocumentEdit } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import type { SummarizeRangeResult } from "../../protocol/commands/reading.ts";
import type {
  ContinueHereResult,
  ContinueTextResult,
  ExplainResult,
  FillGapsResult,
  RephraseResult,
  WriteFieldResult,
} from "../../protocol/commands/writing.ts";
import type { EngineStatus } from "../../protocol/requests.ts";
import { RpcError } from "../support/json-rpc.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { FULL, isProgress, isReport, lives, progressOf, type Session, startSession } from "./session.ts";

const folder = randomModelFolder();
// Slow enough that a long piece of work is still under way when a test ends it.
const slow = randomModelFolder({ layers: 4, width: 256, seed: 2 });
after(() => {
  folder.dispose();
  slow.dispose();
});
const settings = {
  model: folder.directory,
  precision: "float32",
  threads: 1,
  inlineCompletion: { minimumConfidence: 0 },
};
const URI = "file:///notes.md";
const COMMANDS = [
  ...["summarizeRange", "summarizeText", "summarizeFolder", "forgetSummaries"],
  ...["fillGaps", "fillGapsInText", "rephrase", "writeField", "continueHere", "continueText", "explainSuggestion"],
  ...["askRange", "classifyRange", "freeModelMemory", "restartEngine", "status"],
];
/** Names that configurations of other editors may still have. */
const FORMER = ["infillText", "completeHere", "completeText", "unloadModel"];
/** What is offered at every cursor in Markdown. */
const CURSOR = ["Continue here", "Write title", "Write description"];
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

function edited(text: string, edit: FillGapsResult["edit"]): string {
  const [change] = edit.documentChanges as TextDocumentEdit[];
  const edits = (change?.edits ?? []) as { range: Range; newText: string }[];
  return TextDocument.applyEdits(TextDocument.create(URI, "markdown", 1, text), edits);
}

async function fill(session: Session, args: object = {}): Promise<FillGapsResult> {
  return (await session.command("spanfill.fillGaps", { uri: URI, version: 1, ...args })) as FillGapsResult;
}

async function status(session: Session): Promise<EngineStatus> {
  return (await session.command("spanfill.status")) as EngineStatus;
}

test("one server", async (t) => {
  await using session = await startSession({ settings });
  const { client } = session;
  let count = 0;
  /** A document of its own for each test. */
  const opened = (text: string, languageId?: string) => {
    const uri = `file:///${count++}.md`;
    session.open(uri, text, languageId);
    return uri;
  };

  await t.test("initialize says what the server can do, and loads nothing", async () => {
    const { capabilities, serverInfo } = session.initialized as never as {
      capabilities: Record<string, unknown>;
      serverInfo: { name: string };
    };
    assert.equal(serverInfo.name, "spanfill");
    assert.deepEqual(capabilities, {
      positionEncoding: "utf-16",
      textDocumentSync: { openClose: true, change: 2 },
      inlineCompletionProvider: true,
      hoverProvider: true,
      codeLensProvider: {},
      codeActionProvider: {
        codeActionKinds: [
          "refactor.rewrite.spanfill.fillGaps",
          "refactor.extract.spanfill.summarize",
          "refactor.rewrite.spanfill.rephrase",
          "refactor.extract.spanfill.classify",
          "source.spanfill.continue",
          "source.spanfill.writeTitle",
          "source.spanfill.writeDescription",
          "refactor.rewrite.spanfill.word",
        ],
      },
      executeCommandProvider: {
        commands: [...COMMANDS, ...FORMER].map((name) => `spanfill.${name}`),
        workDoneProgress: true,
      },
      workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
    });
    const { state, pid, model } = await status(session);
    assert.deepEqual([state, pid, model], ["unloaded", undefined, folder.directory]);
  });

  await t.test("inline completion finishes a word, whose letters its range holds", async () => {
    const uri = opened("the pineapple of the pi\nis it for was");
    const [word, ...others] = await session.inlineCompletion(uri, at(0, 23));
    assert.deepEqual([word?.range, others], [from(0, 21, 23), []]);
    assert.match(word?.insertText ?? "", /^pi[a-z]{2,} ?$/);
  });

  await t.test("an explicit trigger gives several different suggestions", async () => {
    const items = await session.inlineCompletion(opened("the one of "), at(0, 11), 1);
    assert.ok(items.length > 1, `${items.length} items`);
    assert.equal(new Set(items.map(({ insertText }) => insertText)).size, items.length);
  });

  await t.test(
    "nothing is suggested inside a word, in an empty document, or beside a chosen completion item",
    async () => {
      assert.deepEqual(await session.inlineCompletion(opened("the won"), at(0, 5)), []);
      assert.deepEqual(await session.inlineCompletion(opened("\n"), at(0, 0), 1), []);
      const selectedCompletionInfo = { range: from(0, 0, 3), text: "then" };
      const params = {
        textDocument: { uri: opened("the ") },
        position: at(0, 4),
        context: { triggerKind: 2, selectedCompletionInfo },
      };
      assert.deepEqual(await client.request("textDocument/inlineCompletion", params), []);
    },
  );

  await t.test("a newer inline completion ends the one before it", async () => {
    const textDocument = { uri: opened("the one of ") };
    const params = { textDocument, position: at(0, 11), context: { triggerKind: 1 } };
    const first = client.start("textDocument/inlineCompletion", params);
    const second = client.start("textDocument/inlineCompletion", params);
    await assert.rejects(first.result, code(CANCELLED, /newer/));
    assert.ok(((await second.result) as unknown[]).length > 0);
  });

  await t.test("a change of the document ends its inline completion", async () => {
    const uri = opened("the one of ");
    const running = client.start("textDocument/inlineCompletion", {
      textDocument: { uri },
      position: at(0, 11),
      context: { triggerKind: 1 },
    });
    session.change(uri, 2, { range: from(0, 0, 0), text: "x" });
    await assert.rejects(running.result, code(MODIFIED));
  });

  await t.test("hover on a heading tells what its section is about, and remembers it", async () => {
    const uri = opened("# of\n\nthe one that is it\n\n## for\n\nwas on are as with\n");
    const hover = async (line: number) =>
      (await client.request("textDocument/hover", { textDocument: { uri }, position: at(line, 1) })) as Hover | null;
    const first = await hover(0);
    assert.deepEqual(first?.range, from(0, 0, 4));
    assert.match(JSON.stringify(first?.contents), /"markdown".*\S.*\*Spanfill · .*1 part, 100% read/);
    assert.equal(await hover(1), null);
    await session.command("spanfill.restartEngine");
    assert.deepEqual(await hover(0), first);
    assert.equal((await status(session)).state, "unloaded", "the cache answered");
    assert.notDeepEqual((await hover(4))?.contents, first?.contents);
  });

  await t.test("hover is for Markdown", async () => {
    const uri = opened("# of\n\nthe one that is it\n", "python");
    assert.equal(await client.request("textDocument/hover", { textDocument: { uri }, position: at(0, 1) }), null);
  });

  await t.test("summarizes a range, a document, and shows it when asked to", async () => {
    const uri = opened("the one of\nis it for was\n");
    const run = async (args: object) =>
      (await session.command("spanfill.summarizeRange", { uri, ...args })) as SummarizeRangeResult;
    const whole = await run({ style: "sentence" });
    assert.deepEqual([whole.chunks, whole.coverage, typeof whole.summary], [1, 1, "string"]);
    // A model of random weights may name what the text does not, and is quoted over then.
    assert.deepEqual([whole.origin === "quotes", whole.calibrated], [false, false]);
    assert.match(whole.notes.join("; "), /likelihood 0\.\d\d, not calibrated$/);
    const part = await run({ range: from(0, 0, 7), style: "bullets" });
    assert.deepEqual([part.summary, part.origin, part.notes], ["- the one", "quotes", ["the text's own words"]]);
    assert.match((await run({ style: "bullets", show: true })).summary, /^- /);
    const shown = client.received.filter(({ method }) => method === "window/showMessage");
    assert.equal(shown.length, 1);
  });

  await t.test("fills the gaps of a range with an edit for this version", async () => {
    const text = "the ___ of ___ is\r\nit ___ was 🙂 ___\r\n";
    const uri = opened(text);
    const one = await fill(session, { uri, range: { start: at(0, 9), end: at(1, 6) } });
    assert.deepEqual(
      one.fills.map(({ range }) => range),
      [from(0, 11, 14), from(1, 3, 6)],
    );
    const all = await fill(session, { uri });
    const [change] = all.edit.documentChanges as TextDocumentEdit[];
    assert.deepEqual(change?.textDocument, { uri, version: 1 });
    let expected = text;
    for (const { text: made } of all.fills) expected = expected.replace("___", () => made || "___");
    assert.equal(all.fills.length, 4);
    assert.equal(edited(text, all.edit), expected);
    assert.ok(all.fills.every(({ confidence }) => confidence >= 0 && confidence <= 1));
  });

  await t.test("an edit for an older version of the document is refused", async () => {
    const uri = opened("the ___ of");
    session.change(uri, 2, { range: from(0, 0, 0), text: "x " });
    await assert.rejects(fill(session, { uri, version: 1 }), code(MODIFIED, /version 1 .* version 2/));
    const running = fill(session, { uri, version: 2 });
    session.change(uri, 3, { range: from(0, 0, 0), text: "y " });
    await assert.rejects(running, code(MODIFIED, /version 2 .* version 3/));
    await assert.rejects(
      session.command("spanfill.summarizeRange", { uri, version: 2 }),
      code(MODIFIED, /version 2 .* version 3/),
    );
  });

  await t.test("no gap is an error that says what marks one", async () => {
    await assert.rejects(fill(session, { uri: opened("nothing to do") }), (error: unknown) => {
      assert.deepEqual((error as RpcError).data, { code: "input" });
      return code(FAILED, /"___" does not occur/)(error);
    });
  });

  await t.test("the code action of a cursor has the client put a suggestion there", async () => {
    const uri = opened("the one of\nis it for was");
    const [action] = (await client.request("textDocument/codeAction", {
      textDocument: { uri },
      range: from(0, 10, 10),
      context: { only: ["source.spanfill.continue"] },
    })) as CodeAction[];
    let asked: unknown;
    client.answers.set("workspace/applyEdit", (params) => {
      asked = params;
      return { applied: true };
    });
    const made = await client.request("workspace/executeCommand", action?.command);
    const { text, applied } = made as ContinueHereResult;
    assert.ok(applied && text !== "", JSON.stringify(made));
    const edits = [{ range: from(0, 10, 10), newText: text }];
    const edit = { documentChanges: [{ textDocument: { uri, version: 1 }, edits }] };
    assert.deepEqual(asked, { label: "Continue", edit });
  });

  await t.test("code actions offer what fits the selection; their command has the client apply the edit", async () => {
    const text = "the ___ of ___ is\nit ___ was\nno more\n";
    const uri = opened(text);
    const actions = async (range: Range, context = {}) =>
      (await client.request("textDocument/codeAction", { textDocument: { uri }, range, context })) as CodeAction[];
    const titles = async (range: Range, context = {}) => (await actions(range, context)).map(({ title }) => title);
    assert.deepEqual(await titles({ start: at(0, 0), end: at(2, 0) }), ["Fill gaps (3)", "Summarize selection"]);
    assert.deepEqual(await titles(from(1, 0, 0)), ["Fill gap", ...CURSOR]);
    assert.deepEqual(await titles(from(2, 0, 0)), CURSOR);
    // Helix's cursor is a selection of one character, on the gap, beside it, or on the end of its line.
    for (const cursor of [from(1, 0, 1), from(1, 4, 5), { start: at(1, 10), end: at(2, 0) }])
      assert.deepEqual(await titles(cursor), ["Fill gap", ...CURSOR], JSON.stringify(cursor));
    const emoji = opened("a 👩‍👩‍👧‍👦 ___\n");
    const family = { textDocument: { uri: emoji }, range: from(0, 2, 13), context: {} };
    const onEmoji = (await client.request("textDocument/codeAction", family)) as CodeAction[];
    assert.deepEqual(
      onEmoji.map(({ title }) => title),
      ["Fill gap", ...CURSOR],
    );
    assert.deepEqual(await titles(from(2, 0, 0), { only: ["refactor"] }), []);
    assert.deepEqual(await titles(from(2, 0, 2)), ["Summarize selection", "Rephrase selection"]);
    assert.deepEqual(await titles(from(0, 0, 17), { only: ["refactor.rewrite"] }), ["Fill gaps (2)"]);
    assert.deepEqual(await titles(from(0, 0, 17), { only: ["quickfix", "source"] }), []);

    const [action] = await actions(from(0, 0, 17));
    assert.deepEqual([action?.kind, action?.tags], ["refactor.rewrite.spanfill.fillGaps", [1]]);
    let label: unknown;
    client.answers.set("workspace/applyEdit", (params) => {
      label = (params as { label: string }).label;
      return { applied: true };
    });
    const run = async () => (await client.request("workspace/executeCommand", action?.command)) as FillGapsResult;
    const made = await run();
    assert.deepEqual([made.applied, label, made.fills.length], [true, "Fill gaps", 2]);
    client.answers.set("workspace/applyEdit", () => ({ applied: false, failureReason: "it is read-only" }));
    assert.equal((await run()).applied, false);
    await client.until(
      ({ method, params }) =>
        method === "window/showMessage" && /read-only/.test((params as { message: string }).message),
    );
  });

  await t.test("markers that are no gaps are left and named", async () => {
    const uri = opened("The ___ is here.\n\nCall `my___var` now.\n\nName: ________\n");
    const { fills, passed, notes } = await fill(session, { uri });
    assert.equal(fills.length, 1);
    assert.deepEqual(passed, [
      { range: from(2, 8, 11), why: "name" },
      { range: from(4, 6, 14), why: "form" },
    ]);
    assert.match(notes.join("; "), /^left as it is: line 3 \(part of a name\), line 5 \(a form's blank\); to fill/);
  });

  await t.test("rephrasing offers other words for a part, and has the client put the best one there", async () => {
    const text = "the ferry goes over to the island\n";
    const uri = opened(text);
    const rephrase = async (args: object) =>
      (await session.command("spanfill.rephrase", {
        uri,
        version: 1,
        range: from(0, 10, 14),
        ...args,
      })) as RephraseResult;
    const made = await rephrase({ count: 3 });
    assert.deepEqual(made.range, from(0, 10, 14));
    assert.ok(made.alternatives.length > 0 && made.alternatives.length <= 3);
    assert.ok(made.alternatives.every((one) => one.text !== "goes"));
    assert.equal(made.applied, undefined);
    let edit: unknown;
    client.answers.set("workspace/applyEdit", (params) => {
      edit = params;
      return { applied: true };
    });
    const [best] = made.alternatives;
    assert.equal((await rephrase({ apply: true })).applied, true);
    if (best !== undefined) assert.match(JSON.stringify(edit), /"label":"Rephrase"/);
    await assert.rejects(rephrase({ version: 7 }), code(MODIFIED));
    await assert.rejects(rephrase({ range: from(0, 9, 9) }), code(FAILED, /nothing to rephrase/));
  });

  await t.test("a field is proposed, and written where the document has it", async () => {
    const uri = opened("---\ntags: [a]\n---\nThe harbour was built in 1862.\n");
    const write = async (args: object) =>
      (await session.command("spanfill.writeField", {
        uri,
        version: 1,
        field: "description",
        ...args,
      })) as WriteFieldResult;
    const given = await write({ value: " A harbour " });
    assert.deepEqual([given.value, given.newText, given.notes], ["A harbour", "description: A harbour\n", []]);
    assert.deepEqual(given.range, { start: at(2, 0), end: at(2, 0) });
    assert.ok((await write({})).notes.length > 0);
    await assert.rejects(write({ field: "author" }), code(-32602));
    await assert.rejects(write({ version: 2 }), code(MODIFIED));
  });

  await t.test("a comment in a program is completed, its code is not", async () => {
    const text = "x = 1\n# the ferry goes\n";
    const uri = opened(text, "python");
    const at1 = async (line: number, character: number) =>
      (await client.request("textDocument/inlineCompletion", {
        textDocument: { uri },
        position: at(line, character),
        context: { triggerKind: 1 },
      })) as { insertText: string }[];
    assert.deepEqual(await at1(0, 5), []);
    const completions = await at1(1, 16);
    assert.ok(completions.length > 0);
    for (const { insertText } of completions) assert.doesNotMatch(insertText, /\n/);
    const args = { uri, text: "the ferry goes", offset: 14, explicit: true };
    const { items } = (await session.command("spanfill.continueText", args)) as ContinueTextResult;
    assert.deepEqual(
      items,
      (await at1(1, 16)).map(({ insertText }) => insertText),
    );
  });

  await t.test("headings have lenses where the setting wants them", async () => {
    const uri = opened("# A\n\none\n\n## B\n\n# C\n\ntwo\n");
    const lenses = async () =>
      (await client.request("textDocument/codeLens", { textDocument: { uri } })) as { range: Range; command: object }[];
    assert.deepEqual(await lenses(), []);
    const original = session.settings;
    session.settings = { ...original, codeLens: { enabled: true } };
    client.notify("workspace/didChangeConfiguration", { settings: null });
    const [first, second, ...more] = await lenses();
    assert.deepEqual([first?.range, second?.range, more], [from(0, 0, 3), from(6, 0, 3), []]);
    assert.match(JSON.stringify(first?.command), /"line":6,"character":0/);
    session.settings = original;
    client.notify("workspace/didChangeConfiguration", { settings: null });
  });

  await t.test("what typing would suggest is said, or why nothing", async () => {
    const explain = async (uri: string, character: number) =>
      (await session.command("spanfill.explainSuggestion", { uri, position: at(0, character) })) as ExplainResult;
    assert.match((await explain(opened("word\n"), 2)).reason ?? "", /no word begins/);
    const program = opened("let a = 1;\n", "javascript");
    assert.match((await explain(program, 8)).reason ?? "", /in code/);
    const { suggestion, reason } = await explain(opened("the ferry goes\n"), 14);
    assert.ok((suggestion === undefined) !== (reason === undefined));
  });

  await t.test("an engine that was killed is started again by the next request", async () => {
    const uri = opened("the ___ of");
    await fill(session, { uri });
    const { pid } = await status(session);
    assert.ok(pid !== undefined && lives(pid));
    const seen = client.received.length;
    process.kill(pid, "SIGKILL");
    await client.until(
      ({ method, params }) => method === "$/spanfill/status" && (params as EngineStatus).state === "unloaded",
      seen,
    );
    assert.equal((await fill(session, { uri })).fills.length, 1);
    const again = await status(session);
    assert.ok(again.pid !== undefined && again.pid !== pid);
  });

  await t.test(
    "changed settings count from the next request on; wrong ones are named and their defaults used",
    async () => {
      const uri = opened("the [?] of ___");
      const original = session.settings;
      session.settings = { ...original, gapMarker: "[?]", threads: -1 };
      const seen = client.received.length;
      client.notify("workspace/didChangeConfiguration", { settings: null });
      const [only] = (await fill(session, { uri })).fills;
      assert.deepEqual(only?.range, from(0, 4, 7));
      await client.until(
        ({ method, params }) =>
          method === "window/logMessage" && /spanfill\.threads is -1/.test((params as { message: string }).message),
        seen,
      );
      session.settings = { ...original, inlineCompletion: { enabled: false, minimumConfidence: 0 } };
      client.notify("workspace/didChangeConfiguration", { settings: null });
      assert.deepEqual(await session.inlineCompletion(uri, at(0, 7)), []);
      assert.ok((await session.inlineCompletion(uri, at(0, 7), 1)).length > 0, "asked for, it is there");
      session.settings = { ...original, inlineCompletion: { minimumConfidence: 1 } };
      client.notify("workspace/didChangeConfiguration", { settings: null });
      assert.deepEqual(await session.inlineCompletion(uri, at(0, 7)), [], "not sure enough");
      session.settings = { ...original, hover: { enabled: false } };
      client.notify("workspace/didChangeConfiguration", { settings: null });
      const heading = { textDocument: { uri: opened("# a\n\nthe one") }, position: at(0, 0) };
      assert.equal(await client.request("textDocument/hover", heading), null);
      session.settings = original;
      client.notify("workspace/didChangeConfiguration", { settings: null });
    },
  );

  await t.test("a model that is not there is an error with its code, and the status says so", async () => {
    const original = session.settings;
    session.settings = { ...original, model: "/nowhere" };
    client.notify("workspace/didChangeConfiguration", { settings: null });
    const uri = opened("the ___ of");
    await assert.rejects(fill(session, { uri }), (error: unknown) => {
      assert.deepEqual((error as RpcError).data, { code: "config" });
      return code(FAILED, /nowhere/)(error);
    });
    const failed = await status(session);
    assert.equal(failed.state, "failed");
    assert.match(failed.message ?? "", /nowhere/);
    session.settings = original;
    client.notify("workspace/didChangeConfiguration", { settings: null });
    assert.equal((await fill(session, { uri })).fills.length, 1);
    assert.equal((await status(session)).state, "ready");
  });
});

test("long work", async (t) => {
  const models = { ask: slow.directory };
  await using session = await startSession({ settings: { ...settings, model: slow.directory, models } });
  const { client } = session;
  // Each part another one: what is known of a part is not asked for again.
  const part = (i: number) => `${"the one of and to in is that it for was on are as with. ".repeat(30)}${i}\n\n`;
  session.open(URI, Array.from({ length: 60 }, (_, i) => part(i)).join(""));
  const asking = (extra: object = {}) =>
    client.start("workspace/executeCommand", {
      command: "spanfill.askRange",
      arguments: [{ uri: URI, version: 1, question: "what is it?" }],
      ...extra,
    });

  await t.test("cancelling its progress ends it in the middle", async () => {
    const running = asking();
    await client.until(isReport);
    const token = progressOf(client).at(-1)?.token;
    client.notify("window/workDoneProgress/cancel", { token });
    await assert.rejects(running.result, code(CANCELLED));
    const own = progressOf(client).filter((progress) => progress.token === token);
    assert.deepEqual([own[0]?.kind, own.at(-1)?.kind], ["begin", "end"]);
    const last = own.findLast(({ kind }) => kind === "report")?.percentage ?? 100;
    assert.ok(last < 50, `cancelled at ${last}%`);
  });

  await t.test("cancelling the request ends it, too; a token of the client's is used", async () => {
    const seen = client.received.length;
    const running = asking({ workDoneToken: "mine" });
    await client.until(isReport, seen);
    client.notify("$/cancelRequest", { id: running.id });
    await assert.rejects(running.result, code(CANCELLED));
    const tokens = new Set(
      client.received
        .slice(seen)
        .filter(isProgress)
        .map(({ params }) => (params as { token: unknown }).token),
    );
    assert.deepEqual([...tokens], ["mine"]);
    assert.equal(progressOf(client).at(-1)?.kind, "end");
  });

  await t.test("an engine killed in the middle fails the request, and is back for the next", async () => {
    const seen = client.received.length;
    const running = asking();
    await client.until(isReport, seen);
    const { pid } = await status(session);
    process.kill(pid ?? 0, "SIGKILL");
    await assert.rejects(running.result, (error: unknown) => {
      assert.deepEqual((error as RpcError).data, { code: "process" });
      return code(FAILED, /next request starts it again/)(error);
    });
    assert.equal((await session.inlineCompletion(URI, at(0, 4), 1)).length > 0, true);
  });
});

for (const [encoding, offered] of [
  ["utf-8", ["utf-16", "utf-8"]],
  ["utf-16", ["utf-32"]],
  ["utf-16", undefined],
] as const) {
  test(`positions are in ${encoding} for a client that offers ${offered}`, async () => {
    const capabilities = { ...FULL, general: { positionEncodings: offered } };
    await using session = await startSession({ settings, capabilities });
    const size = (text: string) => (encoding === "utf-8" ? Buffer.byteLength(text) : text.length);
    const { capabilities: agreed } = session.initialized as { capabilities: { positionEncoding: string } };
    assert.equal(agreed.positionEncoding, encoding);
    // An emoji with a joiner, a combining accent, a character of three bytes.
    const before = "👩‍🚀 cafe\u0301 — ";
    session.open(URI, `x\r\n${before}TODO of 🙂 ___ it\r\n`);
    session.change(
      URI,
      2,
      { range: from(1, size(before), size(`${before}TODO`)), text: "é ___" },
      { range: from(1, size(`${before}é`), size(`${before}é`)), text: "🙂" },
    );
    const { fills } = await fill(session, {
      version: 2,
      range: from(1, size(before), size(`${before}é🙂 ___ of 🙂 ___`)),
    });
    const first = size(`${before}é🙂 `);
    const second = size(`${before}é🙂 ___ of 🙂 `);
    assert.deepEqual(
      fills.map(({ range }) => range),
      [from(1, first, first + 3), from(1, second, second + 3)],
    );
    const [item] = await session.inlineCompletion(URI, at(1, size(`${before}é🙂 `)), 1);
    assert.deepEqual(item?.range, from(1, first, first));
    const end = size(`${before}é🙂 ___ of 🙂 ___ it`);
    const [beyond] = await session.inlineCompletion(URI, at(1, 1000), 1);
    assert.deepEqual(beyond?.range.end, at(1, end), "a line's end is before its line break");
  });
}

test("a client that only pushes settings is served, without progress, and an idle engine is unloaded", async () => {
  const spanfill = { ...settings, gapMarker: "TODO", idleMinutes: 0.001 };
  await using session = await startSession({
    settings: {},
    capabilities: {},
    initialize: { initializationOptions: { spanfill } },
  });
  session.open(URI, "the TODO of ___");
  assert.deepEqual((await fill(session)).fills[0]?.range, from(0, 4, 8));
  await session.client.until(
    ({ method, params }) => method === "$/spanfill/status" && (params as EngineStatus).state === "unloaded",
  );
  session.client.notify("workspace/didChangeConfiguration", {
    settings: { spanfill: { ...spanfill, gapMarker: "___" } },
  });
  assert.deepEqual((await fill(session)).fills[0]?.range, from(0, 12, 15));
  assert.deepEqual(
    session.client.received.filter(({ id, method }) => id !== undefined && method !== undefined),
    [],
  );
});
