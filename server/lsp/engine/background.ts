/** Work that no request waits for, such as what a notification or a timer starts: what goes wrong there is written to the log. */
import { withStack } from "../../../base/reason.ts";
import type { Log } from "../log.ts";

/** Runs work in the background; nothing that goes wrong in it reaches the caller. */
export type Background = (what: string, work: () => unknown) => void;

/** @returns a runner that logs "`what` failed" with the error and where it came from */
export function createBackground(log: Pick<Log, "error">): Background {
  return (what, work) => {
    const failed = (error: unknown) => log.error(`${what} failed: ${withStack(error)}`);
    try {
      Promise.resolve(work()).catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
