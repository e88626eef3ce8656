/** Places that cannot be written are named in one line, whichever command is to write there. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { commandLine } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const model = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-unwritable-"));
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});
const { run } = commandLine(folder, { SPANFILL_CACHE: join(folder, "cache"), SPANFILL_MODELS: join(folder, "own") });
const row = (i: number) => JSON.stringify({ text: `the one ${i}. that is it.`, summary: "that is", title: `the ${i}` });
writeFileSync(join(folder, "pairs.jsonl"), Array.from({ length: 8 }, (_, i) => row(i)).join("\n"));
mkdirSync(join(folder, "docs"));
writeFileSync(join(folder, "docs", "a.md"), "the one that is it.\n");
writeFileSync(join(folder, "file"), "x");
symlinkSync("loop", join(folder, "loop"));

const pairs = ["--data", "pairs.jsonl"];
const commands: readonly (readonly string[])[] = [
  ["train", "--task", "summarize", ...pairs, "--base", model.directory, "--epochs", "1", "--threads", "1", "--out"],
  [
    "evaluate",
    "--task",
    "title",
    ...pairs,
    "--limit",
    "2",
    "--model",
    model.directory,
    "--threads",
    "1",
    "--predictions",
  ],
  ["summarize", "--batch", "docs", "--model", model.directory, "--threads", "1", "--out"],
  ["export", model.directory, "--to", "hf", "--out"],
];
const places = [
  ["file/x", /file(\/x)?: (something else is there already|a part of the path is a file)|file is a file, not a folder/],
  ["loop/x", /a link leads back to itself|too many symbolic links/],
  ["x".repeat(300), /[Nn]ame (is )?too long/i],
] as const;

test("a file in a folder's place, a link to itself and a long name are said in a line", {
  skip: process.platform === "win32",
}, async () => {
  for (const [place, why] of places) {
    for (const command of commands) {
      const { code, stderr } = await run([...command, place]);
      const name = `${command[0]} ${place.slice(0, 9)}`;
      const line = stderr.trim().split("\n").at(-1) ?? "";
      assert.deepEqual([name, code], [name, 1], stderr);
      assert.match(line, /^spanfill: /, `${name}: ${stderr}`);
      assert.match(line, why, name);
    }
  }
});
