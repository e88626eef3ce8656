import assert from "node:assert/strict";
import { test } from "node:test";
import type { CodeAction } from "vscode-languageserver-protocol";
import { startSession } from "./session.ts";

test("each folder of a window has settings of its own", async () => {
  await using session = await startSession({ settings: {} });
  const { client } = session;
  client.answers.set("workspace/configuration", (params) => {
    const { items } = params as { items: { scopeUri?: string }[] };
    return items.map(({ scopeUri = "" }) => ({ gapMarker: scopeUri.startsWith("file:///second/") ? "???" : "___" }));
  });
  // Those that were asked for before this client had an answer.
  client.notify("workspace/didChangeConfiguration", { settings: null });
  for (const [folder, gaps] of [
    ["first", "Fill gap"],
    ["second", "Fill gaps (2)"],
  ]) {
    const uri = `file:///${folder}/notes.md`;
    session.open(uri, "One ___ and ??? or ???.");
    const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 23 } };
    const params = { textDocument: { uri }, range, context: { diagnostics: [], only: ["refactor.rewrite"] } };
    const actions = (await client.request("textDocument/codeAction", params)) as CodeAction[];
    assert.deepEqual(
      actions.map(({ title }) => title),
      [gaps],
    );
  }
});
