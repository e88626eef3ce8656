/** Folders of models for the tests: copies of the fixtures in a temporary folder, to be damaged at will. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A fresh folder that goes when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A fixture's copy: `plain` (one float32 file) or `sharded` (three files of three types). */
export function modelFolder(t: TestContext, fixture: "plain" | "sharded"): string {
  const folder = join(temporaryFolder(t), fixture);
  cpSync(join("test/fixtures/checkpoint", fixture), folder, { recursive: true });
  return folder;
}

/** Changes keys of a folder's config.json; undefined removes one. */
export function editConfig(folder: string, change: object): void {
  const path = join(folder, "config.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...change }));
}

/** What Python says of a fixture: by tensor, its shape and the SHA-256 of its bytes in each precision. */
export function expectedTensors(
  fixture: "plain" | "sharded",
  precision: "float32" | "int8",
): Record<string, { shape: number[]; sha256: string }> {
  return JSON.parse(readFileSync("test/fixtures/checkpoint/expected.json", "utf8"))[fixture][precision];
}
