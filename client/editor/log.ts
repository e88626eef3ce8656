/** The log: the only file that opens its channel, so that each entry is one line. */
import { type LogOutputChannel, window } from "vscode";
import { withStack } from "../../base/reason.ts";
import { logText } from "../../protocol/shown-text.ts";

/** Opens the log that "Show Log" shows and that the language client also writes to. */
export function openLog(name: string): LogOutputChannel {
  const channel = window.createOutputChannel(name, { log: true });
  const at =
    (level: "trace" | "debug" | "info" | "warn" | "error") =>
    (message: string | Error, ...more: unknown[]) =>
      channel[level](logText([message, ...more].map(inWords).join(" ")));
  return {
    name: channel.name,
    get logLevel() {
      return channel.logLevel;
    },
    onDidChangeLogLevel: channel.onDidChangeLogLevel,
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    append: (value) => channel.append(logText(value)),
    appendLine: (value) => channel.appendLine(logText(value)),
    replace: (value) => channel.replace(logText(value)),
    clear: () => channel.clear(),
    show: (...options: unknown[]) => channel.show(options.at(-1) === true),
    hide: () => channel.hide(),
    dispose: () => channel.dispose(),
  };
}

function inWords(value: unknown): string {
  return typeof value === "string" ? value : withStack(value);
}
