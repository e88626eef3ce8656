/**
 * A handler of any kind that throws or rejects: its request is answered with an error, the log says it, and everything
 * else goes on.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createRemoteEngine } from "../../server/engine/process/remote.ts";
import { RpcClient, RpcError } from "../support/json-rpc.ts";
import { PLANT, plantedBundle } from "../support/planted.ts";
import { FULL } from "./session.ts";

const server = await plantedBundle("server/main.ts", {
  "server/lsp/handlers.ts": ["provideHover", "provideInlineCompletion", "provideCodeLenses", "provideCodeActions"],
  "server/lsp/commands/execute.ts": ["executeCommand"],
  "server/lsp/panel.ts": ["createPanelService"],
  "server/lsp/settings-store.ts": ["createSettingsStore"],
  "server/lsp/document/suggestions.ts": ["createSuggestions"],
  "server/lsp/document/words.ts": ["createWords"],
  "server/lsp/engine/engine-host.ts": ["createEngineHost"],
  "server/lsp/progress.ts": ["createProgress"],
  "server/features/read/summary-cache.ts": ["createSummaryCache"],
  "server/runs/typing.ts": ["createTypingNotice"],
});
const child = await plantedBundle("server/engine/process/child.ts", {
  "server/engine/process/local.ts": ["createLocalEngine"],
  "server/engine/runtime/on-device.ts": ["probeDevice"],
});
after(() => {
  server.dispose();
  child.dispose();
  delete process.env[PLANT];
});

const uri = "file:///notes.md";
const textDocument = { uri };
const position = { line: 0, character: 0 };
const nowhere = { start: position, end: position };

/** Requests by the function that is planted for them. */
const requests: Record<string, [method: string, params: object]> = {
  provideHover: ["textDocument/hover", { textDocument, position }],
  provideInlineCompletion: ["textDocument/inlineCompletion", { textDocument, position, context: { triggerKind: 2 } }],
  provideCodeLenses: ["textDocument/codeLens", { textDocument }],
  provideCodeActions: ["textDocument/codeAction", { textDocument, range: nowhere, context: { diagnostics: [] } }],
  executeCommand: ["workspace/executeCommand", { command: "spanfill.status" }],
  "createEngineHost.status": ["workspace/executeCommand", { command: "spanfill.status" }],
  "createPanelService.answer": ["spanfill/panel", { kind: "devices", id: "x", again: false }],
};

/** Background work by the function that is planted for it; the session below sets all of it off. */
const background = [
  "createSettingsStore.settingsFor",
  "createSettingsStore.changed",
  "createSettingsStore.forget",
  "createSuggestions.changed",
  "createSuggestions.closed",
  "createWords.changed",
  "createSummaryCache.keep",
  "createSummaryCache.flush",
  "createTypingNotice.call",
  "createEngineHost.dispose",
];

/** Those that return nothing that could reject. */
const SYNCHRONOUS = /status$|changed$|closed$|forget$|call$/;

/**
 * A session that sets off every kind of background work, with a request in the middle.
 * @returns the request's error, if there was one
 */
async function session(plant: string, [method, params]: [string, object]): Promise<{ error: unknown; log: string }> {
  process.env[PLANT] = plant;
  await using client = new RpcClient(server.script, ["--stdio"]);
  client.answers.set("workspace/configuration", () => [{}]);
  client.answers.set("client/registerCapability", () => {
    throw new Error("this client registers nothing");
  });
  await client.request("initialize", { processId: null, rootUri: null, capabilities: FULL });
  client.notify("initialized");
  client.notify("textDocument/didOpen", {
    textDocument: { ...textDocument, languageId: "markdown", version: 1, text: "" },
  });
  client.notify("textDocument/didChange", {
    textDocument: { ...textDocument, version: 2 },
    contentChanges: [{ range: nowhere, text: "a" }],
  });
  client.notify("workspace/didChangeConfiguration", { settings: {} });
  client.notify("workspace/didChangeWorkspaceFolders", { event: { added: [], removed: [] } });
  client.notify("window/workDoneProgress/cancel", { token: "none" });
  const error = await client.request(method, params).then(
    () => undefined,
    (reason) => reason,
  );
  client.notify("textDocument/didClose", { textDocument });
  // After all of it the server still answers, by a method of its own that nothing is planted in.
  const unknown = await client.request("spanfill/unknown").catch((reason) => reason);
  assert.match(String(unknown), /does not answer spanfill\/unknown/);
  assert.equal(await client.request("shutdown"), null);
  client.notify("exit");
  assert.deepEqual(await client.exited, [0, null], client.stderr);
  const log = client.received.filter((message) => message.method === "window/logMessage");
  return { error, log: JSON.stringify(log) };
}

const UNPLANTED: [string, object] = ["textDocument/codeLens", { textDocument }];

for (const [name, request] of Object.entries(requests)) {
  const how = SYNCHRONOUS.test(name) ? "throw" : "reject";
  test(`${request[0]}: ${name} that ${how}s is an error answer`, { timeout: 300_000 }, async () => {
    const { error, log } = await session(`${name}:${how}`, request);
    assert.ok(error instanceof RpcError, String(error));
    assert.match(error.message, new RegExp(`planted in ${name}`));
    assert.match(log, new RegExp(`planted in ${name}`));
  });
}

for (const name of background) {
  const how = SYNCHRONOUS.test(name) ? "throw" : "reject";
  test(`background work: ${name} that ${how}s is logged`, { timeout: 300_000 }, async () => {
    const { log } = await session(`${name}:${how}`, UNPLANTED);
    assert.match(log, new RegExp(`planted in ${name}`));
  });
}

test("a client that registers nothing is no reason to end", { timeout: 300_000 }, async () => {
  const { error, log } = await session("", UNPLANTED);
  assert.equal(error, undefined);
  assert.match(log, /this client registers nothing/);
});

for (const plant of ["createLocalEngine.load:throw", "createLocalEngine.load:reject", "probeDevice:reject"]) {
  test(`the engine's process: ${plant} is an error answer`, { timeout: 300_000 }, async () => {
    process.env[PLANT] = plant;
    const engine = createRemoteEngine({ childPath: child.script });
    const reference = { directory: "/nowhere", precision: "int8" } as const;
    const ask = () => (plant.startsWith("probe") ? engine.probe("cpu") : engine.load(reference));
    try {
      await assert.rejects(ask(), /planted in/);
      const { pid } = engine;
      await assert.rejects(ask(), /planted in/);
      assert.ok(pid !== undefined && engine.pid === pid, "the process goes on");
    } finally {
      await engine.dispose();
    }
  });
}
