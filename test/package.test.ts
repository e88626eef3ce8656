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
