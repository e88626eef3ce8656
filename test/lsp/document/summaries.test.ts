/** A folder's digest, summaries behind links, and what is remembered, over the protocol. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Hover } from "vscode-languageserver-protocol";
import type { SummarizeFolderResult } from "../../../protocol/commands/reading.ts";
import type { EngineStatus } from "../../../protocol/requests.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { FULL, isProgress, isReport, progressOf, type Session, startSession } from "../session.ts";

const folder = randomModelFolder();
const base = mkdtempSync(join(tmpdir(), "spanfill-lsp-"));
// The servers' own.
const cache = join(base, "cache");
process.env["SPANFILL_CACHE"] = cache;
after(() => {
  folder.dispose();
  rmSync(base, { recursive: true });
});
const settings = {
  model: folder.directory,
  precision: "float32",
  threads: 1,
  hover: { words: false },
  summary: { minimumConfidence: 0 },
};
const uriOf = (...names: string[]) => pathToFileURL(join(base, ...names)).href;

function write(path: string, content: string): void {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  writeFileSync(join(base, path), content);
}

/** A session whose workspace is one folder. */
async function sessionIn(name: string, more: Record<string, unknown> = {}): Promise<Session> {
  const capabilities = { ...FULL, workspace: { ...FULL.workspace, workspaceFolders: true } };
  const session = await startSession({ settings: { ...settings, ...more }, capabilities });
  session.client.answers.set("workspace/workspaceFolders", () => [{ uri: uriOf(name), name }]);
  return session;
}

async function digest(session: Session, uri: string): Promise<SummarizeFolderResult> {
  return (await session.command("spanfill.summarizeFolder", { uri })) as SummarizeFolderResult;
}

async function hover(session: Session, uri: string, line: number, character: number): Promise<string | undefined> {
  const params = { textDocument: { uri }, position: { line, character } };
  const made = (await session.client.request("textDocument/hover", params)) as Hover | null;
  return made === null ? undefined : (made.contents as { value: string }).value;
}

test("a heading above no prose, and a link to none, have no hover and no error", async () => {
  write("bare/note.md", "# Code\n\n```\nrm -r a\n```\n\n[other](other.md)\n");
  write("bare/other.md", "---\ntitle: Other\n---\n\n| a | b |\n|---|---|\n| c | d |\n");
  await using session = await sessionIn("bare");
  session.open(uriOf("bare", "note.md"), "# Code\n\n```\nrm -r a\n```\n\n# Table\n\n[other](other.md)\n");
  assert.equal(await hover(session, uriOf("bare", "note.md"), 0, 3), undefined);
  assert.equal(await hover(session, uriOf("bare", "note.md"), 8, 3), undefined);
});

test("a folder is summarized with progress; cancelled, what was done is the answer", async () => {
  for (let i = 0; i < 30; i++) write(`many/${i}/note.md`, `# Note ${i}\n\nThe harbour ${i} was built of granite.\n`);
  write("many/credentials.txt", "never read");
  await using session = await sessionIn("many");
  const running = session.command("spanfill.summarizeFolder", { uri: uriOf("many") });
  const begun = await session.client.until(
    (message) =>
      isProgress(message) && /^[3-9] of 30/.test(JSON.stringify(message.params).split('"message":"')[1] ?? ""),
  );
  session.client.notify("window/workDoneProgress/cancel", { token: (begun.params as { token: unknown }).token });
  const partial = (await running) as SummarizeFolderResult;
  assert.ok(
    partial.partial && partial.files.summarized >= 3 && partial.files.summarized < 30,
    JSON.stringify(partial.files),
  );
  assert.match(partial.markdown, /^# Partial summary of many\n/);
  const whole = await digest(session, uriOf("many"));
  assert.deepEqual(whole.files, { found: 30, summarized: 30 });
  assert.deepEqual(whole.leftOut, [{ path: "credentials.txt", why: "secret" }]);
  assert.equal(progressOf(session.client).at(-1)?.kind, "end");
  await assert.rejects(digest(session, uriOf("missing")), /is not a readable folder/);
});

test("a folder's request that is cancelled, as VS Code does it, is answered with what was done", async () => {
  for (let i = 0; i < 30; i++) write(`stopped/${i}/note.md`, `# Note ${i}\n\nThe pier ${i} was built of oak.\n`);
  await using session = await sessionIn("stopped");
  const params = { command: "spanfill.summarizeFolder", arguments: [{ uri: uriOf("stopped") }] };
  const { id, result } = session.client.start("workspace/executeCommand", params);
  await session.client.until((message) => isReport(message) && /"[3-9] of 30"/.test(JSON.stringify(message)));
  session.client.notify("$/cancelRequest", { id });
  const { partial, files } = (await result) as SummarizeFolderResult;
  assert.ok(partial && files.summarized >= 3, JSON.stringify(files));
});

test("a folder that is on no disk is read through the client", async () => {
  const files: Record<string, string> = {
    "vfs://host/r%20x/.gitignore": "no.md",
    "vfs://host/r%20x/a%20b.md": "Alpha text.",
    "vfs://host/r%20x/no.md": "No text.",
    "vfs://host/r%20x/sub/c.md": "Gamma text.",
  };
  await using session = await sessionIn("any");
  const { answers } = session.client;
  const asked: string[] = [];
  answers.set("spanfill/listFolder", (params) => {
    const at = `${(params as { uri: string }).uri}/`;
    const inside = Object.keys(files).flatMap((uri) => (uri.startsWith(at) ? [uri.slice(at.length)] : []));
    if (inside.length === 0) throw new Error("no such folder");
    const names = new Set(inside.map((path) => path.split("/")[0] ?? ""));
    return [...names].map((name) => ({
      name: decodeURIComponent(name),
      kind: inside.includes(name) ? "file" : "folder",
    }));
  });
  answers.set("spanfill/readFile", (params) => {
    const { uri } = params as { uri: string };
    asked.push(uri);
    return { base64: Buffer.from(files[uri] ?? "").toString("base64") };
  });
  const made = await digest(session, "vfs://host/r%20x");
  assert.deepEqual(made.files, { found: 2, summarized: 2 });
  assert.match(made.markdown, /^# Summary of r x\n[\s\S]*\(a%20b\.md\)[\s\S]*## sub\/[\s\S]*\(sub\/c\.md\)/);
  assert.ok(!asked.some((uri) => uri.endsWith("no.md")));
  answers.set("workspace/workspaceFolders", () => [{ uri: "vfs://host/r%20x", name: "" }]);
  session.client.notify("workspace/didChangeWorkspaceFolders", { event: { added: [], removed: [] } });
  files["vfs://host/r%20x/.spanfillignore"] = "/sub/c.md";
  assert.deepEqual((await digest(session, "vfs://host/r%20x/sub")).files, { found: 0, summarized: 0 });
  await assert.rejects(digest(session, "vfs://host/none"), /is not a readable folder/);
});

test("a relative link shows what it leads to, from within the workspace alone", async () => {
  write("linked/docs/page.md", "# Page\n\nAbout the page.\n\n## Part\n\nAbout the part.\n");
  write("linked/docs/my-secrets.md", "Secret text.");
  write("linked/docs/.spanfillignore", "quiet.md");
  write("linked/docs/quiet.md", "Quiet text.");
  write("linked/docs/code.ts", "const a = 1;");
  write("outside.md", "Text outside.");
  await using session = await sessionIn("linked");
  const uri = uriOf("linked", "index.md");
  const lines = [
    ...["[p](docs/page.md)", "[s](/docs/page.md#part)", "[own](#here)", "[none](docs/page.md#nowhere)"],
    ...["[x](docs/my-secrets.md)", "[q](docs/quiet.md)", "[c](docs/code.ts)", "[o](../outside.md)", "[g](gone.md)"],
  ];
  session.open(uri, `${lines.join("\n\n")}\n\n# Here\n\nThis is here.\n`);
  const shown = [];
  for (const [i] of lines.entries()) shown.push(await hover(session, uri, 2 * i, 2));
  assert.deepEqual(
    shown.map((text) => text !== undefined),
    [true, true, true, false, false, false, false, false, false],
  );
  for (const text of shown.slice(0, 3)) assert.match(text ?? "", /\n\n\*Spanfill ·.*1 part, 100% read/);
  // What is in an editor counts, not what is on the disk.
  session.open(uriOf("linked", "gone.md"), "Not saved yet.");
  assert.ok(await hover(session, uri, 16, 2));
  for (const name of ["my-secrets.md", "quiet.md"])
    session.open(uriOf("linked", "docs", name), "Open, and as private.");
  assert.deepEqual([await hover(session, uri, 8, 2), await hover(session, uri, 10, 2)], [undefined, undefined]);
  const cell = `${uri.replace("file:", "vscode-notebook-cell:")}#W0sZmlsZQ%3D%3D`;
  session.open(cell, lines[0] ?? "");
  assert.ok(await hover(session, cell, 0, 2), "a link in a notebook");
  const before = await session.command("spanfill.status");
  await session.command("spanfill.freeModelMemory");
  assert.equal(await hover(session, uri, 0, 2), shown[0], "remembered");
  assert.equal(((await session.command("spanfill.status")) as EngineStatus).pid, undefined, "without the model");
  assert.ok((before as EngineStatus).pid);
});

test("summaries are kept on disk only where that is allowed, and forgotten when that is asked for", async () => {
  const file = join(cache, "summaries.json");
  await using session = await sessionIn("any", { summary: { keep: "disk", minimumConfidence: 0 } });
  const uri = uriOf("any", "kept.md");
  session.open(uri, "# Kept\n\nText to be kept.\n");
  assert.ok(await hover(session, uri, 0, 3));
  await session.client.request("shutdown");
  assert.ok(existsSync(file));
  await using next = await sessionIn("any", { summary: { keep: "disk", minimumConfidence: 0 } });
  next.open(uri, "# Kept\n\nText to be kept.\n");
  await next.command("spanfill.status");
  assert.ok(await hover(next, uri, 0, 3));
  assert.equal(((await next.command("spanfill.status")) as EngineStatus).pid, undefined, "no model was needed");
  const { forgotten } = (await next.command("spanfill.forgetSummaries")) as { forgotten: number };
  assert.ok(forgotten >= 1);
  assert.ok(!existsSync(file));
});

test("where the setting enable says no, nothing is done unasked, and what is asked for is", async () => {
  await using session = await sessionIn("quiet", { enable: { "drafts/": false } });
  const text = "# Title\n\nThe sky is ___ today.\n";
  for (const name of ["drafts", "docs"]) session.open(uriOf("quiet", name, "a.md"), text);
  const at = { line: 2, character: 11 };
  const [off, on] = ["drafts", "docs"].map((name) => uriOf("quiet", name, "a.md"));
  assert.ok(off && on);
  const actions = async (uri: string) =>
    (
      (await session.client.request("textDocument/codeAction", {
        textDocument: { uri },
        range: { start: { line: 2, character: 0 }, end: { line: 2, character: 20 } },
        context: { diagnostics: [] },
      })) as unknown[]
    ).length;
  assert.equal(await hover(session, off, 0, 3), undefined);
  assert.ok(await hover(session, on, 0, 3));
  assert.equal(await actions(off), 0);
  assert.ok((await actions(on)) > 0);
  assert.deepEqual(await session.inlineCompletion(off, at), []);
  const why = (await session.command("spanfill.explainSuggestion", { uri: off, position: at })) as { reason?: string };
  assert.match(why.reason ?? "", /spanfill\.enable/);
  const made = (await session.command("spanfill.summarizeRange", { uri: off })) as { summary: string };
  assert.equal(typeof made.summary, "string");
});

test("the engine's memory is said, and freed when that is asked for", async () => {
  await using session = await sessionIn("any");
  const uri = uriOf("any", "m.md");
  session.open(uri, "# M\n\nSome text.\n");
  await hover(session, uri, 0, 2);
  const status = (await session.command("spanfill.status")) as EngineStatus;
  assert.equal(status.state, "ready");
  if (process.platform === "linux") assert.ok((status.memoryBytes ?? 0) > 2e7, `${status.memoryBytes} bytes`);
  const after = (await session.command("spanfill.freeModelMemory")) as EngineStatus;
  assert.deepEqual([after.state, after.pid, after.memoryBytes], ["unloaded", undefined, undefined]);
  assert.ok(status.pid);
  await session.command("spanfill.summarizeRange", { uri });
  assert.equal(((await session.command("spanfill.status")) as EngineStatus).state, "ready");
});

test("a link to what is no regular file of the workspace says nothing, and ends nothing", {
  skip: process.platform === "win32",
  timeout: 300_000,
}, async () => {
  write("strange/folder.md/keep", "");
  write("outside.md", "# Outside\n\nThe harbour was built of granite.\n");
  const at = (name: string) => join(base, "strange", name);
  execFileSync("mkfifo", [at("pipe.md")]);
  symlinkSync("/dev/zero", at("zero.md"));
  symlinkSync("/proc/self/environ", at("environ.md"));
  symlinkSync(join(base, "outside.md"), at("out.md"));
  symlinkSync("loop.md", at("loop.md"));
  writeFileSync(at("huge.md"), Buffer.alloc(3 * 1024 * 1024, "word "));
  await using session = await sessionIn("strange");
  const names = ["folder.md", "pipe.md", "zero.md", "environ.md", "out.md", "loop.md", "huge.md", "none.md"];
  const uri = uriOf("strange", "a.md");
  session.open(uri, names.map((name) => `See [the notes](${name}) for more.\n`).join(""));
  for (const [line, name] of names.entries()) assert.equal(await hover(session, uri, line, 8), undefined, name);
  // Links within the workspace are followed.
  write("strange/real.md", "# Real\n\nThe harbour was built of granite.\n");
  symlinkSync("real.md", at("link.md"));
  session.open(uriOf("strange", "b.md"), "See [the notes](link.md).\n");
  assert.match((await hover(session, uriOf("strange", "b.md"), 0, 8)) ?? "", /Spanfill/);
});

test("after new weights, a calibration or another tokenizer the model answers anew, and only its own answers are kept", async () => {
  // The first writes neither a name nor a number, for which a sentence of the text would stand; the other does.
  const [before, other] = [randomModelFolder({ seed: 6 }), randomModelFolder({ seed: 5 })];
  const model = join(base, "changing");
  cpSync(before.directory, model, { recursive: true });
  write("changing-text/a.md", "# Harbour\n\nThe harbour was built of granite when the railway came.\n");
  const [uri, text] = [
    uriOf("changing-text", "a.md"),
    "# Harbour\n\nThe harbour was built of granite when the railway came.\n",
  ];
  await using session = await sessionIn("changing-text", { model });
  session.open(uri, text);
  /** What a server says that never saw the model as it was. */
  const fresh = async () => {
    const folder = mkdtempSync(join(base, "fresh-"));
    cpSync(model, folder, { recursive: true });
    await using apart = await sessionIn("changing-text", { model: folder });
    apart.open(uri, text);
    return (await hover(apart, uri, 0, 2))?.replace(basename(folder), "changing").replace(/\\(.)/g, "$1");
  };
  const said = async () => (await hover(session, uri, 0, 2))?.replace(/\\(.)/g, "$1");
  const first = await said();
  assert.equal(first, await fresh());
  cpSync(join(other.directory, "model.safetensors"), join(model, "model.safetensors"));
  const second = await said();
  assert.equal(second, await fresh(), "new weights");
  assert.notEqual(second, first);
  // As `spanfill calibrate --write` does.
  const curve = { bias: 1, weights: {} };
  writeFileSync(join(model, "spanfill.json"), JSON.stringify({ calibration: { summary: curve, title: curve } }));
  const third = await said();
  assert.equal(third, await fresh(), "a calibration");
  assert.notEqual(third, second);
  await session.command("spanfill.freeModelMemory");
  assert.equal(await said(), third, "remembered");
  before.dispose();
  other.dispose();
});
