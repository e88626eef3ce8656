// Every npm script begins here, so that it works on a fresh clone: installs, and builds where that is needed, what is
// missing or out of date, then runs. No dependencies.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { built, changed, root } from "./build.mjs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  fail(
    `Node.js ${process.versions.node} is too old: version 20.11 or newer is needed. Get it from https://nodejs.org.`,
  );
}

const [task = "start", ...args] = process.argv.slice(2);
/** The checks of `npm run check`, one after the other: a title, a script and its arguments. */
const CHECKS = [
  ["Format and lint", bin("@biomejs/biome", "bin/biome"), "check", "."],
  ["Types", bin("typescript", "bin/tsc"), "--noEmit"],
  ["Types of the panel's page", bin("typescript", "bin/tsc"), "--noEmit", "-p", "client/panel/view"],
  ["Unit tests", join("scripts", "test.mjs"), ...args],
];
/** The checks that `npm test` makes beside those: browser and editor wait for one another most of the time. */
const SEEN = [
  ["The panel in a browser", join("scripts", "editor", "look.mjs")],
  ["Editor tests", join("scripts", "editor", "run.mjs"), editorForTests()],
];
const tasks = {
  start: () => {
    build();
    // Paths are meant from where npm was called, not from here.
    const cwd = process.env.INIT_CWD ?? process.cwd();
    run(join(root, "dist", "cli.js"), args.length > 0 ? args : ["demo"], { cwd });
  },
  check: () => verify(CHECKS, []),
  test: () => verify(CHECKS, SEEN),
  /** Any other script, from the repository's root. */
  run: () => {
    const [script, ...rest] = args;
    run(script, rest);
  },
  bench: () => {
    build();
    run(join("bench", "build.mjs"), []);
    if (!process.exitCode) run(join("dist", "bench.js"), args);
  },
};
if (!Object.hasOwn(tasks, task)) fail(`There is no task "${task}": use ${Object.keys(tasks).join(", ")}.`);
install();
tasks[task]();

/** Runs `npm ci` when node_modules is missing or older than package-lock.json. */
function install() {
  const done = changed("node_modules/.package-lock.json");
  if (done > 0 && done >= changed("package-lock.json")) return;
  console.error("Installing dependencies (once; the npm registry is the only place asked) ...");
  // npm names itself when it started this script; its own scripts stay off, so that nothing is fetched from elsewhere.
  const npm = process.env.npm_execpath;
  const retries = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"];
  const command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", ...retries];
  const options = { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };
  const { status, stdout, stderr, error } = npm?.endsWith(".js")
    ? spawnSync(process.execPath, [npm, ...command], options)
    : spawnSync("npm", command, { ...options, shell: process.platform === "win32" });
  if (status === 0) return;
  const said = `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`.trim();
  const offline = /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|ERR_SOCKET_TIMEOUT/.test(said);
  fail(
    offline
      ? `The npm registry could not be reached. Check the network, the proxy, or "npm config get registry"; then try again.\n${summary(said)}`
      : `npm ci failed:\n${summary(said)}`,
  );
}

function build() {
  if (!built()) fail("The build failed; the messages above say where.");
}

/** Makes all checks, so that one's failure does not hide another's; what those beside print follows at the end. */
async function verify(checks, beside) {
  build();
  // Ctrl+C reaches the checks, too, and it is they that answer it.
  process.once("SIGINT", () => undefined);
  const later = [];
  const seen = inTurn(beside, (part) => later.push(part));
  const failed = await inTurn(checks, (part) => process.stderr.write(part), ["ignore", "inherit", "inherit"]);
  if (beside.length > 0) console.error("\nWaiting for the browser and the editor ...");
  failed.push(...(await seen));
  for (const part of later) process.stderr.write(part);
  console.error(failed.length === 0 ? "\nAll passed." : `\nFailed: ${failed.join(", ")}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

/** Makes checks one after the other. @returns the titles of those that failed */
async function inTurn(checks, print, stdio = ["ignore", "pipe", "pipe"]) {
  const failed = [];
  for (const [name, script, ...list] of checks) {
    print(`\n${name}\n`);
    const child = spawn(process.execPath, [script, ...list], { cwd: root, stdio });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", print);
    const [status, signal] = await once(child, "close");
    if (status === 130 || signal === "SIGINT") process.exit(130);
    if (status !== 0) failed.push(name);
  }
  return failed;
}

/** code-server comes from the npm registry, but does not run on Windows. */
function editorForTests() {
  return process.platform === "win32" ? "electron" : "code-server";
}

function run(script, list, options = { cwd: root }) {
  // Ctrl+C reaches the child too, and it is the child that answers it.
  process.once("SIGINT", () => undefined);
  const { status, signal } = spawnSync(process.execPath, [script, ...list], { stdio: "inherit", ...options });
  process.exitCode = status ?? (signal === "SIGINT" ? 130 : 1);
}

function bin(name, path) {
  return join("node_modules", name, path);
}

/** The first errors of npm's report, without warnings and stack traces. */
function summary(text) {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => /^npm error (?! +at )\S/.test(line));
  return (errors.length > 0 ? errors : lines).slice(0, 10).join("\n");
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
