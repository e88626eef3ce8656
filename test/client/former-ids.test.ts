/** The palette's commands by the ids that they had before: keys may still be bound to them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeVSCode, loadClient } from "../support/fake-vscode.ts";

test("a former id runs the command that it names now, with its argument and its result", async () => {
  const vscode = fakeVSCode({});
  const event = () => ({ dispose: () => undefined });
  const executed: unknown[] = [];
  Object.assign(vscode.api["workspace"] as object, { onDidOpenTextDocument: event, textDocuments: [] });
  Object.assign(vscode.api["window"] as object, { registerWebviewPanelSerializer: event });
  Object.assign(vscode.api["languages"] as object, { registerInlineCompletionItemProvider: event });
  Object.assign(vscode.api["commands"] as object, {
    executeCommand: async (...call: unknown[]) => {
      executed.push(call);
      return "result";
    },
  });
  vscode.api["lm"] = { registerTool: event };
  const { extension } = await loadClient<{ extension: { activate(context: object): void } }>(
    { extension: "client/extension.ts" },
    vscode,
  );
  extension.activate({ subscriptions: [], extension: { packageJSON: {} } });
  const former = {
    infillAtCursor: "continueAtCursor",
    explainHere: "explainSuggestionHere",
    digestFolder: "summarizeThisFolder",
    clearSummaries: "forgetAllSummaries",
  };
  for (const [id, now] of Object.entries(former)) {
    executed.length = 0;
    const argument = { from: id };
    assert.equal(await vscode.commands.get(`spanfill.${id}`)?.(argument), "result");
    assert.deepEqual(executed, [[`spanfill.${now}`, argument]]);
    assert.ok(vscode.commands.has(`spanfill.${now}`), now);
  }
});
