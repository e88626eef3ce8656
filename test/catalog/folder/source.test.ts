import assert from "node:assert/strict";
import { readdirSync, readlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { openSource } from "../../../server/catalog/folder/source.ts";
import { temporaryFolder } from "../folders.ts";

/** How often this process has a file open, by the system. */
function openings(file: string): number {
  const numbers = readdirSync("/proc/self/fd");
  const target = (number: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`);
    } catch {
      return undefined; // closed meanwhile
    }
  };
  return numbers.filter((number) => target(number) === file).length;
}

test("reads at the same time share one opening of the file, which is closed after the last", async (t) => {
  const path = join(temporaryFolder(t), "weights.bin");
  writeFileSync(
    path,
    Uint8Array.from({ length: 4096 }, (_, i) => i % 251),
  );
  const { read, file } = await openSource(path);
  const counts: number[] = [];
  const readAndCount = async (offset: number) => {
    const bytes = await read(offset, 16);
    if (process.platform === "linux") counts.push(openings(file));
    return bytes;
  };
  for (const round of [0, 1]) {
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => readAndCount(20 * i + round)));
    for (const [i, bytes] of results.entries())
      assert.deepEqual(
        [...bytes],
        Array.from({ length: 16 }, (_, k) => (20 * i + round + k) % 251),
      );
  }
  assert.ok(
    counts.every((count) => count <= 1),
    `${Math.max(...counts)} openings at once`,
  );
  if (process.platform === "linux") assert.equal(openings(file), 0);
});

test("a file that was truncated or removed fails each read of it, and only those beyond its end", async (t) => {
  const path = join(temporaryFolder(t), "weights.bin");
  writeFileSync(path, Buffer.alloc(4096, 7));
  const { read } = await openSource(path);
  truncateSync(path, 100);
  const [inside, beyond] = await Promise.allSettled([read(0, 100), read(50, 100)]);
  assert.deepEqual(inside, { status: "fulfilled", value: new Uint8Array(100).fill(7) });
  assert.ok(beyond?.status === "rejected" && beyond.reason instanceof ModelError);
  assert.match(beyond.reason.message, /truncated/);
});
