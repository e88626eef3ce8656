/** What editors show as the server gives it to them, when a checkpoint, a document or a name is hostile. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { CodeAction, Hover } from "vscode-languageserver-protocol";
import { assertPlain, assertShown, HOSTILE, LINK } from "../support/hostile.ts";
import type { RpcError } from "../support/json-rpc.ts";
import { hostileModelFolder } from "../support/models/hostile-model.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { type Session, startSession } from "./session.ts";

const good = randomModelFolder({ seed: 13 });
// Never sure of its own, so that a sentence of the text stands instead.
const calibration = { summary: { bias: -9, weights: {} } };
writeFileSync(join(good.directory, "spanfill.json"), JSON.stringify({ id: "own", calibration }));
const bad = hostileModelFolder(`${LINK} \u001b]0;pwned\u0007\u001b[31m\u202e\r`);
after(() => {
  good.dispose();
  bad.dispose();
});
/** A sentence that a summary takes, links unwrapped, where the model is not sure of its own. */
const SENTENCE = `The cache is described in [a[Repair the model](c)](command:workbench.action.terminal.new) and at www.evil.example \u202eby\u202c \u001b[31ma@evil.example where everything about it can be read at length.`;
const TEXT = `# Cache\n\n${SENTENCE}\n`;
const whole = { start: { line: 0, character: 0 }, end: { line: 3, character: 0 } };
const settings = {
  model: good.directory,
  precision: "float32",
  threads: 1,
  logLevel: "debug",
  summary: { minimumConfidence: 1 },
};

/** The texts of a kind of message. */
function messages({ client }: Session, method: "window/showMessage" | "window/logMessage"): string[] {
  return client.received.filter((one) => one.method === method).map(({ params }) => String(Object(params).message));
}

/** Asserts that a request is refused with a clean message. @returns it */
async function refusal(request: Promise<unknown>): Promise<string> {
  let message = "";
  await assert.rejects(request, (error: RpcError) => {
    message = error.message;
    assertShown(message, 1000);
    return true;
  });
  return message;
}

test("errors and log: a checkpoint's pickle that names a link, and escapes", async () => {
  await using session = await startSession({ settings: { ...settings, model: bad.directory } });
  session.open("file:///a.md", "A map is a ___ of keys.\n");
  const message = await refusal(session.command("spanfill.fillGaps", { uri: "file:///a.md", version: 1 }));
  assert.match(message, /Repair the model/, "what it says is shown, as text");
  await session.client.until(({ params }) => /Repair the model/.test(String(Object(params).message)));
  for (const line of messages(session, "window/logMessage")) assertShown(line, 8000);
});

test("messages: a document's sentence; the answer itself is as it stands", async () => {
  await using session = await startSession({ settings });
  session.open("file:///a.md", TEXT);
  const asked = { uri: "file:///a.md", version: 1, range: whole, style: "sentence", show: true };
  const { summary } = (await session.command("spanfill.summarizeRange", asked)) as { summary: string };
  assert.match(summary, /Repair the model\]\(command:\S+\) and .* by \S*a@evil\.example/, "unchanged");
  assert.ok(summary.includes("\u001b[31m"));
  await session.client.until(({ method }) => method === "window/showMessage");
  const [message = ""] = messages(session, "window/showMessage");
  assert.match(message, /Repair the model/);
  assertShown(message, 1000);
});

test("hover: a section's sentence has no link, address or HTML", async () => {
  await using session = await startSession({ settings });
  session.open("file:///a.md", TEXT);
  const position = { line: 0, character: 4 };
  const made = (await session.client.request("textDocument/hover", {
    textDocument: { uri: "file:///a.md" },
    position,
  })) as Hover;
  const { value } = made.contents as { value: string };
  assert.match(value, /Repair the model/);
  assertPlain(value, "\n");
  const bare = value.replace(/\\[!-/:-@[-`{-~]/g, "");
  assert.doesNotMatch(bare.replaceAll("*", ""), /[[\]<>()`#!@:]|www\./);
});

test("hover: the one link is ours, whatever the file is called", async () => {
  const initialize = { initializationOptions: { commandLinks: true } };
  await using session = await startSession({ settings, initialize });
  const uri = "file:///a) [x](command:evil) '.md";
  session.open(uri, "the one of it\nand `the code` for was\n");
  const asked = { textDocument: { uri }, position: { line: 0, character: 5 } };
  const { value } = ((await session.client.request("textDocument/hover", asked)) as Hover).contents as {
    value: string;
  };
  const links = [...value.matchAll(/\[(?:[^\\\]]|\\.)*\]\(([^\s()]*) "Replace"\)/g)];
  assert.ok(links.length > 0, value);
  for (const [, link = ""] of links) {
    assert.ok(link.startsWith("command:spanfill.replaceWord?"), link);
    assert.equal(JSON.parse(decodeURIComponent(link.slice(link.indexOf("?") + 1)))[0].uri, uri);
  }
  assert.equal(value.split("](").length - 1, links.length);
});

test("code actions: the word that would be replaced", async () => {
  await using session = await startSession({ settings });
  session.open("file:///a.md", `the one${"\u0301".repeat(100)} of it\n`);
  const place = { line: 0, character: 5 };
  const actions = (await session.client.request("textDocument/codeAction", {
    textDocument: { uri: "file:///a.md" },
    range: { start: place, end: place },
    context: { diagnostics: [], triggerKind: 1 },
  })) as CodeAction[];
  assert.ok(actions.length > 0);
  for (const { title } of actions) assertShown(title, 200);
});

test("errors: names of commands, methods, documents and arguments", async () => {
  await using session = await startSession({ settings });
  const range = { start: HOSTILE };
  for (const request of [
    session.command(HOSTILE),
    session.client.request(HOSTILE, {}),
    session.command("spanfill.fillGaps", { uri: HOSTILE, version: 1 }),
    session.command("spanfill.summarizeFolder", { uri: HOSTILE }),
    session.command("spanfill.summarizeRange", { uri: "file:///a.md", version: 1, range, [HOSTILE]: 1 }),
    session.client.request("spanfill/panel", { kind: HOSTILE }),
  ])
    await refusal(request);
  for (const line of messages(session, "window/logMessage")) assertShown(line, 8000);
});
