import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

/**
 * A way to show text. `but`: what else may stand in a file, because it shows nothing from outside, or is cleaned
 * elsewhere.
 */
interface Sink {
  readonly what: string;
  readonly raw: RegExp;
  /** The one file that may use it, which passes all text through protocol/shown-text.ts. */
  readonly file?: string;
  readonly but?: Readonly<Record<string, readonly string[]>>;
}

/** Every sink of text from outside: notification, status item, pick, log, hover, terminal, and their like. */
const SINKS: readonly Sink[] = [
  {
    what: "notifications and remarks",
    raw: /\bshow(Information|Warning|Error)Message\b|\bsetStatusBarMessage\b/,
    file: "client/editor/notices.ts",
  },
  {
    what: "lists to pick from, boxes to type into",
    raw: /\b(create|show)(QuickPick|InputBox)\b/,
    file: "client/editor/picks.ts",
  },
  { what: "status items", raw: /\bcreate(StatusBarItem|LanguageStatusItem)\b/, file: "client/editor/status.ts" },
  { what: "progress of the editor", raw: /\bwithProgress\b/, file: "client/server/progress.ts" },
  { what: "log of the editor", raw: /\bcreateOutputChannel\b/, file: "client/editor/log.ts" },
  {
    what: "commands, whose errors the editor shows",
    raw: /\.register(TextEditor)?Command\b/,
    file: "client/editor/register-command.ts",
  },
  { what: "terminals of the editor", raw: /\b(createTerminal|sendText|sendSequence)\b/ },
  { what: "Markdown of the editor", raw: /\bMarkdownString\b/ },
  {
    what: "HTML that lit does not escape",
    raw: /\bunsafe(HTML|SVG|Static|CSS)\b|\b(inner|outer)HTML\b|\binsertAdjacentHTML\b|\bdocument\.write\b/,
  },
  {
    what: "hovers",
    raw: /"markdown"(?= *, *value)|\bMarkupKind\b|\bMarkedString\b/,
    file: "server/lsp/document/hover.ts",
  },
  { what: "error responses", raw: /\bnew ResponseError\b/, file: "server/lsp/errors.ts" },
  { what: "progress of the protocol", raw: /\bkind: "(begin|report)"/, file: "server/lsp/progress.ts" },
  {
    what: "messages and log of the protocol",
    raw: /\b(show|log)Message(Request)?\b(?!\(|: \()|\bconnection\.(console|window|tracer|telemetry)\b/i,
    but: {
      // createLog cleans the lines.
      "server/lsp/client.ts": ["  ShowMessageRequest,\n", "await request(ShowMessageRequest.method, question)"],
      "server/main.ts": ["createLog((level, line) => connection.console[", shownMessage()],
    },
  },
  {
    what: "standard output and error",
    raw: /\bprocess\.std(out|err)\b|\bconsole\.\w|\bstd(out|err)\b[^{};]*\} = process\b|\bwriteSync\((1|2)\b/,
    file: "server/output.ts",
    but: {
      "server/main.ts": ["createConnection(process.stdin.pipe(input), process.stdout, strategy)"],
      "server/mcp.ts": ["new StdioServerTransport(process.stdin.pipe(lines), process.stdout, "],
      "server/cli/terminal.ts": ["process.stdout.on(", "process.stderr.on(", "process.stderr.isTTY"],
      // A script that a pipe reads.
      "server/runs/process.ts": ["process.stdout.write(String(child.pid))"],
      // The parent reads it, and writes it into its log.
      "server/engine/process/child.ts": [
        "console.error(text)",
        "console.error(line)",
        "console.error(`a call was not answered: ",
      ],
      "server/engine/process/stay-up.ts": ["process.stderr.on("],
    },
  },
];

/** What main.ts does with a message. */
function shownMessage(): string {
  return 'notify("window/showMessage", { type: MessageType.Info, message: messageText(message) })';
}

/** Sinks that a file uses and may not. */
function bypassed(file: string, text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  return SINKS.filter((sink) => {
    if (sink.file === file) return false;
    const rest = (sink.but?.[file] ?? []).reduce((left, allowed) => left.replaceAll(allowed, ""), code);
    return sink.raw.test(rest);
  }).map(({ what }) => `${file}: ${what}`);
}

const sources = ["base", "protocol", "models", "server", "client"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name).replaceAll("\\", "/")),
);

test("no file shows text but the one file of each sink, which cleans it", () => {
  assert.ok(sources.length > 200, `${sources.length} source files found`);
  assert.deepEqual(
    sources.flatMap((file) => bypassed(file, readFileSync(file, "utf8"))),
    [],
  );
});

test("each of those files is there, uses its sink, and cleans with protocol/shown-text.ts", () => {
  for (const { what, raw, file } of SINKS) {
    if (file === undefined) continue;
    const text = readFileSync(file, "utf8");
    assert.match(text, raw, what);
    assert.match(text, /from "(\.\.\/)+protocol\/shown-text\.ts"/, what);
  }
});

const rows: [file: string, text: string, sink: RegExp | undefined][] = [
  ["client/commands/gaps.ts", "window.showErrorMessage(text)", /notifications/],
  ["client/commands/gaps.ts", "const { showInformationMessage: tell } = window;", /notifications/],
  ["client/editor/notices.ts", "window.showErrorMessage(text)", undefined],
  ["client/editor/notices.ts", "window.createQuickPick()", /pick/],
  ["client/commands/gaps.ts", "// window.showErrorMessage(text)", undefined],
  ["client/panel/view/main.ts", "html`a`; unsafeHTML(text)", /HTML/],
  ["server/lsp/document/words.ts", 'return { contents: { kind: "markdown", value } };', /hovers/],
  ["server/lsp/document/words.ts", 'return languageId === "markdown";', undefined],
  ["server/main.ts", 'notify("window/showMessage", { type, message });', /messages/],
  ["server/main.ts", `showMessage: (message) => ${shownMessage()},`, undefined],
  ["server/main.ts", "connection.console.info(text);", /messages/],
  ["server/lsp/commands/ask.ts", "services.client.showMessage(text);", undefined],
  ["server/cli/models/info.ts", "process.stdout.write(text);", /standard output/],
  ["server/cli/models/info.ts", "const { stdout } = process;", /standard output/],
  ["server/cli/models/info.ts", "console.log(text);", /standard output/],
];
test("the table tells right from wrong", () => {
  for (const [file, text, expected] of rows) {
    const found = bypassed(file, text).join();
    if (expected === undefined) assert.equal(found, "", `${file}: ${text}`);
    else assert.match(found, expected, `${file}: ${text}`);
  }
});
