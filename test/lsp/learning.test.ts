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
  /**
   * Asks until the answer is this twice in a row: files are read beside the requests, and a busy machine may give none
   * in time once.
   */
  const becomes = async (expected: string[]) => {
    let answer: string[] = [];
    for (let i = 0, same = 0; i < 200 && same < 2; i++) {
      answer = await suggested();
      same = answer.join() === expected.join() ? same + 1 : 0;
      await setTimeout(50);
    }
    assert.deepEqual(answer, expected);
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
