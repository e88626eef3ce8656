/** What keeps secrets: in its files nothing is done unasked, and no text, answer or token is ever logged. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { CodeAction } from "vscode-languageserver-protocol";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { type Session, startSession } from "../session.ts";

const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-secrets-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});
const settings = {
  ...{ model: model.directory, precision: "float32", threads: 1, logLevel: "debug" },
  ...{ inlineCompletion: { minimumConfidence: 0 }, summary: { minimumConfidence: 0 }, codeLens: { enabled: true } },
};
const at = (line: number, character: number) => ({ line, character });

function written(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return pathToFileURL(join(folder, name)).href;
}

/**
 * What the server does unasked in a document: the lengths of its suggestions, actions, lenses, and whether it has a
 * hover.
 */
async function unasked(session: Session, uri: string): Promise<number[]> {
  const { client } = session;
  const textDocument = { uri };
  const range = { start: at(2, 0), end: at(2, 15) };
  return [
    (await session.inlineCompletion(uri, at(2, 15))).length,
    (
      (await client.request("textDocument/codeAction", {
        textDocument,
        range,
        context: { diagnostics: [] },
      })) as unknown[]
    ).length,
    ((await client.request("textDocument/codeLens", { textDocument })) as unknown[]).length,
    (await client.request("textDocument/hover", { textDocument, position: at(0, 3) })) === null ? 0 : 1,
  ];
}

test("in a file that keeps secrets nothing is suggested, offered or shown unasked, and what is asked for works", async () => {
  await using session = await startSession({ settings });
  const text = "# The list\n\nthe one of the ___ is on the list\n";
  const open = written("notes.md", text);
  session.open(open, text);
  for (const [i, count] of (await unasked(session, open)).entries()) assert.ok(count > 0, `kind ${i} in a plain file`);
  for (const name of [".env", "id_rsa", "server.pem", "my-secrets.md", "credentials.txt"]) {
    const uri = written(name, text);
    session.open(uri, text);
    assert.deepEqual(await unasked(session, uri), [0, 0, 0, 0], name);
  }
  const secret = pathToFileURL(join(folder, "my-secrets.md")).href;
  assert.ok((await invoked(session, secret)).length > 0, "an action that a person asks for is offered");
  const range = { start: at(2, 0), end: at(3, 0) };
  const filled = (await session.command("spanfill.fillGaps", { uri: secret, version: 1, range })) as {
    edit: CodeAction["edit"];
  };
  assert.ok(JSON.stringify(filled.edit).includes("newText"));
});

/** The titles of the actions that a person asks for. */
async function invoked({ client }: Session, uri: string): Promise<string[]> {
  const range = { start: at(2, 0), end: at(2, 15) };
  const params = { textDocument: { uri }, range, context: { diagnostics: [], triggerKind: 1 } };
  const actions = (await client.request("textDocument/codeAction", params)) as { title: string }[];
  return actions.map(({ title }) => title);
}

test("where the editor wants it, a person confirms the first request in a private file", async () => {
  await using session = await startSession({
    settings,
    initialize: { initializationOptions: { confirmPrivateFiles: true } },
  });
  const { client } = session;
  const asked: string[] = [];
  let answer: { title: string } | null = null;
  client.answers.set("window/showMessageRequest", (params) => {
    asked.push((params as { message: string }).message);
    return answer;
  });
  const text = "# The list\n\nthe one of the ___ is on the list\n";
  const [plain, secret, ignored] = ["plain.md", "passwords.md", "named.md"].map((name) => written(name, text));
  writeFileSync(join(folder, ".spanfillignore"), "named.md\n");
  after(() => rmSync(join(folder, ".spanfillignore")));
  const range = { start: at(2, 0), end: at(3, 0) };
  const fill = (uri: string) => session.command("spanfill.fillGaps", { uri, version: 1, range });
  for (const uri of [plain, secret, ignored]) session.open(uri ?? "", text);
  await fill(plain ?? "");
  assert.deepEqual(asked, []);
  assert.ok((await invoked(session, secret ?? "")).includes("Summarize selection"));
  await assert.rejects(fill(secret ?? ""), ({ code }: { code: number }) => code === -32800);
  answer = { title: "Use it here" };
  await fill(secret ?? "");
  await session.command("spanfill.summarizeRange", { uri: secret, version: 1, range });
  await fill(ignored ?? "");
  assert.match(asked.join("\n"), /^.*passwords\.md looks like.*\n.*passwords\.md looks like.*\n.*names this file.*$/);
});

test("neither texts, questions, answers nor tokens are logged, also not at debug and when a request fails", async () => {
  await using session = await startSession({ settings });
  const { client } = session;
  const uri = written("diary.md", "");
  const text = "# Zanzibarquartz\n\nthe one of Quetzalcoatlus is ___ on the list\n";
  session.open(uri, text);
  const range = { start: at(2, 0), end: at(3, 0) };
  await unasked(session, uri);
  await session.command("spanfill.summarizeRange", { uri, version: 1, range });
  await session.command("spanfill.fillGaps", { uri, version: 1, range });
  await session.command("spanfill.rephrase", { uri, version: 1, range }).catch(() => undefined);
  await session
    .command("spanfill.askRange", { uri, version: 1, range, question: "Xylophagous?" })
    .catch(() => undefined);
  await session.command("spanfill.fillGaps", { uri, version: 9, range }).catch(() => undefined);
  await client.request("spanfill/panel", { kind: "get", id: "no/such", token: "hf_Token12345" }).catch(() => undefined);
  await client
    .request("spanfill/panel", { kind: "generate", id: "Yggdrasilian", text: "Jabberwockyish" })
    .catch(() => undefined);
  const log = JSON.stringify(client.received.filter(({ method }) => method === "window/logMessage")) + client.stderr;
  assert.ok(log.length > 200, log);
  for (const word of ["Zanzibarquartz", "Quetzalcoatlus", "Xylophagous", "hf_Token12345", "Jabberwockyish"])
    assert.ok(!log.includes(word), `${word} in ${log}`);
});
