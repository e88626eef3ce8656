/** What is learned from a workspace, what never is, and that it is forgotten. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { createWorkspaceWords } from "../../../../server/features/write/typing/workspace-words.ts";
import { createPrivateFiles } from "../../../../server/text/private-files.ts";

const home = mkdtempSync(join(tmpdir(), "spanfill-learn-"));
after(() => rmSync(home, { recursive: true, force: true }));

/** A folder with these files. */
function folder(name: string, files: Readonly<Record<string, string>>) {
  const path = join(home, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  }
  const { why } = createPrivateFiles();
  return { path, whyPrivate: why };
}

async function learned(from: ReturnType<typeof folder>) {
  const words = createWorkspaceWords((error) => assert.fail(String(error)));
  assert.equal(words.of(from), undefined);
  await words.settled();
  return words;
}

test("the words of a folder's prose are learned, in every language and in their own spelling", async () => {
  const from = folder("prose", {
    "README.md": "The SuperCollector collects metrics.",
    "docs/übersicht.md": "Der Zwischenspeicher hält Einträge.",
    "docs/aperçu.rst": "Le système est déployé.",
    "src/main.ts": "const notProse = 1;",
  });
  const words = (await learned(from)).of(from);
  assert.deepEqual(words?.likelyAfter("The", 3), ["SuperCollector"]);
  assert.deepEqual(words?.beginning("Zwi", 3), ["Zwischenspeicher"]);
  assert.deepEqual(words?.beginning("dép", 3), ["déployé"]);
  assert.deepEqual(words?.beginning("notP", 3), []);
});

test("nothing is learned from ignored and secret files, keys, links and what is outside", async () => {
  const from = folder("private", {
    ".gitignore": "build/\n",
    ".spanfillignore": "diary.md\n",
    "build/out.md": "wordbuild",
    "diary.md": "worddiary",
    "my-credentials.md": "wordcredentials",
    "keys.md": `wordkeys ghp_${"a".repeat(36)}`,
    ".hidden/notes.md": "wordhidden",
    "node_modules/a/README.md": "wordmodules",
    "closed/.spanfillignore": "*\n",
    "closed/in.md": "wordclosed",
    "open.md": "wordopen",
  });
  writeFileSync(join(home, "outside.md"), "wordoutside");
  symlinkSync(join(home, "outside.md"), join(from.path, "link.md"));
  const words = (await learned(from)).of(from);
  assert.deepEqual(words?.beginning("word", 99), ["wordopen"]);
});

test("an ignore file that cannot be read keeps its folder's words out", async () => {
  const from = folder("unreadable", { "a/in.md": "wordin", "b/in.md": "wordother" });
  mkdirSync(join(from.path, "a", ".spanfillignore"));
  const words = (await learned(from)).of(from);
  assert.deepEqual(words?.beginning("word", 9), ["wordother"]);
});

test("what is learned is bounded, in files and in characters", async () => {
  const long = `${"filler ".repeat(150_000)}\n`;
  const files = { "a.md": long, "b.md": long, "c.md": "wordlast" };
  const big = folder("big", files);
  assert.deepEqual((await learned(big)).of(big)?.beginning("wordl", 1), []);
  const many = folder(
    "many",
    Object.fromEntries(Array.from({ length: 510 }, (_, i) => [`${1000 + i}.md`, `word${1000 + i}a`])),
  );
  assert.equal((await learned(many)).of(many)?.beginning("word", 999).length, 500);
});

test("what was learned is forgotten, also what is being read", async () => {
  const from = folder("forgotten", { "a.md": "wordold" });
  const words = await learned(from);
  words.forget();
  assert.equal(words.of(from), undefined);
  words.forget();
  await words.settled();
  writeFileSync(join(from.path, "a.md"), "wordnew");
  words.of(from);
  await words.settled();
  assert.deepEqual(words.of(from)?.beginning("word", 9), ["wordnew"]);
});
