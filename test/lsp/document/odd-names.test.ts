/** Documents whose names or addresses are odd: every request is answered as for others. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { FULL, type Session, startSession } from "../session.ts";

const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-odd-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});
const at = (line: number, character: number) => ({ line, character });
const settings = {
  ...{ model: model.directory, precision: "float32", threads: 1, enable: { "drafts/**": false } },
  ...{ inlineCompletion: { minimumConfidence: 0 }, summary: { minimumConfidence: 0 }, codeLens: { enabled: true } },
};
const TEXT = "# The list\n\nthe one of the ___ is on [the list](other.md) and [others](100%25%20done.md) of the one\n";

const URIS = [
  "file:///t/100% done.md",
  "file:///t/a%2Fb.md",
  "file://wsl.localhost/Ubuntu/x.md",
  "file://wsl%24/Ubuntu/x.md",
  "file:///t/%E0%A4%A.md",
  "file:///t/%FF%FE.md",
  "file:///t/%00.md",
  "file:///t/a?b#c.md",
  "file:///",
  "file://",
  "file:t.md",
  "file:///c%3A/x.md",
  "vscode-vfs://github/o/100%/n.md",
  "vscode-notebook-cell:/t/100%/n.ipynb#W0sZmlsZQ==",
  "git:/t/100%.md?%7B%22path%22%3A%22/t/100%",
  "untitled:100%",
  "x:",
];

/** Asks all that an editor asks of a document, and returns the kinds of answers. */
async function everything(session: Session, uri: string): Promise<string[]> {
  const { client } = session;
  session.open(uri, TEXT);
  const textDocument = { uri };
  const range = { start: at(2, 0), end: at(3, 0) };
  const hover = (character: number, line = 2) =>
    client.request("textDocument/hover", { textDocument, position: at(line, character) });
  // One after the other: a hover ends the one before it.
  const asked: Record<string, () => Promise<unknown>> = {
    completion: () => session.inlineCompletion(uri, at(2, 15)),
    actions: () => client.request("textDocument/codeAction", { textDocument, range, context: { diagnostics: [] } }),
    lenses: () => client.request("textDocument/codeLens", { textDocument }),
    hover: () => hover(3, 0),
    linkHover: () => hover(30),
    otherLinkHover: () => hover(52),
    fill: () => session.command("spanfill.fillGaps", { uri, version: 1, range }),
    title: () => session.command("spanfill.writeField", { uri, version: 1, field: "title", value: "T" }),
  };
  const kinds: string[] = [];
  for (const [name, ask] of Object.entries(asked)) {
    kinds.push(
      await ask().then(
        (value) => `${name} ${Array.isArray(value) ? value.length > 0 : value !== null}`,
        ({ code, message }: { code: number; message: string }) => `${name} ${code} ${message}`,
      ),
    );
  }
  return kinds;
}

for (const roots of [null, ["file:///t", "file://wsl.localhost/Ubuntu", "vscode-vfs://github/o/100%"]]) {
  test(`odd addresses are answered as plain ones (folders: ${roots?.length ?? "none"})`, async () => {
    const capabilities = { ...FULL, workspace: { ...FULL.workspace, workspaceFolders: roots !== null } };
    await using session = await startSession({ settings, capabilities });
    const { client } = session;
    const folders = roots?.map((uri) => ({ uri, name: "t" })) ?? null;
    client.answers.set("workspace/workspaceFolders", () => folders);
    const plain = await everything(session, "file:///t/plain.md");
    assert.ok(plain.includes("fill true") && plain.includes("completion true"), plain.join("; "));
    for (const uri of URIS) assert.deepEqual(await everything(session, uri), plain, uri);
    const log = JSON.stringify(client.received.filter(({ method }) => method === "window/logMessage"));
    assert.doesNotMatch(log, /a request failed/);
  });
}

test("a link to a file with a percent sign in its name, and a folder with one", async () => {
  const inside = join(folder, "50% off");
  mkdirSync(inside);
  writeFileSync(join(inside, "100% done.md"), "# Done\n\nThe one of the list is on the list of the one.\n");
  const root = pathToFileURL(inside).href;
  await using session = await startSession({ settings, initialize: { rootUri: root } });
  session.open(`${root}/start.md`, TEXT);
  const position = at(2, 52);
  const hover = await session.client.request("textDocument/hover", {
    textDocument: { uri: `${root}/start.md` },
    position,
  });
  assert.match(JSON.stringify(hover), /Spanfill/);
  const digest = await session.command("spanfill.summarizeFolder", { uri: root.replaceAll("%25", "%") });
  assert.match(JSON.stringify(digest), /100%25%20done\.md/);
  await assert.rejects(session.command("spanfill.summarizeFolder", { uri: "file://wsl.localhost/Ubuntu" }), (error) =>
    /is not a readable folder/.test(String((error as Error).message)),
  );
});
