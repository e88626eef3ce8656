/** The file whose text a document shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { decoded, encodedPath, fileBehind, localPath, ownPath } from "../../server/text/file-behind.ts";

/** Node 20.13 and 22.1 brought the choice of the system. */
const KNOWS_WINDOWS = fileURLToPath("file:///c:/a", { windows: true } as object) === "c:\\a";
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
    ["file:///t/100% done.md", "/t/100% done.md"],
    ["file:///t/100%20%/a%C3%A9%FF.md", "/t/100 %/aé%FF.md"],
    ["file://wsl.localhost/Ubuntu/x.md", "/Ubuntu/x.md"],
    ["vscode-vfs://github/o/r/n.md", "/o/r/n.md"],
    ["untitled:Untitled-1", undefined],
    ["no uri", undefined],
  ] as const)
    assert.equal(localPath(uri), path, uri);
});

test("Windows reads files of another machine by name, other systems do not", { skip: !KNOWS_WINDOWS }, () => {
  for (const [uri, path] of [
    ["file://wsl.localhost/Ubuntu/home/a%20b.md", "\\\\wsl.localhost\\Ubuntu\\home\\a b.md"],
    ["file://wsl%24/Ubuntu/x.md", "\\\\wsl$\\Ubuntu\\x.md"],
    ["file:///c%3A/100% done.md", "c:\\100% done.md"],
  ] as const) {
    assert.equal(localPath(uri, true), path, uri);
    assert.equal(ownPath(uri, true), path, uri);
  }
  assert.equal(ownPath("file://wsl.localhost/Ubuntu/x.md", false), undefined);
  assert.equal(ownPath("vscode-vfs://github/o/r/n.md", false), undefined);
  assert.equal(ownPath("file://localhost/a%2Fb.md", false), "/a/b.md");
});

test("percent signs that stand for nothing stay, and half a character does not throw", () => {
  assert.equal(decoded("100% a%20b %FF%41 %zz"), "100% a b %FFA %zz");
  assert.equal(encodedPath("a b/100%/\uD800"), "a%20b/100%25/%EF%BF%BD");
});
