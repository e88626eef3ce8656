/** Work-done progress: shows long work to the user, who can cancel it. */

import type {
  ProgressToken,
  WorkDoneProgressBegin,
  WorkDoneProgressEnd,
  WorkDoneProgressReport,
} from "vscode-languageserver-protocol";
import { english, type Translate } from "../../base/translate.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import { messageText } from "../../protocol/shown-text.ts";
import { cancelled } from "./errors.ts";

/** The connection to the client for progress. */
export interface ProgressClient {
  /**
   * Asks the client to create a progress display (window/workDoneProgress/create); undefined if the client does not
   * support it.
   */
  readonly create: ((token: ProgressToken) => Promise<void>) | undefined;
  readonly send: (
    token: ProgressToken,
    value: WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd,
  ) => void;
}

/** Work with visible progress. */
export interface ProgressWork<T> {
  readonly title: string;
  /** The token of the request, if it has one. */
  readonly token: ProgressToken | undefined;
  readonly signal: AbortSignal;
  /** Whether cancelled work answers with what it has done, and is waited for. */
  readonly isPartial?: boolean;
  /**
   * Does the work.
   * @param signal aborts with the request's, or when the user cancels the progress
   */
  readonly run: (signal: AbortSignal, report: (progress: { done: number; total: number }) => void) => Promise<T>;
}

/** Shows progress, in one display per piece of work. */
export interface Progress {
  run<T>(work: ProgressWork<T>): Promise<T>;
  /** Handles a cancellation by the user (window/workDoneProgress/cancel). */
  cancel(token: ProgressToken): void;
}

/**
 * Creates the progress.
 * @param client the connection to the client
 */
export function createProgress(client: ProgressClient, t: Translate = english): Progress {
  const running = new Map<ProgressToken, AbortController>();
  let count = 0;

  async function createDisplay(): Promise<ProgressToken | undefined> {
    const created = `spanfill-${process.pid}-${count++}`;
    try {
      await client.create?.(created);
      return client.create && created;
    } catch {
      return undefined; // the client refuses a display, so the work runs without one
    }
  }

  return {
    async run({ title, token: requestToken, signal, isPartial, run }) {
      const controller = new AbortController();
      const both = AbortSignal.any([signal, controller.signal]);
      let token: ProgressToken | undefined;
      let isOver = false;
      const show = (display: ProgressToken | undefined) => {
        if (display === undefined || isOver) return;
        token = display;
        running.set(display, controller);
        client.send(display, { kind: "begin", title: messageText(title), percentage: 0, cancellable: true });
      };
      // The work does not wait for a display: a client may never create it.
      if (requestToken !== undefined) show(requestToken);
      else void createDisplay().then(show);
      try {
        const work = run(both, ({ done, total }) => {
          const percentage = Math.floor((100 * done) / Math.max(total, 1));
          if (token !== undefined && !isOver)
            client.send(token, { kind: "report", percentage, message: t("{0} of {1}", done, total) });
        });
        return await (isPartial ? work : unlessAborted(work, both));
      } catch (error) {
        throw controller.signal.aborted ? cancelled() : error;
      } finally {
        isOver = true;
        if (token !== undefined) {
          running.delete(token);
          client.send(token, { kind: "end" });
        }
      }
    },
    cancel: (token) => running.get(token)?.abort(cancelled()),
  };
}
