/** Lets only the newest piece of work for a key go on: what it supersedes is of no use to anyone. */
import { ResponseError } from "vscode-languageserver-protocol";
import { cancelled } from "./errors.ts";

/** Work of which only the newest for each key goes on. */
export interface Latest {
  /** Ends the work that runs for the key, then runs this. @param work its signal aborts with the given one, too */
  run<T>(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Ends the work that runs for the key. */
  abort(key: string, reason: ResponseError<undefined>): void;
}

/** @returns with nothing running */
export function createLatest(): Latest {
  const running = new Map<string, AbortController>();
  const abort = (key: string, reason: ResponseError<undefined>) => {
    running.get(key)?.abort(reason);
    running.delete(key);
  };
  return {
    abort,
    async run(key, signal, work) {
      abort(key, cancelled("A newer request took its place."));
      const controller = new AbortController();
      running.set(key, controller);
      const both = AbortSignal.any([signal, controller.signal]);
      try {
        return await work(both);
      } catch (error) {
        throw both.aborted && both.reason instanceof ResponseError ? both.reason : error;
      } finally {
        if (running.get(key) === controller) running.delete(key);
      }
    },
  };
}
