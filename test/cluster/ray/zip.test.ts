import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBufferPromise } from "yauzl";
import { storedZip } from "../../../server/cluster/ray/zip.ts";

test("yauzl reads what was packed, with its checks of sums and sizes", async () => {
  const entries = [
    { name: "a/b.txt", content: Buffer.from("hello") },
    { name: "ümlaut.bin", content: Buffer.alloc(100_000, 7) },
    { name: "empty", content: new Uint8Array() },
  ];
  const found: unknown[] = [];
  const zip = await fromBufferPromise(Buffer.from(storedZip(entries)), { lazyEntries: true });
  for await (const entry of zip.eachEntry()) {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    found.push([entry.fileName, Buffer.concat(chunks).toString("hex"), entry.crc32]);
  }
  assert.deepEqual(
    found.map((one) => (one as string[])[0]),
    entries.map(({ name }) => name),
  );
  assert.deepEqual(
    found.map((one) => (one as string[])[1]),
    entries.map(({ content }) => Buffer.from(content).toString("hex")),
  );
  // The sum of "hello", as zlib computes it.
  assert.equal((found[0] as unknown[])[2], 0x3610a686);
});
