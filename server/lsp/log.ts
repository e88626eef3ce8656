/** The server's log: lines to the client, as many as the setting `logLevel` asks for. Never a document's text. */
import type { Settings } from "../../protocol/settings.ts";
import { logText } from "../../protocol/shown-text.ts";

type Level = Settings["logLevel"];

/** Writes lines of a level when the log's level lets them through. */
export interface Log {
  level: Level;
  error(line: string): void;
  warn(line: string): void;
  info(line: string): void;
  debug(line: string): void;
}

/** @param write takes the lines that are let through, fit to be shown */
export function createLog(write: (level: Exclude<Level, "off">, line: string) => void): Log {
  const at = (level: Exclude<Level, "off">) => (line: string) => {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(log.level)) return;
    try {
      write(level, logText(line));
    } catch {
      // the connection is closed: nobody reads the log any more
    }
  };
  const log: Log = { level: "info", error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
  return log;
}

const LEVELS: readonly Level[] = ["off", "error", "warn", "info", "debug"];
