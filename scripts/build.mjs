// Bundles into dist/ when that is older than a source. No dependencies, as bootstrap.mjs imports it.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const SETTINGS = ["esbuild.mjs", "scripts/eld.mjs", "scripts/wat.mjs", "package.json", "package-lock.json"];
const FOLDERS = ["base", "protocol", "programs", "models", "server", "client"];
const BUNDLES = ["cli.js", "server.js", "child.js", "client.cjs", "panel.js"];

/** Whether dist/ is up to date at the end: it may be already. */
export function built() {
  const oldest = Math.min(...BUNDLES.map((name) => changed(join("dist", name))));
  if (oldest > 0 && [...SETTINGS, ...FOLDERS.flatMap(sources)].every((path) => changed(path) <= oldest)) return true;
  console.error("Building ...");
  return spawnSync(process.execPath, ["esbuild.mjs"], { cwd: root, stdio: "inherit" }).status === 0;
}

/** When a file was last changed, in milliseconds; 0 when there is none. */
export function changed(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Code of the bundles: TypeScript, JSON and WebAssembly text, not weights. */
function sources(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true })
    .filter((name) => /\.(ts|css|json|wat)$/.test(name))
    .map((name) => join(folder, name));
}
