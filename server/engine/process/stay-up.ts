/** Last line of defense of a process that serves others: logs errors that no handler caught, and continues. */
import { withStack } from "../../../base/reason.ts";

/**
 * Keeps this process running after an unhandled exception or rejection. Each such log line points to a bug to fix at
 * its origin.
 * @param log receives a line with the error's stack; its own errors are ignored
 */
export function stayUp(log: (line: string) => void): void {
  const report = (what: string) => (error: unknown) => {
    try {
      log(`${what}: ${withStack(error)}`);
    } catch {
      // the log's reader is gone
    }
  };
  process.on("uncaughtException", report("an unhandled exception"));
  process.on("unhandledRejection", report("an unhandled rejection"));
  // A closed pipe must not be reported through itself.
  process.stderr.on("error", () => undefined);
}
