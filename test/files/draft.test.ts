/** What a process that has ended was making is removed by the next one, wherever it lies. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { draftOf, makeDraftFolder, sweepDraftsOf } from "../../server/files/draft.ts";
import { writeAtomically } from "../../server/files/whole-file.ts";
import { temporaryFolder } from "../catalog/folders.ts";

const TWO_DAYS_AGO = new Date(Date.now() - 2 * 86_400_000);
const OTHER = "11111111-2222-3333-4444-555555555555";

/** The name with the process id of one that has ended. */
function ofEnded(name: string): string {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const hex = (id: number) => id.toString(16).padStart(8, "0");
  assert.ok(name.includes(hex(process.pid)), name);
  return name.replace(hex(process.pid), hex(pid));
}

const files: [string, (path: string) => Promise<string>, Date | undefined, boolean][] = [
  ["of this process", draftOf, undefined, true],
  ["of this process's, in long work", draftOf, TWO_DAYS_AGO, false],
  ["of a process that has ended", async (path) => ofEnded(await draftOf(path)), undefined, false],
  [
    "of another file, by a process that has ended",
    async (path) => ofEnded(await draftOf(`${path}2`)),
    undefined,
    false,
  ],
  ["of another machine or an earlier version", async (path) => join(path, "..", `.c.${OTHER}.tmp`), undefined, true],
  ["of an earlier version, two days old", async (path) => join(path, "..", `.c.${OTHER}.tmp`), TWO_DAYS_AGO, false],
  ["of another file by another program", async (path) => join(path, "..", `.b.${OTHER}.tmp`), TWO_DAYS_AGO, true],
  ["a person's", async (path) => join(path, "..", ".c.notes.tmp"), TWO_DAYS_AGO, true],
];
for (const [what, draftFor, touched, stays] of files) {
  test(`a draft ${what} ${stays ? "stays" : "goes"} when the file is written`, async (t) => {
    const path = join(temporaryFolder(t), "c");
    const draft = await draftFor(path);
    writeFileSync(draft, "half");
    if (touched !== undefined) utimesSync(draft, touched, touched);
    await writeAtomically(path, (handle) => handle.writeFile("whole"));
    assert.deepEqual(readdirSync(join(path, "..")).sort(), [...(stays ? [basename(draft)] : []), "c"].sort());
  });
}

test("a file with the longest name can be written, and its draft swept", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "é".repeat(127));
  await writeAtomically(path, async (handle) => {
    await handle.writeFile("whole");
    assert.equal(readdirSync(folder).length, 1);
  });
  assert.deepEqual(readdirSync(folder), [basename(path)]);
  const draft = await draftOf(path);
  writeFileSync(ofEnded(draft), "half");
  await sweepDraftsOf(path);
  assert.deepEqual(readdirSync(folder), [basename(path)]);
});

test("a half-made import goes with the next one, and other folders stay", async (t) => {
  const models = temporaryFolder(t);
  const mine = await makeDraftFolder(models, "importing");
  const left = ofEnded(await makeDraftFolder(models, "checking"));
  const names = [left, join(models, ".importing-Ab3xYz"), join(models, ".importing-Zz3xYz"), join(models, ".runs")];
  for (const folder of names) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "model.safetensors"), "");
  }
  for (const folder of names.slice(2)) utimesSync(folder, TWO_DAYS_AGO, TWO_DAYS_AGO);
  const checking = readdirSync(models).find((name) => name.startsWith(".checking-") && name !== basename(left));
  const next = await makeDraftFolder(models, "importing");
  assert.deepEqual(
    readdirSync(models).sort(),
    [".importing-Ab3xYz", ".runs", basename(mine), basename(next), checking].sort(),
  );
});
