/** `spanfill summarize DIR`. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { built } from "../support/built.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const model = randomModelFolder();
const slow = randomModelFolder({ layers: 6, width: 256 });
const folder = mkdtempSync(join(tmpdir(), "spanfill-cli-"));
after(() => {
  model.dispose();
  slow.dispose();
  rmSync(folder, { recursive: true, force: true });
});
const WORDS = "the one of and to in is that it for was on are as with. ";

function start(directory: string, ...args: string[]) {
  const all = [
    "summarize",
    "docs",
    "--model",
    directory,
    "--precision",
    "float32",
    "--threads",
    "1",
    "--min-confidence",
    "0",
    ...args,
  ];
  const env = { ...process.env, SPANFILL_CACHE: join(folder, ".cache") };
  const child = spawn(process.execPath, [built("cli.js"), ...all], { cwd: folder, env, stdio: "pipe" });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.stderr += text;
  });
  return { child, said, ended: once(child, "close") };
}

test("a folder's digest is printed in Markdown, or with --json whole; a note says what it has", async () => {
  mkdirSync(join(folder, "docs", "sub"), { recursive: true });
  writeFileSync(join(folder, "docs", "a.md"), WORDS);
  writeFileSync(join(folder, "docs", "sub", "b.md"), WORDS.repeat(2));
  writeFileSync(join(folder, "docs", "secrets.md"), WORDS);
  const plain = start(model.directory);
  assert.deepEqual(await plain.ended, [0, null]);
  assert.match(
    plain.said.stdout,
    /^# Summary of docs\n\n\*2 of 2 files[\s\S]*\(a\.md\)[\s\S]*\n## sub\/\n\n.*\(sub\/b\.md\)/,
  );
  assert.equal(plain.said.stderr, "(2 of 2 files; 100% of their text read; 1 left out)\n");
  const json = start(model.directory, "--json");
  await json.ended;
  const { markdown, files, leftOut, partial } = JSON.parse(json.said.stdout);
  assert.deepEqual(
    { markdown, files, leftOut, partial },
    {
      markdown: plain.said.stdout,
      files: { found: 2, summarized: 2 },
      leftOut: [{ path: "secrets.md", why: "secret" }],
      partial: false,
    },
  );
});

test("each file's summary heeds --style and --max-words", async () => {
  const bullets = start(model.directory, "--style", "bullets", "--max-words", "12");
  assert.deepEqual(await bullets.ended, [0, null], bullets.said.stderr);
  assert.match(bullets.said.stdout, /^- \[a\.md\]\(a\.md\):\n( {2}- .+\n)+/m);
  for (const [, listed = ""] of bullets.said.stdout.matchAll(/\.md\):\n((?: {2}- .+\n)+)/g)) {
    const words = listed
      .replace(/^ {2}- /gm, "")
      .split(/\s+/)
      .filter(Boolean);
    assert.ok(words.length <= 12, listed);
  }
});

test("an option that a folder has no use for is refused", async () => {
  const refused = start(model.directory, "--language", "latex");
  assert.deepEqual(await refused.ended, [2, null]);
  assert.match(refused.said.stderr, /--language applies to a single text/);
});

test("interrupted, it prints what was done, and the exit code says so", {
  skip: process.platform === "win32",
}, async () => {
  const began = performance.now();
  await start(slow.directory, "--json").ended;
  const took = performance.now() - began;
  for (let i = 0; i < 400; i++) writeFileSync(join(folder, "docs", `n${i}.md`), `${WORDS.repeat(40)}${i}`);
  const running = start(slow.directory);
  // Twice as long as it took with 2 files: it is well under way by then, and far from its end.
  await setTimeout(2 * took);
  running.child.kill("SIGINT");
  assert.deepEqual(await running.ended, [130, null], running.said.stderr);
  assert.match(running.said.stdout, /^# Partial summary of docs\n\n\*\d+ of 402 files/);
  assert.match(running.said.stderr, /stopped before the end/);
});
