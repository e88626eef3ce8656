// Runs code-server with separate settings and extensions, and a browser that shows it.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unsilenced } from "../trace.mjs";
import { tool } from "./tools.mjs";

// Generous: a machine that tests is often busy.
const READY_MS = 60_000;
const NAVIGATION_MS = 120_000;
const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A calm window: no welcome, no chat, no questions. */
export const CALM_SETTINGS = {
  "chat.disableAIFeatures": true,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  // What moves is drawn without a graphics card, which takes half a core from the tests.
  "workbench.reduceMotion": "on",
  "editor.cursorBlinking": "solid",
  "editor.minimap.enabled": false,
  "typescript.disableAutomaticTypeAcquisition": true,
  "files.autoSave": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "security.workspace.trust.enabled": false,
  "git.enabled": false,
  "telemetry.telemetryLevel": "off",
};

/**
 * Installs a VSIX, or several of which one is Spanfill's, and starts code-server in a fresh folder.
 * @param under a command that runs it, with arguments
 * @returns its address, the folder of the installed extension, and `stop`, which ends it and all its processes
 */
export async function startCodeServer({ node, entry }, { folder, vsix, settings, env = {}, under = [] }) {
  const user = join(folder, "user");
  const extensions = join(folder, "extensions");
  mkdirSync(join(user, "User"), { recursive: true });
  mkdirSync(extensions, { recursive: true });
  writeFileSync(join(user, "User", "settings.json"), JSON.stringify(settings, undefined, 2));
  writeFileSync(join(folder, "config.yaml"), "");
  const places = ["--user-data-dir", user, "--extensions-dir", extensions, "--config", join(folder, "config.yaml")];
  const installs = [vsix].flat().flatMap((path) => ["--install-extension", path]);
  const made = spawnSync(node, [entry, ...places, ...installs], { encoding: "utf8" });
  const name = readdirSync(extensions).find((one) => one.startsWith("spanfill.spanfill-"));
  if (made.status !== 0 || name === undefined)
    throw new Error(`The VSIX was not installed:\n${made.stdout}${made.stderr}`);

  const options = ["--auth", "none", "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"];
  // A separate process group: code-server's children outlive a plain SIGTERM.
  const [command, ...args] = [...under, node, entry, ...options, "--bind-addr", "127.0.0.1:0", ...places];
  const server = spawn(command, args, {
    detached: true,
    env: { ...unsilenced(process.env), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [server.stdout, server.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
  const stop = () => {
    try {
      process.kill(-server.pid, "SIGKILL");
    } catch {
      // already gone
    }
  };
  process.once("exit", stop);
  const until = Date.now() + READY_MS;
  let host;
  for (;;) {
    host ??= said.match(/server listening on http:\/\/([\d.:]+)/)?.[1];
    if (host !== undefined && (await fetch(`http://${host}/healthz`).catch(() => undefined))?.ok) break;
    if (server.exitCode !== null || Date.now() > until) {
      stop();
      throw new Error(`code-server did not start:\n${said.slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    host,
    extension: join(extensions, name),
    log: () => said,
    logs: join(user, "logs"),
    stop,
  };
}

/** Keeps an editor's logs for finding out why a run failed. */
export function keepLogs({ logs }, folder) {
  cpSync(logs, folder, { recursive: true, force: true });
}

/** A browser's page; `close` ends the browser. */
export async function openPage(browserPath) {
  const { chromium } = tool("playwright-core");
  const browser = await chromium.launch({ executablePath: browserPath, args: CHROMIUM_FLAGS });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.setDefaultNavigationTimeout(NAVIGATION_MS);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  return { page: await context.newPage(), close: () => browser.close() };
}
