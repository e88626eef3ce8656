/** Work-done progress: shows long work to the user, who may cancel it. */
import type {
  ProgressToken,
  WorkDoneProgressBegin,
  WorkDoneProgressEnd,
  WorkDoneProgressReport,
} from "vscode-languageserver-protocol";
import { messageText } from "../../protocol/shown-text.ts";
import { cancelled } from "./errors.ts";

/** How progress reaches the client. */
export interface ProgressClient {
  /** Asks the client for a place to show it (window/workDoneProgress/create); undefined where the client has none. */
  readonly create: ((token: ProgressToken) => Promise<void>) | undefined;
  readonly send: (
    token: ProgressToken,
    value: WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd,
  ) => void;
}

/** Work that can be watched. */
export interface ProgressWork<T> {
  readonly title: string;
  /** The token that came with the request, if one did. */
  readonly token: ProgressToken | undefined;
  readonly signal: AbortSignal;
  /** @param signal aborts with the request's, or when the user cancels the progress */
  readonly run: (signal: AbortSignal, report: (progress: { done: number; total: number }) => void) => Promise<T>;
}

/** Shows progress, one display for each piece of work. */
export interface Progress {
  run<T>(work: ProgressWork<T>): Promise<T>;
  /** The user cancelled (window/workDoneProgress/cancel). */
  cancel(token: ProgressToken): void;
}

/** @param client how progress reaches the client */
export function createProgress(client: ProgressClient): Progress {
  const running = new Map<ProgressToken, AbortController>();
  let count = 0;

  async function place(token: ProgressToken | undefined): Promise<ProgressToken | undefined> {
    if (token !== undefined) return token;
    const made = `spanfill-${process.pid}-${count++}`;
    try {
      await client.create?.(made);
      return client.create && made;
    } catch {
      return undefined; // the client would rather show nothing: the work goes on without
    }
  }

  return {
    async run({ title, token: given, signal, run }) {
      const controller = new AbortController();
      const both = AbortSignal.any([signal, controller.signal]);
      const token = await place(given);
      if (token === undefined) return run(both, () => undefined);
      running.set(token, controller);
      client.send(token, { kind: "begin", title: messageText(title), percentage: 0, cancellable: true });
      try {
        return await run(both, ({ done, total }) => {
          const percentage = Math.floor((100 * done) / Math.max(total, 1));
          client.send(token, { kind: "report", percentage, message: `${done} of ${total}` });
        });
      } catch (error) {
        throw controller.signal.aborted ? cancelled() : error;
      } finally {
        running.delete(token);
        client.send(token, { kind: "end" });
      }
    },
    cancel: (token) => running.get(token)?.abort(cancelled()),
  };
}
