import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { systemReason } from "../../base/system-error.ts";

const failed = (code: string, path?: string) =>
  Object.assign(new Error(`${code}: bad`), { code, syscall: "open", ...(path !== undefined && { path }) });

test("errors of a full, broken or crowded system are named in words, with the file", () => {
  assert.equal(systemReason(failed("ENOSPC", "/a/b")), "/a/b: the disk is full");
  assert.equal(systemReason(failed("EIO", "/a/b")), "/a/b: the disk reports an error; check it");
  assert.match(systemReason(failed("EMFILE")) ?? "", /^too many files are open in this process; raise its limit/);
  assert.match(systemReason(failed("EROFS", "/out")) ?? "", /^\/out: the disk can only be read$/);
  assert.match(systemReason(failed("ENOENT", "/proc/x")) ?? "", /^\/proc\/x: there is no such file or folder/);
  assert.equal(systemReason(failed("EEXIST", "/a/file")), "/a/file: something else is there already");
  assert.equal(systemReason(failed("EISDIR", "/a")), "/a: it is a folder");
  assert.equal(systemReason(failed("EWHAT")), undefined);
  assert.equal(systemReason(new TypeError("a mistake of ours")), undefined);
  assert.throws(
    () => readFileSync(`/${"x".repeat(300)}`),
    (error) => /the name is too long$/.test(systemReason(error) ?? ""),
  );
});
