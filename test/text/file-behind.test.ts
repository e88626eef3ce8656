/** The file whose text a document shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileBehind, localPath } from "../../server/text/file-behind.ts";

const FILE = "file:///home/u/a%20b/notes.ipynb";
const cell = (scheme: string, handle = "W0s") =>
  `${handle}${encodeURIComponent(Buffer.from(scheme).toString("base64"))}`;
const query = (value: object) => encodeURIComponent(JSON.stringify(value));

const BEHIND: Record<string, string> = {
  [FILE]: FILE,
  "file:///a/b#c.md": "file:///a/b#c.md",
  [`vscode-notebook-cell:/home/u/a%20b/notes.ipynb#${cell("file")}`]: FILE,
  [`vscode-notebook-cell:///home/u/a%20b/notes.ipynb#${cell("file", "X10s")}`]: FILE,
  [`vscode-notebook-cell://wsl%2Bubuntu/home/u/a%20b/notes.ipynb#${cell("vscode-remote")}`]: FILE,
  [`vscode-notebook-cell-metadata:/home/u/a%20b/notes.ipynb#${cell("file")}`]: FILE,
  "vscode-notebook-cell:/home/u/a%20b/notes.ipynb#ch0000001": FILE,
  "vscode-notebook-cell:/home/u/a%20b/notes.ipynb": FILE,
  [`vscode-notebook-cell://server/share/n.ipynb#${cell("file")}`]: "file://server/share/n.ipynb",
  [`vscode-notebook-cell://github/o/r/n.ipynb#${cell("vscode-vfs")}`]: "vscode-vfs://github/o/r/n.ipynb",
  [`vscode-notebook-cell:Untitled-1.ipynb#${cell("untitled")}`]: "untitled:Untitled-1.ipynb",
  [`vscode-notebook-cell:/home/u/a%20b/notes.ipynb#${cell("untitled")}`]: FILE,
  [`git:/home/u/a%20b/notes.ipynb.git?${query({ path: "/home/u/a b/notes.ipynb", ref: "~" })}`]: FILE,
  "git:/home/u/a%20b/notes.ipynb?~": FILE,
  [`git:/c%3A/u/n.md?${query({ path: "c:\\u\\n.md", ref: "" })}`]: "file:///c%3A/u/n.md",
  [`review:/n.md?${query({ path: "n.md" })}`]: "review:/n.md",
  "vscode-userdata:/home/u/a%20b/notes.ipynb": FILE,
  "vscode-remote://ssh-remote%2Bhost/home/u/a%20b/notes.ipynb": FILE,
  "untitled:/home/u/a%20b/notes.ipynb": FILE,
  "untitled:Untitled-1": "untitled:Untitled-1",
  "vscode-vfs://github/o/r/n.md?x#y": "vscode-vfs://github/o/r/n.md",
  "no uri": "no uri",
};

test("a cell, an old version, a setting or a new document is that of its file", () => {
  assert.deepEqual(Object.fromEntries(Object.keys(BEHIND).map((uri) => [uri, fileBehind(uri)])), BEHIND);
});

test("a path is read from whatever a client writes", { skip: process.platform === "win32" }, () => {
  for (const [uri, path] of [
    [FILE, "/home/u/a b/notes.ipynb"],
    ["file:///a/b#c?.md", "/a/b#c?.md"],
    ["file://server/share/n.md", "/share/n.md"],
    ["file:///a/100%/n.md", "/a/100%/n.md"],
    ["file:///a%2Fb.md", "/a/b.md"],
    ["vscode-vfs://github/o/r/n.md", "/o/r/n.md"],
    ["untitled:Untitled-1", undefined],
    ["no uri", undefined],
  ] as const)
    assert.equal(localPath(uri), path, uri);
});
