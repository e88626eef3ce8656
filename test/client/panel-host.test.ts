/** Two panels at once, as after a window's reload: one that VS Code kept, and one that was opened anew. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { eventually } from "../support/waiting.ts";

/** As much of VS Code as the panel's host needs. */
const FAKE = `
export const made = [];
export function panel() {
  const ends = [];
  const one = {
    visible: true,
    messages: [],
    reveal() {},
    onDidDispose: (end) => ends.push(end),
    end: () => ends.forEach((end) => end()),
    webview: {
      html: "",
      postMessage: async (message) => one.messages.push(message),
      onDidReceiveMessage: (receive) => { one.receive = receive; return { dispose() {} }; },
    },
  };
  made.push(one);
  return one;
}
export class CancellationTokenSource { token = {}; cancel() {} }
export const Uri = { joinPath: ({ fsPath }, ...names) => ({ fsPath: [fsPath, ...names].join("/") }) };
export const ViewColumn = { Active: -1 };
export const StatusBarAlignment = { Right: 2 };
export const ConfigurationTarget = {};
export const UIKind = {};
export const LanguageStatusSeverity = {};
export const languages = {};
export const env = { language: "en" };
export const commands = {};
export const l10n = { t: (text) => text };
export const workspace = { onDidChangeConfiguration: () => ({ dispose() {} }) };
export const window = {
  createWebviewPanel: () => panel(),
  createStatusBarItem: () => ({ show() {}, hide() {}, dispose() {} }),
};
`;

interface FakePanel {
  readonly messages: { readonly type: string; readonly job?: unknown; readonly page?: unknown }[];
  readonly receive: (message: unknown) => void;
  readonly end: () => void;
}

interface Host {
  openPanel(context: unknown, to?: string): void;
  restorePanel(context: unknown, panel: unknown): void;
  panel(): unknown;
  readonly made: FakePanel[];
}

/** The host, loaded with the fake. */
async function hostIn(folder: string): Promise<Host> {
  const outfile = join(folder, "host.mjs");
  await build({
    stdin: {
      contents: `export * from "./client/panel/host.ts"; export { made, panel } from "vscode";`,
      resolveDir: process.cwd(),
    },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
    plugins: [
      {
        name: "vscode",
        setup(builder) {
          builder.onResolve({ filter: /^vscode$/ }, () => ({ path: "vscode", namespace: "fake" }));
          builder.onLoad({ filter: /./, namespace: "fake" }, () => ({ contents: FAKE }));
        },
      },
    ],
  });
  return import(pathToFileURL(outfile).href);
}

test("every open panel hears of a download, also after another one was closed", { timeout: 300_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-host-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "dist"));
  writeFileSync(join(folder, "dist", "panel.js"), "");
  // As vscode-languageclient has it: one handler for a method, the last.
  const handlers = new Map<string, (params: unknown) => void>();
  const client = {
    onNotification: (method: string, handler: (params: unknown) => void) => {
      handlers.set(method, handler);
      return { dispose: () => void handlers.delete(method) };
    },
    onDidChangeState: () => ({ dispose: () => undefined }),
    sendRequest: async () => ({ models: [], runs: [], jobs: [] }),
  };
  const extension = {
    extensionUri: { fsPath: folder },
    globalStorageUri: { fsPath: join(folder, "storage") },
    extension: { packageJSON: { version: "1" } },
    subscriptions: [],
    globalState: { get: () => undefined, update: async () => undefined },
    workspaceState: { get: () => undefined, update: async () => undefined },
  };
  const panels = { all: new Set(), heard: new WeakSet() };
  const context = { extension, server: async () => ({ ready: async () => client }), panels };
  const { openPanel, restorePanel, panel, made } = await hostIn(folder);

  openPanel(context);
  restorePanel(context, panel());
  const [opened, restored] = made;
  assert.ok(opened && restored);
  for (const [i, each] of made.entries()) each.receive({ type: "ask", seq: i, question: { kind: "models" } });
  await eventually(
    () =>
      handlers.has("$/spanfill/job") && made.every(({ messages }) => messages.some(({ type }) => type === "answer")),
  );
  const news = (id: string) => {
    const job = { id, kind: "get", state: "running" };
    handlers.get("$/spanfill/job")?.(job);
    return made.map(({ messages }) => messages.some((message) => Object(message.job).id === id));
  };
  assert.deepEqual(news("first"), [true, true]);
  restored.end();
  assert.deepEqual(news("second"), [true, false]);
  // The one that is left is the panel.
  openPanel(context, "tuning");
  assert.equal(made.length, 2, "a third panel was made");
  assert.deepEqual(opened.messages.at(-1), { type: "show", page: "tuning" });
});
