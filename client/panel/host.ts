/**
 * The panel's half in the extension: creates the page, answers questions that need the editor, and passes the rest to
 * the server.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  CancellationTokenSource,
  type Disposable,
  type ExtensionContext,
  env,
  l10n,
  Uri,
  ViewColumn,
  type WebviewPanel,
  window,
  workspace,
} from "vscode";
import type { State } from "vscode-languageclient";
import { defined } from "../../base/defined.ts";
import { reason } from "../../base/reason.ts";
import type { Feature } from "../../protocol/features.ts";
import type { Job, ModelList } from "../../protocol/panel/models.ts";
import { answerBy, fromPageSchema, JOB_NOTIFICATION, type Question, type ToPage } from "../../protocol/panel.ts";
import { messageText } from "../../protocol/shown-text.ts";
import { pickOne } from "../editor/picks.ts";
import { ANSWERERS, ask, choose, chosenModels, type PanelContext } from "./answers.ts";
import { askServerToken } from "./inference-server.ts";
import { keepModels, keptModels } from "./kept-models.ts";
import { type RunWatch, watchRuns } from "./runs.ts";

/** The panel's type; package.json activates the extension for it, so that a reloaded window restores it. */
const PANEL_TYPE = "spanfill.panel";

// Only the value, because the library is in the extension's other bundle.
const STOPPED: State.Stopped = 1;

type PageName = Extract<ToPage, { readonly type: "show" }>["page"];

/** The open panels of a window, and what they share; created by the extension. */
export interface OpenPanels {
  /** After a reload, a restored panel may join a new one. */
  readonly all: Set<WebviewPanel>;
  /** The latest of them. */
  shown?: WebviewPanel | undefined;
  /** Connections that report to the panels; each has one handler per notification. */
  readonly heard: WeakSet<object>;
  /** The page to show once the panel is ready. */
  wanted?: PageName | undefined;
  watch?: Promise<RunWatch> | undefined;
}

/** The context of the panel's half in the extension. */
export interface HostContext extends PanelContext {
  readonly panels: OpenPanels;
}

/** Lets a person type the token of the server that is set. */
export async function setServerToken({ extension }: HostContext): Promise<void> {
  await askServerToken(extension);
}

/**
 * Shows the panel, creating it if necessary.
 * @param to the page to show; by default the latest one
 */
export function openPanel(context: HostContext, to?: PageName): void {
  const { panels } = context;
  const { shown } = panels;
  if (shown === undefined) {
    panels.wanted = to;
    const options = { enableScripts: true, localResourceRoots: [] };
    attach(context, window.createWebviewPanel(PANEL_TYPE, "Spanfill", ViewColumn.Active, options));
    return;
  }
  // A hidden page is unloaded and asks again when it is back.
  if (!shown.visible) panels.wanted = to;
  else if (to !== undefined) void shown.webview.postMessage({ type: "show", page: to } satisfies ToPage);
  shown.reveal();
}

/** Follows the runs before the panel is opened. */
export async function followRuns(context: HostContext): Promise<void> {
  await watching(context);
}

/** The watch over the runs, started on first use. */
function watching(context: HostContext): Promise<RunWatch> {
  const { panels } = context;
  if (panels.watch !== undefined) return panels.watch;
  const begun = watchRuns(context, {
    onNews: (news) => tellAll(panels, { type: "run", news }),
    isSeen: () => [...panels.all].some(({ visible }) => visible),
    show: () => openPanel(context, "tuning"),
  });
  panels.watch = begun;
  begun.then(
    (runWatch) => context.extension.subscriptions.push(runWatch),
    () => {
      panels.watch = undefined; // the next panel tries again
    },
  );
  return begun;
}

/** Connects all panels to the server's news: jobs, and the end of the server. */
async function subscribe(context: HostContext): Promise<void> {
  const { panels } = context;
  const client = await (await context.server()).ready();
  if (panels.heard.has(client)) return;
  panels.heard.add(client);
  context.extension.subscriptions.push(
    client.onNotification(JOB_NOTIFICATION, (job: Job) => tellAll(panels, { type: "job", job })),
    client.onDidChangeState(({ newState }) => {
      if (newState === STOPPED) tellAll(panels, { type: "gone" });
    }),
  );
}

function tellAll({ all }: OpenPanels, message: ToPage): void {
  for (const { webview } of all) void webview.postMessage(message);
}

/** Restores the page of a panel that VS Code kept across a reload. */
export function restorePanel(context: HostContext, panel: WebviewPanel): void {
  attach(context, panel);
}

/** Lets a person pick a model from a list, for one feature or for all of them, like in the panel. */
export async function chooseModel(context: HostContext): Promise<void> {
  const { models } = await ask({ kind: "models" }, context);
  const chosen = chosenModels();
  const installed = models.filter((model) => model.installed !== undefined);
  const items = installed.map(({ id, family, parameters, needsFineTuning }) => ({
    label: id,
    description: `${family}, ${((parameters ?? 0) / 1e6).toFixed(1)} M`,
    ...defined({ detail: needsFineTuning ? l10n.t("Needs fine-tuning first") : undefined }),
    id,
  }));
  const more = { label: l10n.t("More models..."), description: l10n.t("opens the panel"), id: undefined };
  const model = await pickOne([...items, more], { placeHolder: l10n.t("The model to use") });
  if (model === undefined) return;
  if (model.id === undefined) {
    openPanel(context);
    return;
  }
  const features: readonly { label: string; description: string; feature: Feature | undefined }[] = [
    { label: l10n.t("Everything"), description: chosen.model, feature: undefined },
    { label: l10n.t("Summaries only"), description: chosen.summarize, feature: "summarize" },
    { label: l10n.t("Filling and suggestions only"), description: chosen.infill, feature: "infill" },
    { label: l10n.t("Questions only"), description: chosen.ask, feature: "ask" },
    { label: l10n.t("Classifying only"), description: chosen.classify, feature: "classify" },
  ];
  const use = await pickOne(features, { placeHolder: l10n.t("What to use {0} for", model.id) });
  if (use !== undefined) await choose(use.feature, model.id);
}

function attach(context: HostContext, panel: WebviewPanel): void {
  const { panels } = context;
  panels.all.add(panel);
  panels.shown = panel;
  const { webview } = panel;
  const post = (message: ToPage) => void webview.postMessage(message);
  const cancel = new CancellationTokenSource();
  // First of all, because what follows would compete for the processor.
  const listJson = keptModels(context.extension);
  webview.html = page(context.extension, listJson);
  let models: Promise<ModelList> | undefined;
  let following = false;
  const first = async (question: Question) => {
    follow();
    if (panels.wanted !== undefined && panel === panels.shown) {
      post({ type: "show", page: panels.wanted });
      panels.wanted = undefined;
    }
    return answerBy(answerers, question.kind, question, context, cancel);
  };
  const answerers = panelAnswerers(context, cancel, () => {
    const begun = models;
    models = undefined; // a failure belongs to this question, not to the next
    return begun;
  });
  const registered: Disposable[] = [
    webview.onDidReceiveMessage((message: unknown) => void receive(post, message, first)),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("spanfill")) post({ type: "chosen", chosen: chosenModels() });
    }),
  ];
  const follow = () => {
    if (following) return;
    following = true;
    // The page's own questions report errors, and the next one tries again.
    Promise.all([watching(context), subscribe(context)]).catch(() => {
      following = false;
    });
  };
  // A page with a stored list draws it and then asks; without one it waits for the server, which starts while the
  // page loads.
  if (listJson === undefined) {
    models = ask({ kind: "models" }, context);
    models.catch(() => undefined);
    follow();
  }
  panel.onDidDispose(() => {
    panels.all.delete(panel);
    if (panels.shown === panel) panels.shown = [...panels.all].at(-1);
    cancel.cancel();
    for (const disposable of registered) disposable.dispose();
  });
}

/**
 * The handlers of a panel's questions.
 * @param listBegun returns the list of models if it was requested before the page asked
 */
function panelAnswerers(
  context: HostContext,
  cancel: CancellationTokenSource,
  listBegun: () => Promise<ModelList> | undefined,
): typeof ANSWERERS {
  return {
    ...ANSWERERS,
    models: async (question) => {
      const list = await (listBegun() ?? ask(question, context, cancel));
      keepModels(context.extension, list).catch(() => undefined); // then the next panel waits for the server
      return list;
    },
    startRun: async (question) => {
      const run = await ANSWERERS.startRun(question, context, cancel);
      await (await watching(context)).startedHere(run);
      return run;
    },
  };
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
    post({ type: "failure", seq, message: messageText(reason(error)) });
  }
}

/**
 * The page's HTML. Only its own script runs, nothing is loaded from elsewhere, and the script creates the styles (no
 * inline ones). The script is part of the page, because fetching it took a fifth of the loading time.
 */
function page(extension: ExtensionContext, listJson: string | undefined): string {
  const nonce = randomBytes(16).toString("base64");
  const script = readFileSync(Uri.joinPath(extension.extensionUri, "dist", "panel.js").fsPath, "utf8");
  // Data that the page reads before it draws; not a script, and "<" cannot end it.
  const data = (id: string, json: string | undefined) =>
    json === undefined ? "" : `<script type="application/json" id="${id}">${json.replaceAll("<", "\\u003c")}</script>`;
  return `<!doctype html>
<html lang="${l10n.bundle === undefined ? "en" : env.language}">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-${nonce}'; img-src data:;">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Spanfill</title>
  </head>
  <body>
    <main id="root"></main>
    ${data("texts", l10n.bundle && JSON.stringify(l10n.bundle))}
    ${data("kept", listJson)}
    <script nonce="${nonce}">${script.replaceAll("</script", "<\\/script")}</script>
  </body>
</html>`;
}
