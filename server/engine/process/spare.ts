/**
 * A started process without a model, in reserve for a while after a crash: most of the time until a new engine's first
 * answer is Node.js and the runtime starting.
 */
import type { ChildProcess } from "node:child_process";
import { type ForkOptions, forkEngine } from "./fork.ts";

/** Those of a process that is in use. */
export type Listeners = Pick<ForkOptions, "onMessage" | "onLost">;

/** How long a process waits to be needed; it takes some 60 MB. */
const KEPT_MS = 10 * 60_000;

/** At most one process in reserve. */
export class Spare {
  private waiting: { readonly child: ChildProcess; readonly give: (to: Listeners) => void } | undefined;
  private over: NodeJS.Timeout | undefined;

  /** Starts a process, unless one waits; it waits for ten minutes from now. */
  prepare(options: Omit<ForkOptions, keyof Listeners>): void {
    clearTimeout(this.over);
    this.over = setTimeout(() => this.end(), KEPT_MS).unref();
    if (this.waiting !== undefined) return;
    let listeners: Listeners | undefined;
    const child = forkEngine({
      ...options,
      onMessage: (message) => listeners?.onMessage(message),
      onLost: (how) => {
        if (this.waiting?.child === child) this.waiting = undefined;
        listeners?.onLost(how);
      },
    });
    this.waiting = {
      child,
      give: (to) => {
        listeners = to;
      },
    };
  }

  /** Hands the process over; undefined if none waits. */
  take(to: Listeners): ChildProcess | undefined {
    const { waiting } = this;
    this.waiting = undefined;
    clearTimeout(this.over);
    if (waiting === undefined || !waiting.child.connected) return undefined;
    waiting.give(to);
    return waiting.child;
  }

  /** Ends the process. */
  end(): void {
    clearTimeout(this.over);
    const child = this.waiting?.child;
    this.waiting = undefined;
    if (child?.connected) child.disconnect();
  }
}
