import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

test("every regular expression of the sources is known to take time linear in the text", () => {
  const { status, stdout } = spawnSync(process.execPath, ["scripts/regexps.mjs", "--listed"], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});
