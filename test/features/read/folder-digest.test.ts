/** What a folder's digest has, and what it leaves out and says so. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { parseSettings } from "../../../protocol/settings.ts";
import { type FolderDigestOptions, folderDigest } from "../../../server/features/read/folder-digest.ts";
import { createSummaryCache } from "../../../server/features/read/summary-cache.ts";
import { type FolderSource, localFolder, MOST_FILE_BYTES, rulesAbove } from "../../../server/text/folder-files.ts";
import { fakeModel } from "../../support/models/fake-model.ts";

const base = mkdtempSync(join(tmpdir(), "spanfill-digest-"));
after(() => rmSync(base, { recursive: true }));
const { settings } = parseSettings({ summary: { minimumConfidence: 0 } });

function tree(name: string, files: Record<string, string | Buffer>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(base, name, path)), { recursive: true });
    writeFileSync(join(base, name, path), content);
  }
  return join(base, name);
}

const model = fakeModel((input) => ` About ${input.replace(/^\s*summarize:\s*(# No\s+)?/, "").split(/[\s.]/)[0]}.`);

async function digest(source: FolderSource, options: Partial<FolderDigestOptions> = {}, above = {}) {
  const context = { model: async () => model, identity: "fake", cache: createSummaryCache() };
  const signal = new AbortController().signal;
  return folderDigest(context, { name: "notes", source, above: [], settings, ...above }, { signal, ...options });
}

const TREE = {
  "README.md": "---\ntitle: No\n---\nWelcome here.\n",
  "a (b) [c].md": "Brackets are fine.",
  "zoo/deep/last.txt": "Last of all.",
  "zoo/first.rst": "First of zoo.",
  "empty.md": " \n",
  ".gitignore": "dist/\n*.draft.md\n",
  "zoo/.spanfillignore": "quiet.md\n",
  "zoo/quiet.md": "Quiet words.",
  "quiet.md": "Loud words.",
  "x.draft.md": "Draft words.",
  "dist/out.md": "Built words.",
  ".hidden/in.md": "Hidden words.",
  "node_modules/m/README.md": "Foreign words.",
  "my-credentials.md": "Secret words.",
  ".env": "KEY=1",
  "logo.png": Buffer.from([137, 80, 78, 71, 0]),
  "binary.txt": Buffer.from("a\0b"),
  "wide.md": Buffer.from("\uFEFFWide words.", "utf16le"),
  "wider.md": Buffer.from("Wider words that someone wrote.", "utf16le").swap16(),
  "latin.txt": Buffer.from([0x47, 0xfc, 0x6e]),
  "huge.md": "words ".repeat(MOST_FILE_BYTES / 6 + 1),
};

test("each file has a sentence with a link, by subfolder, and what is left out is listed with the reason", async () => {
  const folder = tree("all", TREE);
  symlinkSync(join(base, "all"), join(folder, "round"));
  symlinkSync(join(folder, "README.md"), join(folder, "linked.md"));
  const made = await digest(localFolder(folder));
  assert.equal(
    made.markdown,
    `# Summary of notes

*6 of 6 files, 100% of their text read; written by fake, which may be wrong.*

- [README.md](README.md): About Welcome.
- [a (b) \\[c\\].md](a%20%28b%29%20%5Bc%5D.md): About Brackets.
- [empty.md](empty.md): *no text*
- [quiet.md](quiet.md): About Loud.

## zoo/

- [first.rst](zoo/first.rst): About First.

## zoo/deep/

- [last.txt](zoo/deep/last.txt): About Last.

## Left out

- Named by .gitignore or .spanfillignore: dist/, x.draft.md, zoo/quiet.md
- Their names tell of secrets: .env, my-credentials.md
- Binary: binary.txt
- Larger than 2 MB: huge.md
- In UTF-16; save them as UTF-8: wide.md, wider.md
- Not in UTF-8: latin.txt
- Links, which are not followed: linked.md, round
- No prose: logo.png
`,
  );
  assert.deepEqual(made.files, { found: 6, summarized: 6 });
  assert.deepEqual([made.coverage, made.partial, made.model], [1, false, "fake"]);
  const seen = model.seen.join();
  for (const word of ["Secret", "Quiet", "Draft", "Built", "Hidden", "Foreign", "title"]) {
    assert.ok(!seen.includes(word), `the model read "${word}"`);
  }
});

test("what is done when it is stopped stays, and is called partial", async () => {
  const folder = tree("stopped", {
    "a.md": "Alpha text.",
    "b.md": "Beta text.",
    "c.md": "Gamma text.",
    "d.md": "Delta text.",
  });
  const controller = new AbortController();
  const progress: number[] = [];
  const made = await digest(localFolder(folder), {
    signal: controller.signal,
    onProgress: ({ done, total }) => {
      progress.push(done / total);
      if (done === 2) controller.abort();
    },
  });
  assert.deepEqual(progress, [0, 0.25, 0.5]);
  assert.deepEqual(
    { partial: made.partial, files: made.files, coverage: made.coverage },
    { partial: true, files: { found: 4, summarized: 2 }, coverage: 0.5 },
  );
  assert.match(made.markdown, /^# Partial summary of notes\n\n\*2 of 4 files, 50% .*stopped before the end/);
  assert.match(made.markdown, /a\.md.*Alpha[\s\S]*b\.md.*Beta/);
  assert.doesNotMatch(made.markdown, /c\.md/);
});

test("a folder whose files were not even listed when it was stopped is partial, and none of it read", async () => {
  const folder = tree("unlisted", { "a.md": "Alpha text." });
  const { partial, coverage, files } = await digest(localFolder(folder), { signal: AbortSignal.abort() });
  assert.deepEqual({ partial, coverage, files }, { partial: true, coverage: 0, files: { found: 0, summarized: 0 } });
});

test("a file that has not changed is not read by the model again", async () => {
  const folder = tree("again", { "a.md": "Alpha text.", "b.md": "Beta text." });
  const context = { model: async () => model, identity: "fake", cache: createSummaryCache() };
  const params = { name: "n", source: localFolder(folder), above: [], settings };
  const { signal } = new AbortController();
  const first = await folderDigest(context, params, { signal });
  const before = model.requests.length;
  assert.deepEqual(await folderDigest(context, params, { signal }), first);
  assert.equal(model.requests.length, before);
  writeFileSync(join(folder, "b.md"), "Changed text.");
  assert.match((await folderDigest(context, params, { signal })).markdown, /About Changed/);
  assert.equal(model.requests.length, before + 1);
});

test("ignore files above the folder count: git's up to its repository, ours from everywhere", async () => {
  tree("above", {
    ".gitignore": "a.md\n",
    ".spanfillignore": "b.md\n",
    "repository/.git/HEAD": "",
    "repository/.gitignore": "docs/c.md\n",
    "repository/docs/a.md": "Alpha text.",
    "repository/docs/b.md": "Beta text.",
    "repository/docs/c.md": "Gamma text.",
  });
  const folder = join(base, "above", "repository", "docs");
  const made = await digest(localFolder(folder), {}, { above: await rulesAbove(folder) });
  assert.deepEqual(made.leftOut, [
    { path: "b.md", why: "ignored" },
    { path: "c.md", why: "ignored" },
  ]);
});

test("a sentence of the file's own is in quotation marks, and marks of Markdown in it do nothing", async () => {
  const folder = tree("own", { "a.md": "The *best* [link](x) of `all` is \\_here_\\*." });
  const unsure = fakeModel(() => "Maybe.", { calibration: { summary: { bias: -9, weights: {} } } });
  const context = { model: async () => unsure, identity: "unsure", cache: createSummaryCache() };
  const own = parseSettings({}).settings;
  const params = { name: "own", source: localFolder(folder), above: [], settings: own };
  const { markdown } = await folderDigest(context, params, { signal: new AbortController().signal });
  assert.match(markdown, /“The best link of all is \\_here\\_\\\*\.”/);
  assert.match(markdown, /in quotation marks are the files' own words/);
});

test("a subfolder or a file that cannot be read is said, and the rest is there", async () => {
  const source: FolderSource = {
    list: async (path) => {
      if (path === "locked") throw Object.assign(new Error("EACCES"), { code: "EACCES" });
      return [
        { name: "a.md", kind: "file" },
        { name: "gone.md", kind: "file" },
        { name: "locked", kind: "folder" },
      ];
    },
    read: async (path) => {
      if (path === "gone.md") throw new Error("ENOENT");
      return Buffer.from("Alpha text.");
    },
  };
  const made = await digest(source);
  assert.match(made.markdown, /a\.md.*Alpha/);
  assert.match(made.markdown, /Could not be read: locked\/, gone\.md/);
  assert.deepEqual(made.files, { found: 1, summarized: 1 });
});
