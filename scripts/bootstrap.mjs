// Every npm script begins here, so that it works on a fresh clone: installs, and builds where that is needed, what is
// missing or out of date, then runs. No dependencies.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  fail(
    `Node.js ${process.versions.node} is too old: version 20.11 or newer is needed. Get it from https://nodejs.org.`,
  );
}

const [task = "start", ...args] = process.argv.slice(2);
/** The checks of `npm run check`: a title, a script and its arguments. */
const CHECKS = [
  ["Format and lint", bin("@biomejs/biome", "bin/biome"), "check", "."],
  ["Types", bin("typescript", "bin/tsc"), "--noEmit"],
  ["Types of the panel's page", bin("typescript", "bin/tsc"), "--noEmit", "-p", "client/panel/view"],
  ["Unit tests", join("scripts", "test.mjs"), ...args],
];
const tasks = {
  start: () => {
    build();
    // Paths are meant from where npm was called, not from here.
    const cwd = process.env.INIT_CWD ?? process.cwd();
    run(join(root, "dist", "cli.js"), args.length > 0 ? args : ["demo"], { cwd });
  },
  check: () => verify(CHECKS),
  test: () =>
    verify([
      ...CHECKS,
      ["The panel in a browser", join("scripts", "editor", "look.mjs")],
      ["Editor tests", join("scripts", "editor", "run.mjs"), editorForTests()],
    ]),
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
  const done = time("node_modules/.package-lock.json");
  if (done > 0 && done >= time("package-lock.json")) return;
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

/** Bundles into dist/ when a source is newer than what is there. */
function build() {
  const built = Math.min(time("dist/cli.js"), time("dist/child.js"));
  const sources = [
    "esbuild.mjs",
    "scripts/wat.mjs",
    "package.json",
    "package-lock.json",
    ...["base", "protocol", "models", "server", "client"].flatMap(files),
  ];
  if (built > 0 && sources.every((path) => time(path) <= built)) return;
  console.error("Building ...");
  const { status } = spawnSync(process.execPath, ["esbuild.mjs"], { cwd: root, stdio: "inherit" });
  if (status !== 0) fail("The build failed; the messages above say where.");
}

/** Runs all checks, so that one's failure does not hide another's. */
function verify(checks) {
  build();
  const failed = [];
  for (const [name, script, ...rest] of checks) {
    console.error(`\n${name}`);
    run(script, rest);
    if (process.exitCode === 130) return;
    if (process.exitCode !== 0) failed.push(name);
  }
  console.error(failed.length === 0 ? "\nAll passed." : `\nFailed: ${failed.join(", ")}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
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

/** Code of the bundles: TypeScript, JSON and WebAssembly text, not weights. */
function files(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true })
    .filter((name) => /\.(ts|json|wat)$/.test(name))
    .map((name) => join(folder, name));
}

/** When a file was last changed, in milliseconds; 0 when there is none. */
function time(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
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
