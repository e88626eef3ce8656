import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isLocked, lockFolder } from "../../server/files/lock.ts";

test("a folder is one's own until it is given back", async () => {
  const [folder, other] = ["a", "b"].map((name) => join(tmpdir(), `spanfill-lock-${process.pid}`, name));
  assert.ok(folder !== undefined && other !== undefined);
  assert.equal(await isLocked(folder), false);
  const unlock = await lockFolder(folder);
  assert.deepEqual([await isLocked(folder), await isLocked(other)], [true, false]);
  await assert.rejects(lockFolder(join(other, "..", "a")), /Another process is working in .*a\. Wait until it ends/);
  unlock();
  (await lockFolder(folder))();
});
