// The tools of packaging and of the editor tests: installed on first use, so that the project stays quick to install,
// and into the user's cache folder, so that they serve every copy of the project.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

const folder = join(root, "scripts", "editor");

/** Loads one of the tools of package.json beside this file, all of them installed first when they are not. */
export function tool(name) {
  return createRequire(join(tools(), "package.json"))(name);
}

/** Where a tool's folder is. */
export function toolFolder(name) {
  return join(tools(), "node_modules", name);
}

function tools() {
  const lock = readFileSync(join(folder, "package-lock.json"));
  return cached(`tools-${createHash("sha256").update(lock).digest("hex").slice(0, 12)}`, (place) => {
    for (const name of ["package.json", "package-lock.json"]) copyFileSync(join(folder, name), join(place, name));
    npm(["ci"], place);
  });
}

/**
 * A folder of the user's cache, filled by `install` when it is not there.
 * @param install gets an empty npm project; it has another name until it is whole
 */
export function cached(name, install) {
  const place = join(cacheFolder(), name);
  if (existsSync(place)) return place;
  console.error(`Installing ${name} (once, into ${place}) ...`);
  const half = `${place}.${process.pid}`;
  mkdirSync(half, { recursive: true });
  try {
    writeFileSync(join(half, "package.json"), '{ "private": true }\n');
    install(half);
    // Unless another run was quicker.
    if (!existsSync(place)) renameSync(half, place);
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
  return place;
}

/** Where editors and browsers for the tests are kept. */
export function cacheFolder() {
  const systems = process.platform === "darwin" ? join(homedir(), "Library", "Caches") : join(homedir(), ".cache");
  return join(process.env.XDG_CACHE_HOME || systems, "spanfill", "editor");
}

/** Runs npm without the packages' own scripts; throws what it said when it fails. Returns its stdout. */
export function npm(args, cwd, env = process.env) {
  const options = { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28 };
  const all = [...args, "--ignore-scripts", "--no-audit", "--no-fund"];
  const { status, stdout, stderr, error } = spawnSync("npm", all, { ...options, shell: process.platform === "win32" });
  if (status === 0) return stdout;
  throw new Error(`npm ${args.join(" ")} failed in ${cwd}:\n${error?.message ?? `${stdout}${stderr}`.slice(-2000)}`);
}
