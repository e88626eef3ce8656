/** Answers the panel's questions that need the editor; passes the rest to the server. */
import { statSync } from "node:fs";
import {
  type CancellationTokenSource,
  ConfigurationTarget,
  commands,
  type ExtensionContext,
  env,
  l10n,
  UIKind,
  Uri,
  window,
  workspace,
} from "vscode";
import { defined } from "../../base/defined.ts";
import type { Device } from "../../protocol/devices.ts";
import { FEATURES, type Feature } from "../../protocol/features.ts";
import type { Imported } from "../../protocol/panel/models.ts";
import {
  type Answerers,
  type AnswerOf,
  type Chosen,
  PANEL_REQUEST,
  type Question,
  type Questions,
  type ServerQuestion,
} from "../../protocol/panel.ts";
import type { ClusterToken } from "../../protocol/runs.ts";
import { askFor } from "../editor/picks.ts";
import type { LanguageServer } from "../server/language-client.ts";
import { askClusterToken, readClusterToken } from "./cluster.ts";
import { askServer } from "./inference-server.ts";
import { overlap } from "./overlap.ts";

/** The context of the panel. */
export interface PanelContext {
  readonly extension: ExtensionContext;
  /** Starts the language server if it is not running. */
  readonly server: () => Promise<LanguageServer>;
}

const TOKEN = "spanfill.hub.token";

/**
 * The answers to the page's questions: from the editor, or from the server. They throw the server's error, or why this
 * window refuses.
 */
export const ANSWERERS: Answerers<Question["kind"], [context: PanelContext, cancel: CancellationTokenSource]> = {
  choose: async ({ feature, id }) => {
    await choose(feature, id);
    return chosenModels();
  },
  chosen: async () => chosenModels(),
  configure: async ({ kind: _, serverFeatures, ...settings }) => {
    if (serverFeatures !== undefined) await write("server.features", serverFeatures);
    for (const [name, value] of Object.entries(settings)) await write(name, value);
    return chosenModels();
  },
  pick: ({ what }, context) => pick(context, what === "folder"),
  token: (_question, { extension }) => askToken(extension),
  server: async (_question, { extension }) => {
    await askServer(extension, write);
    return chosenModels();
  },
  pickData: ({ what }) => pickData(what),
  reveal: async ({ path }) => {
    await reveal(Uri.file(path));
    return null;
  },
  visit: async ({ id }) => {
    await env.openExternal(Uri.parse(`https://huggingface.co/${id}`));
    return null;
  },
  privacy: async (_question, { extension }) => {
    await commands.executeCommand("markdown.showPreview", Uri.joinPath(extension.extensionUri, "PRIVACY.md"));
    return null;
  },
  get: async (question, context, cancel) => {
    const token = await context.extension.secrets.get(TOKEN);
    const proxy = workspace.getConfiguration("http").get<string>("proxy");
    return ask({ ...question, ...(token && { token }), ...(proxy && { proxy }) }, context, cancel);
  },
  checkData: askTrusted,
  fit: askTrusted,
  startRun: async (question, context, cancel) =>
    askTrusted({ ...question, ...(await clusterToken(context)) }, context, cancel),
  steerRun: async (question, context, cancel) =>
    ask({ ...question, ...(await clusterToken(context)) }, context, cancel),
  pace: async (question, context, cancel) => ask({ ...question, ...(await clusterToken(context)) }, context, cancel),
  cluster: async (question, context, cancel) => {
    if (!(await askClusterToken(context.extension, question.address))) return null;
    return ask({ ...question, ...(await clusterToken(context)) }, context, cancel);
  },
  models: ask,
  stop: ask,
  remove: ask,
  verify: ask,
  import: ask,
  measure: ask,
  devices: ask,
  generate: ask,
  runs: ask,
  run: ask,
  compareRun: ask,
  removeRun: ask,
};

/** Asks the server. */
export async function ask<Q extends ServerQuestion>(
  question: Q,
  context: PanelContext,
  cancel?: CancellationTokenSource,
): Promise<AnswerOf<Q>> {
  const client = await (await context.server()).ready();
  // An undefined token would be sent as a second parameter.
  if (cancel === undefined) return client.sendRequest(PANEL_REQUEST, question);
  return client.sendRequest(PANEL_REQUEST, question, cancel.token);
}

/** The stored token of a cluster; the server passes it to runs on that cluster only. */
async function clusterToken({ extension }: PanelContext): Promise<{ clusterToken?: ClusterToken }> {
  return defined({ clusterToken: await readClusterToken(extension) });
}

/** Asks the server about data to learn from. */
async function askTrusted<Q extends Questions["checkData" | "fit" | "startRun"]>(
  question: Q,
  context: PanelContext,
  cancel: CancellationTokenSource,
): Promise<AnswerOf<Q>> {
  requireTrust(question.request.data);
  return ask(question, context, cancel);
}

/** The models that the settings name, and the settings for running them. */
export function chosenModels(): Chosen {
  const settings = workspace.getConfiguration("spanfill");
  const named = (name: string) => settings.get<string>(name) ?? "";
  return {
    model: named("model"),
    summarize: named("models.summarize"),
    infill: named("models.infill"),
    ask: named("models.ask"),
    classify: named("models.classify"),
    precision: settings.get<"int8" | "float32">("precision") ?? "int8",
    device: settings.get<Device | "auto">("device") ?? "auto",
    threads: settings.get<number>("threads") ?? 0,
    serverFeatures: settings.get<readonly Feature[]>("server.features") ?? FEATURES,
  };
}

/** Writes the setting; an empty id removes it. */
export async function choose(feature: Feature | undefined, id: string): Promise<void> {
  const settings = workspace.getConfiguration("spanfill");
  const target = await write(feature === undefined ? "model" : `models.${feature}`, id === "" ? undefined : id);
  // A model for everything replaces the models for single features.
  if (feature === undefined) for (const other of FEATURES) await settings.update(`models.${other}`, undefined, target);
}

/**
 * Writes a setting where it is already set, otherwise for all windows.
 * @returns where it was written
 */
async function write(name: string, value: unknown): Promise<ConfigurationTarget> {
  const settings = workspace.getConfiguration("spanfill");
  const target =
    settings.inspect(name)?.workspaceValue === undefined ? ConfigurationTarget.Global : ConfigurationTarget.Workspace;
  await settings.update(name, value, target);
  return target;
}

async function pick(context: PanelContext, folder: boolean): Promise<Imported | null> {
  const picked = await window.showOpenDialog({
    canSelectFolders: folder,
    canSelectFiles: !folder,
    openLabel: l10n.t("Import"),
    ...(folder ? {} : { filters: { [l10n.t("Models")]: ["zip", "safetensors", "bin", "msgpack", "gguf", "h5"] } }),
  });
  const path = picked?.[0]?.fsPath;
  return path === undefined ? null : ask({ kind: "import", path }, context);
}

/**
 * Lets a person pick data to learn from, or takes the workspace.
 * @returns its path, or null
 */
async function pickData(what: "folder" | "file" | "workspace"): Promise<string | null> {
  const home = workspace.workspaceFolders?.[0]?.uri;
  if (what === "workspace" && home !== undefined) requireTrust(home.fsPath);
  if (what === "workspace") return home?.scheme === "file" ? home.fsPath : null;
  const folder = what === "folder";
  const picked = await window.showOpenDialog({
    canSelectFolders: folder,
    canSelectFiles: !folder,
    openLabel: l10n.t("Learn from This"),
    ...(home?.scheme === "file" && { defaultUri: home }),
    ...(folder
      ? {}
      : {
          filters: { [l10n.t("Rows")]: ["jsonl", "ndjson", "json", "csv", "tsv", "parquet", "gz", "zst"], "*": ["*"] },
        }),
  });
  return picked?.[0]?.fsPath ?? null;
}

/**
 * Shows a file in the editor, or a folder in the system's file manager; in a browser, opens a window with the folder.
 */
async function reveal(uri: Uri): Promise<void> {
  if (!statSync(uri.fsPath).isDirectory()) await window.showTextDocument(uri);
  else if (env.uiKind === UIKind.Desktop && env.remoteName === undefined)
    await commands.executeCommand("revealFileInOS", uri);
  else await commands.executeCommand("vscode.openFolder", uri, { forceNewWindow: true });
}

/**
 * Refuses to learn from an untrusted folder, from a part of one, and from a folder or link that leads to one.
 * @throws Error
 */
function requireTrust(path: string): void {
  const local = workspace.workspaceFolders?.filter(({ uri }) => uri.scheme === "file") ?? [];
  if (workspace.isTrusted || !local.some(({ uri }) => overlap(path, uri.fsPath))) return;
  throw new Error(
    l10n.t(
      "{0} is in a folder that is not trusted, and a model would learn what it says. Trust the folder first.",
      path,
    ),
  );
}

async function askToken({ secrets }: ExtensionContext): Promise<boolean> {
  const typed = await askFor({
    title: l10n.t("Token of the Hugging Face hub"),
    prompt: l10n.t(
      "Some models require one, and it raises limits. It is stored as a secret; leave this empty to remove it.",
    ),
    password: true,
    ignoreFocusOut: true,
  });
  if (typed === "") await secrets.delete(TOKEN);
  else if (typed !== undefined) await secrets.store(TOKEN, typed.trim());
  return (await secrets.get(TOKEN)) !== undefined;
}
