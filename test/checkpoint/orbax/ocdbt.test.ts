import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openOcdbt } from "../../../models/checkpoint/orbax/ocdbt.ts";
import { ModelError } from "../../../models/errors.ts";
import { bytesFolder, ocdbtDatabase } from "../bytes.ts";

const databases: Record<string, { files: Record<string, string>; values: Record<string, string> }> = JSON.parse(
  readFileSync("test/fixtures/checkpoint/formats/ocdbt.json", "utf8"),
);
const filesOf = (name: string) =>
  new Map<string, Uint8Array>(
    Object.entries(databases[name]?.files ?? {}).map(([path, text]) => [
      path,
      new Uint8Array(Buffer.from(text, "base64")),
    ]),
  );

/** Every value that there should be. */
async function read(name: string, files: ReadonlyMap<string, Uint8Array>): Promise<Record<string, string>> {
  const open = await openOcdbt(bytesFolder(files));
  const found: Record<string, string> = {};
  for (const key of Object.keys(databases[name]?.values ?? {})) {
    const source = await open(key);
    found[key] = Buffer.from(await source.read(0, source.sizeBytes)).toString();
  }
  return found;
}

for (const [name, { values }] of Object.entries(databases)) {
  test(`holds the values that TensorStore put there last: ${name}`, async () => {
    assert.deepEqual(await read(name, filesOf(name)), values);
    await assert.rejects((await openOcdbt(bytesFolder(filesOf(name))))("target"), /manifest\.ocdbt lacks target/);
  });

  test(`a changed or missing byte is noticed wherever it matters: ${name}`, async () => {
    for (const [path, bytes] of filesOf(name)) {
      for (let at = 0; at < bytes.length; at += 37) {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ 4;
        for (const damaged of [changed, bytes.subarray(0, at)]) {
          // What is in no node or value of the newest version is not read, and values have no checksum.
          await read(name, new Map([...filesOf(name), [path, damaged]])).catch((error) =>
            assert.ok(error instanceof ModelError),
          );
          if (path === "manifest.ocdbt") {
            await assert.rejects(read(name, new Map([...filesOf(name), [path, damaged]])), /is damaged: /);
          }
        }
      }
    }
  });
}

/** A leaf without data files: entries of a byte each. */
const leaf = (...rest: number[]) => Uint8Array.from([0, 0, ...rest]);
const opened = async (files: ReadonlyMap<string, Uint8Array>) => (await openOcdbt(bytesFolder(files)))("k");

test("a leaf made by hand is read", async () => {
  const source = await opened(ocdbtDatabase(leaf(1, 1, 0x6b, 2, 0, 7, 8), 0));
  assert.deepEqual(await source.read(0, 2), Uint8Array.of(7, 8));
});

const refused: [string, Map<string, Uint8Array>, RegExp][] = [
  [
    "a path that leads out of the folder",
    ocdbtDatabase(leaf(0), 0, "../../etc/passwd"),
    /in "\.\.\/\.\.\/etc\/passwd", which is not a file in/,
  ],
  ["an absolute path", ocdbtDatabase(leaf(0), 0, "/etc/passwd"), /which is not a file in its folder/],
  ["a node of another height", ocdbtDatabase(leaf(0), 3), /has the wrong height/],
  ["a billion entries", ocdbtDatabase(leaf(0xff, 0xff, 0xff, 0xff, 3), 0), /it breaks off/],
  ["a key twice", ocdbtDatabase(leaf(2, 1, 1, 0, 0x6b, 0, 0, 0, 0), 0), /too many keys, or one twice/],
  ["a value in no file", ocdbtDatabase(leaf(1, 1, 0x6b, 2, 1, 0, 0), 0), /not in the table/],
  [
    "a key that shares more than there is",
    ocdbtDatabase(leaf(2, 9, 1, 1, 0x6b, 0x6c, 0, 0, 0, 0), 0),
    /a name is malformed/,
  ],
  // A node whose only child is itself, height after height.
  [
    "a node in itself",
    ocdbtDatabase(Uint8Array.from([200, 1, 3, 0, 0x64, 0x2f, 0x30, 1, 0, 0, 0, 0, 31]), 200),
    /has the wrong height/,
  ],
];
for (const [name, files, message] of refused) test(`refuses ${name}`, () => assert.rejects(opened(files), message));
