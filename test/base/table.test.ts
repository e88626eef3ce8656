/** Tables that names from outside are looked up in. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { table } from "../../base/table.ts";

const FOLDERS = ["base", "models", "programs", "protocol", "server"];

test("a table knows its entries only, not what every object has", () => {
  const known: Readonly<Record<string, number | undefined>> = table({ a: 1 });
  assert.deepEqual([known["a"], known["b"]], [1, undefined]);
  for (const name of ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__", "__defineGetter__"])
    assert.equal(known[name], undefined, name);
});

test("every table by name in a module is such a one", () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
  ).filter((name) => name.endsWith(".ts"));
  assert.ok(files.length > 300, `${files.length}`);
  const plain = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/^(?:export )?const (\w+):[^=\n]*\bRecord<string,[^=\n]*=\s*\{/gm)].map(
      ([, name]) => `${file} ${name}`,
    ),
  );
  assert.deepEqual(plain, []);
});
