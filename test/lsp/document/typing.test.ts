/**
 * Training runs are told to wait while a person types: in the server's documents, and in those that only the client
 * knows.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { holdFile } from "../../../protocol/training.ts";
import { type Session, startSession } from "../session.ts";

const home = mkdtempSync(join(tmpdir(), "spanfill-lsp-typing-"));
after(() => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));
const run = join(home, ".runs", "one");
mkdirSync(run, { recursive: true });
const hold = holdFile(join(run, "control"));
writeFileSync(hold, "");
process.env["SPANFILL_MODELS"] = home; // the server reads it when it starts

/** Whether the runs were made to wait after an act; the server says so in the time of a file. */
async function waits(session: Session, act: () => void): Promise<boolean> {
  utimesSync(hold, new Date(0), new Date(0));
  act();
  // What was sent before is dealt with, save for the file.
  for (let i = 0; i < 20; i++) {
    await session.command("spanfill.status");
    if (statSync(hold).mtimeMs > Date.now()) return true;
    await setTimeout(10);
  }
  return false;
}

// To open a document is no less a sign of a person at work than a key.
for (const [where, act] of [
  ["a document of the server's", (session: Session) => session.open("file:///a.md", "Some words.")],
  ["one that only the client knows", ({ client }: Session) => client.notify("$/spanfill/typing")],
] as const) {
  test(`typing in ${where} makes training wait, unless that is switched off`, async () => {
    for (const pauseWhileTyping of [true, false]) {
      await using session = await startSession({ settings: { training: { pauseWhileTyping } } });
      assert.equal(await waits(session, () => act(session)), pauseWhileTyping);
    }
  });
}
