/** The client's modules with a stand-in for VS Code, which writes down every text that it is given to show. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { build } from "esbuild";

/** A text that was shown, and by which function or property. */
export interface Shown {
  readonly by: string;
  readonly text: string;
}

/** A stand-in for the module "vscode". */
export interface FakeVSCode {
  /** Texts in the order in which they were shown. */
  readonly shown: Shown[];
  /** The functions of registered commands. */
  readonly commands: Map<string, (argument?: unknown) => Promise<unknown>>;
  /** What the module has. */
  readonly api: Record<string, unknown>;
  /** Which button, or entry, a person chooses; the first when undefined. */
  choose: ((given: readonly unknown[]) => unknown) | undefined;
}

/** Loads modules of the client. @param paths of files, by the name that they have in the result */
export async function loadClient<Modules>(
  paths: Readonly<Record<string, string>>,
  vscode: FakeVSCode,
): Promise<Modules> {
  const contents = Object.entries(paths).map(([name, path]) => `export * as ${name} from "./${path}";`);
  const { outputFiles } = await build({
    stdin: { contents: contents.join("\n"), resolveDir: resolve("."), loader: "ts" },
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    target: "node20",
    external: ["vscode"],
    logLevel: "warning",
  });
  const module = { exports: {} };
  const require = createRequire(resolve("package.json"));
  new Function("module", "exports", "require", outputFiles[0]?.text ?? "")(module, module.exports, (name: string) =>
    name === "vscode" ? vscode.api : require(name),
  );
  return module.exports as Modules;
}

/** package.json as VS Code gives it to the extension: with the texts of package.nls.json. */
function manifest(): unknown {
  const texts: Record<string, string> = JSON.parse(readFileSync("package.nls.json", "utf8"));
  const source = readFileSync("package.json", "utf8");
  // As VS Code in another display language gives it: the text beside the original, not a string.
  const localized = (key: string) => JSON.stringify({ value: texts[key], original: texts[key] });
  return JSON.parse(source.replace(/"%([\w.]+)%"/g, (_, key: string) => localized(key)));
}

/** @param document the active editor's */
export function fakeVSCode(document: object): FakeVSCode {
  const shown: Shown[] = [];
  const fake: FakeVSCode = { shown, commands: new Map(), api: {}, choose: undefined };
  const write = (by: string, value: unknown): void => {
    if (typeof value === "string") shown.push({ by, text: value });
    else if (Array.isArray(value)) for (const each of value) write(by, each);
    else if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
      // What the lists' own entries carry beside their texts is not shown; nor is a box's text, which is what will be
      // used.
      for (const [name, each] of Object.entries(value))
        if (!["choice", "value"].includes(name)) write(`${by} ${name}`, each);
    }
  };
  const writes =
    (by: string) =>
    (given: unknown, ...more: readonly unknown[]) => {
      write(by, [given, ...more]);
      const offered = Array.isArray(given) ? given : more;
      return Promise.resolve(fake.choose === undefined ? offered[0] : fake.choose(offered));
    };
  const item = (by: string) =>
    new Proxy<Record<string, unknown>>(
      { show: () => undefined, hide: () => undefined, dispose: () => undefined },
      {
        set(target, name, value) {
          if (name !== "command") write(`${by} ${String(name)}`, value);
          target[String(name)] = value;
          return true;
        },
      },
    );
  const disposable = { dispose: () => undefined };
  const event = () => disposable;
  const editor = {
    document,
    selection: { isEmpty: false, active: { line: 0, character: 0 } },
    selections: [{ isEmpty: false }],
    visibleRanges: [],
    revealRange: () => undefined,
    setDecorations: () => undefined,
    edit: async () => true,
  };
  const known: Record<string, unknown> = {
    l10n: {
      t: (text: string, ...values: unknown[]) =>
        text.replace(/\{(\d+)\}/g, (_, i: string) => String(values[Number(i)])),
    },
    env: { clipboard: { writeText: async () => undefined }, appName: "a", language: "en" },
    window: {
      activeTextEditor: editor,
      visibleTextEditors: [editor],
      tabGroups: { activeTabGroup: {} },
      showInformationMessage: writes("showInformationMessage"),
      showWarningMessage: writes("showWarningMessage"),
      showErrorMessage: writes("showErrorMessage"),
      setStatusBarMessage: writes("setStatusBarMessage"),
      showQuickPick: writes("showQuickPick"),
      showInputBox: (options: { value?: string }) => {
        write("showInputBox", options);
        return Promise.resolve(options.value);
      },
      showTextDocument: async () => editor,
      createStatusBarItem: () => item("status bar"),
      createQuickPick: () => quickPick(item("quick pick")),
      createTextEditorDecorationType: (options: object) => {
        write("decoration", options);
        return disposable;
      },
      createOutputChannel: (name: string) => ({
        name,
        ...Object.fromEntries(
          ["trace", "debug", "info", "warn", "error", "append", "appendLine", "replace"].map((level) => [
            level,
            (...given: unknown[]) => write(`log ${level}`, given),
          ]),
        ),
      }),
      withProgress: async (options: object, work: (...given: object[]) => Promise<unknown>) => {
        write("progress", options);
        return work({ report: (value: object) => write("progress", value) }, { onCancellationRequested: event });
      },
    },
    languages: {
      match: (selector: readonly { readonly language: string }[], { languageId }: { languageId: string }) =>
        selector.some(({ language }) => language === languageId) ? 10 : 0,
      createLanguageStatusItem: () => item("status"),
      registerCodeLensProvider: event,
      setTextDocumentLanguage: async (given: object) => given,
    },
    commands: {
      registerCommand: (id: string, run: (argument?: unknown) => Promise<unknown>) => {
        fake.commands.set(id, run);
        return disposable;
      },
      executeCommand: async () => undefined,
    },
    workspace: {
      getConfiguration: () => ({ get: () => undefined, inspect: () => undefined, update: async () => undefined }),
      onDidChangeTextDocument: event,
      onDidCloseTextDocument: event,
      textDocuments: [document],
      applyEdit: async () => true,
      openTextDocument: async (given: object) => given,
      registerTextDocumentContentProvider: (_: string, provider: { provideTextDocumentContent: unknown }) => {
        known["provider"] = provider;
        return disposable;
      },
    },
    extensions: { getExtension: () => ({ packageJSON: manifest() }) },
    version: "1",
    WorkspaceEdit: class {
      replace(_uri: unknown, _range: unknown, _text: string, metadata: object) {
        write("preview", metadata);
      }
    },
    Range: class {},
    Uri: { from: (parts: { path: string }) => ({ ...parts, toString: () => parts.path }) },
    CancellationTokenSource: class {
      token = { onCancellationRequested: event };
      cancel() {}
      dispose() {}
    },
    EventEmitter: class {
      event = event;
      fire() {}
      dispose() {}
    },
  };
  function quickPick(pick: Record<string, unknown>) {
    const accept: (() => void)[] = [];
    return Object.assign(pick, {
      value: "",
      activeItems: [],
      onDidChangeActive: (listener: (active: unknown) => void) => accept.push(() => listener(pick["items"])),
      onDidAccept: (listener: () => void) => accept.push(listener),
      onDidHide: event,
      onDidChangeValue: event,
      show: () => {
        pick["activeItems"] = pick["items"];
        for (const each of accept) each();
      },
    });
  }
  // The language client extends classes that nothing here makes.
  const api = new Proxy(known, { get: (target, name) => target[String(name)] ?? class {} });
  return Object.assign(fake, { api });
}
