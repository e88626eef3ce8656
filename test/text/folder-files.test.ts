import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { localFolder, PROSE_NAME, rulesAbove, walkFolder } from "../../server/text/folder-files.ts";

function tree(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-folder-files-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const walk = async (folder: string) => {
  const signal = new AbortController().signal;
  return (await walkFolder(localFolder(folder), PROSE_NAME, await rulesAbove(folder), signal)).files;
};

test("what stands beside an ignore file that cannot be read, and below, is left out", async () => {
  const large = "a\n".repeat(200_000);
  const files = { "a.md": "a", "notes/b.md": "b", "notes/deep/c.md": "c", "other/d.md": "d" };
  for (const ignoring of [".gitignore", ".spanfillignore"]) {
    assert.deepEqual(await walk(tree({ ...files, [`notes/${ignoring}`]: large })), ["a.md", "other/d.md"]);
    const within = tree({ ...files, ".git/HEAD": "", [ignoring]: large });
    assert.deepEqual(await walk(join(within, "notes")), [], "from above");
  }
  assert.deepEqual(await walk(tree(files)), ["a.md", "notes/b.md", "notes/deep/c.md", "other/d.md"]);
  const folder = tree(files);
  mkdirSync(join(folder, ".spanfillignore"));
  assert.deepEqual(await walk(folder), [], "a folder of that name");
});
