import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { CodeAction } from "vscode-languageserver-protocol";
import { FULL, type Session, startSession } from "../session.ts";

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

const anchored = { enable: { "/drafts/**": false } };
const inWorkspace = { capabilities: { ...FULL, workspace: { ...FULL.workspace, workspaceFolders: true } } };

/** How many code actions the cursor of a document is offered; none where nothing is done unasked. */
async function offered(session: Session, uri: string): Promise<number> {
  session.open(uri, "One ___ here.");
  const range = { start: { line: 0, character: 4 }, end: { line: 0, character: 7 } };
  const params = { textDocument: { uri }, range, context: { diagnostics: [] } };
  return ((await session.client.request("textDocument/codeAction", params)) as CodeAction[]).length;
}

test("a folder that is added or removed is noticed, also after folders were asked for", async () => {
  await using session = await startSession({ settings: anchored, ...inWorkspace });
  const { client } = session;
  let folders = ["file:///first"];
  client.answers.set("workspace/workspaceFolders", () => folders.map((uri) => ({ uri, name: uri })));
  const uri = (name: string) => `file:///${name}/drafts/a.md`;
  assert.deepEqual([await offered(session, uri("first")), (await offered(session, uri("second"))) > 0], [0, true]);
  folders = ["file:///second"];
  const event = { added: [{ uri: "file:///second", name: "" }], removed: [{ uri: "file:///first", name: "" }] };
  client.notify("workspace/didChangeWorkspaceFolders", { event });
  assert.deepEqual([(await offered(session, uri("first"))) > 0, await offered(session, uri("second"))], [true, 0]);
});

test("folders that the client could not say are asked for again", async () => {
  await using session = await startSession({ settings: anchored, ...inWorkspace });
  const { client } = session;
  client.answers.set("workspace/workspaceFolders", () => {
    throw new Error("not yet");
  });
  assert.ok((await offered(session, "file:///first/drafts/a.md")) > 0);
  client.answers.set("workspace/workspaceFolders", () => [{ uri: "file:///first", name: "" }]);
  assert.equal(await offered(session, "file:///first/drafts/a.md"), 0);
});

test("what holds for a file holds for its cells, its old versions and its other views", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-views-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "drafts"));
  writeFileSync(join(folder, ".spanfillignore"), "/ignored.*\n");
  await using session = await startSession({ settings: anchored, ...inWorkspace });
  const { client } = session;
  const root = pathToFileURL(folder).href;
  client.answers.set("workspace/workspaceFolders", () => [{ uri: root, name: "" }]);
  const scopes: (string | undefined)[] = [];
  client.answers.set("workspace/configuration", (params) => {
    const { items } = params as { items: { scopeUri?: string }[] };
    scopes.push(...items.map(({ scopeUri }) => scopeUri));
    return items.map(() => anchored);
  });
  client.notify("workspace/didChangeConfiguration", { settings: null });
  const views: Record<string, (uri: string) => string> = {
    "a cell": (uri) => `${uri.replace("file:", "vscode-notebook-cell:")}#W0sZmlsZQ%3D%3D`,
    "a cell elsewhere": (uri) =>
      `${uri.replace("file://", "vscode-notebook-cell://host%3A80")}#W0sdnNjb2RlLXJlbW90ZQ%3D%3D`,
    "a new document": (uri) => uri.replace("file://", "untitled:"),
    "a setting": (uri) => uri.replace("file://", "vscode-userdata:"),
    "an old version": (uri) => {
      const path = decodeURIComponent(new URL(uri).pathname);
      return `git:${path}.git?${encodeURIComponent(JSON.stringify({ path, ref: "HEAD" }))}`;
    },
    "a comparison": (uri) => uri.replace("file://", "some-diff:"),
  };
  for (const [what, view] of Object.entries(views)) {
    // Whose files another scheme shows, the setting's patterns cannot know.
    for (const name of ["ignored.md", "my-secrets.md", "drafts/a.md"])
      if (what !== "a comparison" || name !== "drafts/a.md")
        assert.equal(await offered(session, view(`${root}/${name}`)), 0, `${what} of ${name}`);
    assert.ok((await offered(session, view(`${root}/open.md`))) > 0, what);
  }
  assert.ok(scopes.includes(`${root}/open.md`), "a cell has the settings of its file's folder");
  const completed = await session.command("spanfill.continueText", {
    uri: views["a cell"]?.(`${root}/ignored.ipynb`),
    text: "the one of it ",
    offset: 14,
    explicit: false,
  });
  assert.deepEqual((completed as { items: unknown[] }).items, []);
});

test("in a folder that only the client can read, its .spanfillignore and names of secrets count too", async () => {
  const root = "vfs://host/r%20x";
  const files: Record<string, string> = {
    [`${root}/.spanfillignore`]: "/sub/quiet.md",
    [`${root}/sub/.spanfillignore`]: "b.md",
  };
  await using session = await startSession({ settings: {}, ...inWorkspace });
  const { client } = session;
  client.answers.set("workspace/workspaceFolders", () => [{ uri: root, name: "" }]);
  client.answers.set("spanfill/readFile", (params) => {
    const content = files[(params as { uri: string }).uri];
    if (content === undefined) throw new Error("there is no such file");
    return { base64: Buffer.from(content).toString("base64") };
  });
  for (const name of ["sub/quiet.md", "sub/b.md", "my-secrets.md"])
    assert.equal(await offered(session, `${root}/${name}`), 0, name);
  for (const name of ["quiet.md", "sub/a.md"]) assert.ok((await offered(session, `${root}/${name}`)) > 0, name);
  const cell = `${root.replace("vfs:", "vscode-notebook-cell:")}/sub/quiet.md#W0sdmZz`;
  assert.equal(await offered(session, cell), 0, "a cell");
  assert.equal(await offered(session, "vfs://other/my-secrets.md"), 0, "in no folder");
  assert.equal(await offered(session, "untitled:my-secrets.md"), 0, "in no file");
  assert.ok((await offered(session, "untitled:Untitled-1")) > 0);
});
