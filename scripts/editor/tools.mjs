// The tools of packaging and of the editor tests: installed beside this file on first use, so that the project stays quick to install.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

const folder = join(root, "scripts", "editor");

/** Loads one of the tools of package.json beside this file, all of them installed first when they are not. */
export function tool(name) {
  const done = time("node_modules/.package-lock.json");
  if (done === 0 || done < time("package-lock.json")) {
    console.error("Installing the packaging and editor test tools (once) ...");
    npm(["ci"], folder);
  }
  return createRequire(join(folder, "package.json"))(name);
}

/** Where a tool's folder is, once it is installed. */
export function toolFolder(name) {
  return join(folder, "node_modules", name);
}

/** Runs npm without the packages' own scripts; throws what it said when it fails. Returns its stdout. */
export function npm(args, cwd, env = process.env) {
  const options = { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28 };
  const all = [...args, "--ignore-scripts", "--no-audit", "--no-fund"];
  const { status, stdout, stderr, error } = spawnSync("npm", all, { ...options, shell: process.platform === "win32" });
  if (status === 0) return stdout;
  throw new Error(`npm ${args.join(" ")} failed in ${cwd}:\n${error?.message ?? `${stdout}${stderr}`.slice(-2000)}`);
}

function time(name) {
  return statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
