// A real VS Code for the tests where its download is refused: code-server from the npm registry, Node.js 24 to run it, and a
// browser to show it. Kept in the user's cache folder, so that only the first run pays for it.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { npm } from "./tools.mjs";

const NODE = "24.9.0";
const CODE_SERVER = "4.139.1";

/** Paths of what is needed; what is missing is installed first. @throws Error with the reason where something cannot be had */
export function installEditor() {
  if (process.platform === "win32") {
    throw new Error("code-server does not run on Windows. Use npm run test:electron there, which downloads VS Code.");
  }
  const browser = findBrowser() ?? installBrowser();
  const machine = `${process.platform}-${process.arch}`;
  const node = join(installed(`node-${NODE}-${machine}`, installNode), "node_modules", `node-${machine}`, "bin");
  const env = { ...process.env, PATH: `${node}${delimiter}${process.env.PATH}` };
  const server = installed(`code-server-${CODE_SERVER}-${machine}`, (folder) => installCodeServer(folder, env));
  return { browser, node: join(node, "node"), entry: join(server, "node_modules/code-server/out/node/entry.js") };
}

function installNode(folder) {
  npm(["install", `node-${process.platform}-${process.arch}@${NODE}`], folder);
}

function installCodeServer(folder, env) {
  npm(["install", `code-server@${CODE_SERVER}`], folder, env);
  const editor = join(folder, "node_modules", "code-server", "lib", "vscode");
  npm(["install", "--omit=dev"], editor, env);
  npm(["install", "--omit=dev"], join(editor, "extensions"), env);
}

/** A folder of the cache; made under another name first, so that what is there is whole. */
function installed(name, install) {
  const folder = join(cacheFolder(), "spanfill", "editor", name);
  if (existsSync(folder)) return folder;
  console.error(`Installing ${name} (once, into ${folder}) ...`);
  const half = `${folder}.${process.pid}`;
  mkdirSync(half, { recursive: true });
  try {
    writeFileSync(join(half, "package.json"), '{ "private": true }\n');
    install(half);
    if (!existsSync(folder)) renameSync(half, folder);
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
  return folder;
}

function cacheFolder() {
  if (process.env.XDG_CACHE_HOME) return process.env.XDG_CACHE_HOME;
  return process.platform === "darwin" ? join(homedir(), "Library", "Caches") : join(homedir(), ".cache");
}

const BROWSERS = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "microsoft-edge",
  "brave-browser",
];
const APPLICATIONS = ["Google Chrome", "Chromium", "Microsoft Edge"];

/** A Chromium that is already there; CHROME_PATH names one that is elsewhere. */
function findBrowser() {
  const { CHROME_PATH, PATH = "" } = process.env;
  if (CHROME_PATH) {
    if (isProgram(CHROME_PATH)) return CHROME_PATH;
    throw new Error(`CHROME_PATH is ${CHROME_PATH}, and there is no program. Correct it or leave it unset.`);
  }
  const candidates = [
    ...PATH.split(delimiter).flatMap((folder) => BROWSERS.map((name) => join(folder, name))),
    ...APPLICATIONS.map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`),
  ];
  return candidates.find(isProgram);
}

/** Installs Chromium from the system's packages where that needs no password. */
function installBrowser() {
  const none = "The editor tests need Chrome or Chromium, and there is none";
  const how = "Install one, or set CHROME_PATH to one.";
  const isRoot = process.getuid?.() === 0;
  const sudo = isRoot ? [] : ["sudo", "-n"];
  if (!runs(...sudo, "apt-get", "--version")) {
    const why = isRoot
      ? "no apt-get to install it with"
      : "it cannot be installed without a password or without apt-get";
    throw new Error(`${none} (${why}). ${how}`);
  }
  console.error("Installing Chromium with apt-get ...");
  const quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"];
  runs(...sudo, ...quiet, "update");
  const done = runs(...sudo, ...quiet, "install", "-y", "--no-install-recommends", "chromium");
  const browser = findBrowser();
  if (browser === undefined)
    throw new Error(`${none} (apt-get ${done ? "installed another" : "could not install it"}). ${how}`);
  return browser;
}

function runs(command, ...args) {
  return spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] }).status === 0;
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
