import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { ModelError } from "../../models/errors.ts";
import { systemsSchema, verifyFixtures } from "../../server/cli/models/models-verify.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-verify-"));
const project = process.cwd();
after(() => {
  process.chdir(project);
  process.exitCode = 0;
  rmSync(folder, { recursive: true, force: true });
});
const work = { signal: new AbortController().signal, progress: () => {} };

test("the tests that the table of systems names are there", () => {
  const { groups }: { groups: { systems: { system: string; tests?: { file: string }[] }[] }[] } = JSON.parse(
    readFileSync("test/systems.json", "utf8"),
  );
  const files = groups.flatMap(({ systems }) => systems.flatMap(({ tests = [] }) => tests.map(({ file }) => file)));
  assert.ok(files.length > 40);
  for (const file of files) assert.ok(existsSync(`test/${file}.test.ts`), file);
});

test("a system is verified when all of its tests passed, and nothing is where nothing checks it", async () => {
  process.chdir(folder);
  mkdirSync("test");
  mkdirSync("scripts");
  const on = (...names: string[]) => ({ by: ["PyTorch"], tests: names.map((name) => ({ file: "a", test: name })) });
  const systems = [
    { system: "good", ...on("one") },
    { system: "broken", ...on("one", "two") },
    { system: "gone", ...on("three") },
    { system: "dark", unverified: "no weights" },
  ];
  writeFileSync("test/systems.json", JSON.stringify({ groups: [{ name: "Kinds", systems }] }));
  const events = [
    { file: "a", test: "one", ok: true },
    { file: "a", test: "two", ok: false },
  ];
  writeFileSync(
    "scripts/test.mjs",
    events.map((event) => `console.log(${JSON.stringify(JSON.stringify(event))});`).join("\n"),
  );
  const { text, json } = await verifyFixtures(work, join(folder, "dist"));
  const rows = "rows" in json && Array.isArray(json.rows) ? json.rows : [];
  assert.deepEqual(
    rows.map(({ system, verdict, failed }) => [system, verdict, failed]),
    [
      ["good", "verified", []],
      ["broken", "FAILED", ["a: two"]],
      ["gone", "FAILED", ["a: three"]],
      ["dark", "unverified", []],
    ],
  );
  assert.match(text, /\| \*\*Kinds\*\* \| \|\n\| good \| PyTorch \|\n\| broken \| \*FAILED\*: PyTorch \|/);
  assert.match(text, /\| dark \| \*unverified\*: no weights \|/);
});

test("the project's own runner runs tests of the table, and one that it does not have fails", async () => {
  const checkout = mkdtempSync(join(tmpdir(), "spanfill-verify-"));
  for (const name of ["test", "scripts"]) mkdirSync(join(checkout, name));
  const { groups } = systemsSchema.parse(JSON.parse(readFileSync(join(project, "test/systems.json"), "utf8")));
  const [quick] = groups
    .flatMap(({ systems }) => systems)
    .filter(({ tests = [] }) => tests.length > 0 && tests.every(({ file }) => file === "checkpoint/safetensors"));
  assert.ok(quick !== undefined);
  const gone = { ...quick, system: "gone", tests: [{ file: "checkpoint/safetensors", test: "of another name" }] };
  writeFileSync(
    join(checkout, "test/systems.json"),
    JSON.stringify({ groups: [{ name: "Kinds", systems: [quick, gone] }] }),
  );
  const runner = pathToFileURL(join(project, "scripts/test.mjs")).href;
  writeFileSync(
    join(checkout, "scripts/test.mjs"),
    `process.chdir(${JSON.stringify(project)}); delete process.env.NODE_TEST_CONTEXT; await import(${JSON.stringify(runner)});`,
  );
  const { json } = await verifyFixtures(work, join(checkout, "dist"));
  rmSync(checkout, { recursive: true });
  const rows = "rows" in json && Array.isArray(json.rows) ? json.rows : [];
  assert.deepEqual(
    rows.map(({ system, verdict, failed }) => [system, verdict, failed]),
    [
      [quick.system, "verified", []],
      ["gone", "FAILED", ["checkpoint/safetensors: of another name"]],
    ],
  );
});

test("outside a checkout --fixtures says where to run it, and runs nothing of the working folder", async () => {
  process.chdir(folder);
  writeFileSync("scripts/test.mjs", 'import { writeFileSync } from "node:fs"; writeFileSync("ran", "");');
  const elsewhere = mkdtempSync(join(tmpdir(), "spanfill-verify-"));
  const refused = (error: unknown) => error instanceof ModelError && /checkout/.test(error.message);
  await assert.rejects(verifyFixtures(work, elsewhere), refused);
  rmSync(elsewhere, { recursive: true });
  assert.equal(existsSync("ran"), false);
});
