/** A run's remote control: "pause", "continue" and "stop" on standard input, one a line. */
import { createInterface } from "node:readline";
import { TRAIN_CONTROLS } from "../../../protocol/training.ts";

/** What a run asks of its control. */
export interface Control {
  /** Aborts at "stop" and when the given signal does. */
  readonly signal: AbortSignal;
  /** A promise while the run is to wait. */
  readonly whilePaused: () => Promise<void> | undefined;
  close(): void;
}

/** Listens on standard input where `listens`; another word than the known ones is passed over. */
export function createControl(signal: AbortSignal, listens: boolean): Control {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let paused: { readonly until: Promise<void>; readonly end: () => void } | undefined;
  const go = () => {
    paused?.end();
    paused = undefined;
  };
  both.addEventListener("abort", go, { once: true });
  const lines = listens ? createInterface(process.stdin) : undefined;
  lines?.on("line", (line) => {
    const word = TRAIN_CONTROLS.find((one) => one === line.trim());
    if (word === "stop") stop.abort();
    else if (word === "continue") go();
    else if (word === "pause" && paused === undefined && !both.aborted) {
      let end = () => {};
      const until = new Promise<void>((resolve) => {
        end = resolve;
      });
      paused = { until, end };
    }
  });
  return { signal: both, whilePaused: () => paused?.until, close: () => lines?.close() };
}
