// The machine's programs, Debian packages and running processes.
import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

const END_MS = 60_000;

/** The path of the first of some programs that is on the PATH, or undefined. */
export function onPath(...names) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isProgram);
}

/** Whether a file can be run. */
export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs a Debian package where that needs no password. Returns why it could not, or undefined when it is installed.
 */
export function aptInstall(name) {
  if (process.getuid?.() !== 0) return "apt-get would need a password";
  if (onPath("apt-get") === undefined) return "there is no apt-get";
  console.error(`Installing ${name} with apt-get ...`);
  const quiet = { encoding: "utf8", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  const updated = spawnSync("apt-get", ["-qq", "update"], quiet);
  const { status, stderr } = spawnSync("apt-get", ["-qq", "install", "-y", "--no-install-recommends", name], quiet);
  if (status === 0) return undefined;
  return `apt-get could not install ${name}: ${`${updated.stderr}${stderr}`.trim().slice(-1000)}`;
}

/** Waits for the end of the processes that were started with a path in a folder. @throws Error when some do not end */
export async function processesEnd(folder) {
  const until = Date.now() + END_MS;
  for (;;) {
    const left = processesOf(folder);
    if (left.length === 0) return;
    if (Date.now() > until) throw new Error(`left after ${END_MS / 1000} s: ${left.join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Ids of the processes that were started with a path in a folder among their arguments. */
export function processesOf(folder) {
  return commandLines()
    .filter(({ args }) => args.some((arg) => arg.startsWith(folder)))
    .map(({ pid }) => pid);
}

/** Every process's arguments; one that has ended and was not waited for has none. */
function commandLines() {
  // Small Linux systems have no ps.
  if (existsSync("/proc/self/cmdline")) {
    const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return ids.map((id) => ({ pid: Number(id), args: contentOf(`/proc/${id}/cmdline`).split("\0") }));
  }
  const lines = execFileSync("ps", ["-A", "-o", "pid=,args="], { encoding: "utf8" }).trim().split("\n");
  return lines.map((line) => line.trim().split(/\s+/)).map(([pid, ...args]) => ({ pid: Number(pid), args }));
}

function contentOf(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended
  }
}
