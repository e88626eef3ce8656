import assert from "node:assert/strict";
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
