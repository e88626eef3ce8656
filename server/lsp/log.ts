/** The server's log: lines to the client, filtered by the setting `logLevel`. Never contains a document's text. */
import type { Settings } from "../../protocol/settings.ts";
import { logText } from "../../protocol/shown-text.ts";

type Level = Settings["logLevel"];

/** Writes lines of a level if the log's level lets them through. */
export interface Log {
  level: Level;
  error(line: string): void;
  warn(line: string): void;
  info(line: string): void;
  debug(line: string): void;
}

/**
 * Creates a log.
 * @param write receives the lines that pass the filter, cleaned for display
 */
export function createLog(write: (level: Exclude<Level, "off">, line: string) => void): Log {
  const at = (level: Exclude<Level, "off">) => (line: string) => {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(log.level)) return;
    try {
      write(level, logText(line));
    } catch {
      // the connection is closed
    }
  };
  const log: Log = { level: "info", error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
  return log;
}

const LEVELS: readonly Level[] = ["off", "error", "warn", "info", "debug"];
