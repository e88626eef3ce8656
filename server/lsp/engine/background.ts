/** Runs work that no request waits for, such as for a notification or a timer, and logs its errors. */
import { withStack } from "../../../base/reason.ts";
import type { Log } from "../log.ts";

/** Runs work in the background; its errors do not reach the caller. */
export type Background = (what: string, work: () => unknown) => void;

/** Creates a runner that logs "`what` failed" with the error and its stack. */
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
