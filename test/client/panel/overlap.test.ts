import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { overlap } from "../../../client/panel/overlap.ts";

test("a folder overlaps what is in it, what it is in, and what leads there by a link", () => {
  const root = mkdtempSync(join(tmpdir(), "spanfill-overlap-"));
  const at = (...names: string[]) => join(root, ...names);
  mkdirSync(at("work", "notes"), { recursive: true });
  mkdirSync(at("workbench"));
  symlinkSync(at("work"), at("link"));
  const cases: readonly [path: string, folder: string, overlaps: boolean][] = [
    [at("work"), at("work"), true],
    [at("work", "notes", "a.md"), at("work"), true],
    [root, at("work"), true],
    ["/", at("work"), true],
    [at("link", "notes"), at("work"), true],
    [at("work", "..", "workbench"), at("work"), false],
    [at("workbench"), at("work"), false],
    [at("..work"), at("work"), false],
    [at("work", "..notes"), at("work"), true],
  ];
  for (const [path, folder, overlaps] of cases) assert.equal(overlap(path, folder), overlaps, `${path} ${folder}`);
});
