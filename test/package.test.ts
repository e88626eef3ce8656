import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

interface Entry {
  readonly version: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const { packages }: { packages: Record<string, Entry> } = JSON.parse(readFileSync("package-lock.json", "utf8"));

test("package-lock.json holds the packages of every platform, so that npm ci works on each", () => {
  // npm drops those that a registry does not serve, and then npm ci calls the lock file out of date.
  const missing = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies).filter((name) => packages[`node_modules/${name}`] === undefined),
  );
  assert.deepEqual(missing, []);
});

test("package-lock.json names no registry", () => {
  const named = Object.entries(packages).filter(([, entry]) => entry.resolved !== undefined);
  assert.deepEqual(named, []);
});

const { scripts, dependencies, devDependencies }: Readonly<Record<string, Readonly<Record<string, string>>>> =
  JSON.parse(readFileSync("package.json", "utf8"));

test("every dependency is pinned exactly, @vscode/test-electron among them", () => {
  assert.ok(devDependencies?.["@vscode/test-electron"]);
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  );
  assert.deepEqual(loose, []);
});

test("every npm script installs first what is missing, so that it works on a fresh clone", () => {
  const others = Object.entries(scripts ?? {}).filter(([, line]) => !line.startsWith("node scripts/bootstrap.mjs "));
  assert.deepEqual(others, []);
});

test("npm run check and npm test check the types of every file of TypeScript", () => {
  const bootstrap = readFileSync("scripts/bootstrap.mjs", "utf8");
  const { exclude }: { exclude: readonly string[] } = JSON.parse(readFileSync("tsconfig.json", "utf8"));
  const apart = exclude.filter((folder) => !folder.includes("node_modules"));
  assert.ok(apart.length > 0);
  for (const folder of apart) assert.ok(bootstrap.includes(`"-p", "${folder}"`), folder);
});

test("a package's bill of materials names what is bundled, with licenses, and the weights with their sums", () => {
  const list = `import { billOfMaterials } from "./scripts/sbom.mjs";
    console.log(JSON.stringify(billOfMaterials(["onnxruntime-common"], 1600000000)));`;
  const args = ["--input-type=module", "-e", list];
  const bill: Bill = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  const named = new Map(bill.components.map((component) => [component.name, component]));
  for (const name of ["zod", "undici", "lit-html", "vscode-languageclient", "onnxruntime-common"])
    assert.ok(named.has(name), name);
  for (const name of ["typescript", "esbuild", "fast-check"]) assert.ok(!named.has(name), name);
  for (const { name, licenses = [] } of bill.components) assert.ok(licenses.length > 0, `${name} has no license`);
  const bundled: string[] = JSON.parse(readFileSync("dist/bundled-packages.json", "utf8"));
  assert.ok(bundled.length > 50);
  assert.deepEqual(
    bundled.filter((folder) => !named.has(folder.replace(/^.*node_modules\//, ""))),
    [],
  );
  const id = "t5-efficient-tiny-nl4-spanfill";
  const { sha256 } = JSON.parse(readFileSync(`models/builtin/${id}/spanfill.json`, "utf8"));
  assert.deepEqual(named.get(id)?.hashes, [{ alg: "SHA-256", content: sha256["model.int8.safetensors"] }]);
  assert.equal(bill.metadata.timestamp, "2020-09-13T12:26:40.000Z");
});

interface Bill {
  readonly metadata: { readonly timestamp: string };
  readonly components: readonly {
    readonly name: string;
    readonly licenses?: readonly unknown[];
    readonly hashes: readonly unknown[];
  }[];
}
