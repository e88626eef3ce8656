/** The last line of defense of a process that serves others: what no handler caught is logged, and the process goes on. */
import { withStack } from "../../../base/reason.ts";

/**
 * Keeps this process up after an exception or a rejection that nobody handled. Every such line in a log is a mistake to be mended where
 * it was made.
 * @param log gets a line with the error's stack; what it throws is passed over
 */
export function stayUp(log: (line: string) => void): void {
  const tell = (what: string) => (error: unknown) => {
    try {
      log(`${what}: ${withStack(error)}`);
    } catch {
      // the log's reader is gone
    }
  };
  process.on("uncaughtException", tell("an exception that nothing handled"));
  process.on("unhandledRejection", tell("a rejection that nothing handled"));
  // A closed pipe must not be reported through itself.
  process.stderr.on("error", () => undefined);
}
