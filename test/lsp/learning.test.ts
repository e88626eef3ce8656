/** Words of other files are suggested if the settings say so, until they are forgotten. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { FULL, startSession } from "./session.ts";

const home = mkdtempSync(join(tmpdir(), "spanfill-lsp-learning-"));
after(() => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));
const notes = join(home, "notes.md");
const TEXT = "Some sentences of plain English stand here, so that the language is known.\n\nThen start Quandar";

const [WORKSPACE, DOCUMENT] = [
  { inlineCompletion: { learnFrom: "workspace" } },
  { inlineCompletion: { learnFrom: "document" } },
];

test("words of other files are suggested where the settings say so, until they are forgotten", async () => {
  writeFileSync(notes, "Start Quandarix first. Quandarix stops at night.");
  const workspace = { ...FULL.workspace, workspaceFolders: true };
  await using session = await startSession({ settings: DOCUMENT, capabilities: { ...FULL, workspace } });
  session.client.answers.set("workspace/workspaceFolders", () => [{ uri: pathToFileURL(home).href, name: "home" }]);
  const uri = pathToFileURL(join(home, "draft.md")).href;
  session.open(uri, TEXT);
  const suggested = async () => {
    const items = await session.inlineCompletion(uri, { line: 2, character: 18 });
    return items.map(({ insertText }) => insertText.trim());
  };
  /** Asks until the answer is this, since files are read beside the requests. */
  const becomes = async (expected: string[]) => {
    for (let i = 0; i < 200 && (await suggested()).join() !== expected.join(); i++) await setTimeout(50);
    assert.deepEqual(await suggested(), expected);
  };
  const set = (settings: Record<string, unknown>) => {
    session.settings = settings;
    session.client.notify("workspace/didChangeConfiguration", { settings: null });
  };
  assert.deepEqual(await suggested(), []);
  set(WORKSPACE);
  await becomes(["Quandarix"]);
  writeFileSync(notes, "Nothing of the kind.");
  assert.deepEqual(await suggested(), ["Quandarix"]);
  await session.command("spanfill.forgetSummaries");
  await becomes([]);
  set(DOCUMENT);
  assert.deepEqual(await suggested(), []);
});
