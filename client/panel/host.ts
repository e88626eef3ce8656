/** The panel's half in the extension: makes the page, answers what only an editor can, and hands the rest on to the server. */
import { randomBytes } from "node:crypto";
import {
  CancellationTokenSource,
  ConfigurationTarget,
  type Disposable,
  type ExtensionContext,
  env,
  l10n,
  Uri,
  ViewColumn,
  type Webview,
  type WebviewPanel,
  window,
  workspace,
} from "vscode";
import type { State } from "vscode-languageclient";
import {
  type Chosen,
  fromPageSchema,
  JOB_NOTIFICATION,
  type Job,
  type ModelList,
  PANEL_REQUEST,
  type Question,
  type ServerQuestion,
  TASKS,
  type Task,
  type ToPage,
} from "../../protocol/panel.ts";
import type { LanguageServer } from "../language-client.ts";

/** What the panel works with. */
export interface PanelContext {
  readonly extension: ExtensionContext;
  /** Starts the language server when it is not there. */
  readonly server: () => Promise<LanguageServer>;
}

/** The type of the panel: package.json activates the extension for it, so that a window's reload finds it again. */
export const PANEL_TYPE = "spanfill.panel";

// The value alone: the library is in the extension's other file.
const STOPPED: State.Stopped = 1;
const TOKEN = "spanfill.hub.token";

let shown: WebviewPanel | undefined;

/** Shows the panel, made anew when there is none. */
export function openPanel(context: PanelContext): void {
  if (shown !== undefined) {
    shown.reveal();
    return;
  }
  const options = { enableScripts: true, localResourceRoots: [Uri.joinPath(context.extension.extensionUri, "dist")] };
  attach(context, window.createWebviewPanel(PANEL_TYPE, "Spanfill", ViewColumn.Active, options));
}

/** Gives a panel that VS Code kept over a reload its page again. */
export function restorePanel(context: PanelContext, panel: WebviewPanel): void {
  attach(context, panel);
}

/** Lets a person pick a model from a list, for a task or for all of them; the same choice as in the panel. */
export async function chooseModel(context: PanelContext): Promise<void> {
  const { models } = (await ask(context, { kind: "models" })) as ModelList;
  const chosen = chosenModels();
  const installed = models.filter((model) => model.installed !== undefined);
  const items = installed.map(({ id, family, parameters, needsFineTuning }) => ({
    label: id,
    description: `${family}, ${((parameters ?? 0) / 1e6).toFixed(1)} M`,
    ...(needsFineTuning ? { detail: l10n.t("Needs fine-tuning first") } : {}),
    id,
  }));
  const more = { label: l10n.t("More models..."), description: l10n.t("opens the panel"), id: undefined };
  const model = await window.showQuickPick([...items, more], { placeHolder: l10n.t("The model to use") });
  if (model === undefined) return;
  if (model.id === undefined) {
    openPanel(context);
    return;
  }
  const tasks: readonly { label: string; description: string; task: Task | undefined }[] = [
    { label: l10n.t("Everything"), description: chosen.model, task: undefined },
    { label: l10n.t("Summaries only"), description: chosen.summarize, task: "summarize" },
    { label: l10n.t("Filling and suggestions only"), description: chosen.infill, task: "infill" },
  ];
  const use = await window.showQuickPick(tasks, { placeHolder: l10n.t("What to use {0} for", model.id) });
  if (use !== undefined) await choose(use.task, model.id);
}

function attach(context: PanelContext, panel: WebviewPanel): void {
  shown = panel;
  const { webview } = panel;
  const post = (message: ToPage) => void webview.postMessage(message);
  const cancel = new CancellationTokenSource();
  // What the page asks first is looked for while it loads.
  let models: Promise<unknown> | undefined = ask(context, { kind: "models" });
  models.catch(() => undefined);
  const first = (question: Question) => {
    if (question.kind !== "models" || models === undefined) return answer(context, question, cancel);
    const early = models;
    models = undefined;
    return early;
  };
  const registered: Disposable[] = [
    webview.onDidReceiveMessage((message: unknown) => void receive(post, message, first)),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("spanfill")) post({ type: "chosen", chosen: chosenModels() });
    }),
  ];
  void context.server().then(async (server) => {
    const client = await server.ready();
    registered.push(
      client.onNotification(JOB_NOTIFICATION, (job: Job) => post({ type: "job", job })),
      client.onDidChangeState(({ newState }) => {
        if (newState === STOPPED) post({ type: "gone" });
      }),
    );
  });
  panel.onDidDispose(() => {
    shown = undefined;
    cancel.cancel();
    for (const one of registered) one.dispose();
  });
  webview.html = page(webview, context.extension.extensionUri);
}

/** Answers a message of the page. */
async function receive(
  post: (message: ToPage) => void,
  message: unknown,
  answer: (question: Question) => Promise<unknown>,
): Promise<void> {
  const parsed = fromPageSchema.safeParse(message);
  if (!parsed.success) return; // the page sends nothing else
  const { seq, question } = parsed.data;
  try {
    post({ type: "answer", seq, answer: await answer(question) });
  } catch (error) {
    post({ type: "failure", seq, message: error instanceof Error ? error.message : String(error) });
  }
}

async function answer(context: PanelContext, question: Question, cancel: CancellationTokenSource): Promise<unknown> {
  switch (question.kind) {
    case "choose":
      await choose(question.task, question.id);
      return chosenModels();
    case "chosen":
      return chosenModels();
    case "pick":
      return pick(context, question.what === "folder");
    case "token":
      return askToken(context.extension);
    case "visit":
      await env.openExternal(Uri.parse(`https://huggingface.co/${question.id}`));
      return null;
    case "get": {
      const token = await context.extension.secrets.get(TOKEN);
      const proxy = workspace.getConfiguration("http").get<string>("proxy");
      return ask(context, { ...question, ...(token && { token }), ...(proxy && { proxy }) });
    }
    default:
      return ask(context, question, cancel);
  }
}

async function ask(
  context: PanelContext,
  question: ServerQuestion,
  cancel?: CancellationTokenSource,
): Promise<unknown> {
  const client = await (await context.server()).ready();
  // An undefined token would be sent as a second parameter.
  if (cancel === undefined) return client.sendRequest(PANEL_REQUEST, question);
  return client.sendRequest(PANEL_REQUEST, question, cancel.token);
}

function chosenModels(): Chosen {
  const settings = workspace.getConfiguration("spanfill");
  const named = (name: string) => settings.get<string>(name) ?? "";
  return {
    model: named("model"),
    summarize: named("models.summarize"),
    infill: named("models.infill"),
    precision: settings.get<"int8" | "float32">("precision") ?? "int8",
  };
}

/** Writes the setting where it is set already, else for all windows. */
async function choose(task: Task | undefined, id: string): Promise<void> {
  const settings = workspace.getConfiguration("spanfill");
  const name = task === undefined ? "model" : `models.${task}`;
  const target =
    settings.inspect(name)?.workspaceValue === undefined ? ConfigurationTarget.Global : ConfigurationTarget.Workspace;
  await settings.update(name, id === "" ? undefined : id, target);
  // A model for everything is for everything.
  if (task === undefined) for (const each of TASKS) await settings.update(`models.${each}`, undefined, target);
}

async function pick(context: PanelContext, folder: boolean): Promise<unknown> {
  const picked = await window.showOpenDialog({
    canSelectFolders: folder,
    canSelectFiles: !folder,
    openLabel: l10n.t("Import"),
    ...(folder ? {} : { filters: { [l10n.t("Models")]: ["zip", "safetensors", "bin", "msgpack", "gguf", "h5"] } }),
  });
  const path = picked?.[0]?.fsPath;
  return path === undefined ? null : ask(context, { kind: "import", path });
}

async function askToken({ secrets }: ExtensionContext): Promise<boolean> {
  const typed = await window.showInputBox({
    title: l10n.t("Token of the Hugging Face hub"),
    prompt: l10n.t(
      "For models that want one, and for higher limits. It is kept as a secret; leave it empty to forget it.",
    ),
    password: true,
    ignoreFocusOut: true,
  });
  if (typed === "") await secrets.delete(TOKEN);
  else if (typed !== undefined) await secrets.store(TOKEN, typed.trim());
  return (await secrets.get(TOKEN)) !== undefined;
}

/** Only the page's own script runs, nothing is loaded from elsewhere; styles are made by the script (no inline ones). */
function page(webview: Webview, extensionUri: Uri): string {
  const nonce = randomBytes(16).toString("base64");
  const script = webview.asWebviewUri(Uri.joinPath(extensionUri, "dist", "panel.js"));
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-${nonce}'; img-src data:;">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Spanfill</title>
  </head>
  <body>
    <main id="root"></main>
    <script nonce="${nonce}" src="${script}"></script>
  </body>
</html>`;
}
