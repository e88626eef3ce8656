/** Notices that the engine's process, which has work to do, no longer gives a sign of life. */

import { countDown } from "../../../base/running-time.ts";
import { ModelError } from "../../../models/errors.ts";

/** A process counts as hung after this time without a sign of life, whatever it is doing. */
const LEAST_MS = 10_000;
/** Longer where the process was silent for long before: a run blocks its thread. One long silence fades. */
const LONGEST_TIMES = 20;
const FADING = 0.9;
/** Longer for larger models: a run over 512 tokens at 10 GFLOP/s. 100 million parameters take 10 seconds. */
const MS_PER_PARAMETER = 1e-4;
/** Reading and preparing weights blocks for longer than running them, most of all for the first time. */
const LOADING_TIMES = 6;
const FIRST_LOADING_TIMES = 30;

/** The process was killed because it hung. */
export class HungError extends ModelError {
  constructor(seconds: number) {
    super(
      "process",
      `The engine process did not respond for ${seconds} s and was ended. The next request starts it again.`,
    );
  }
}

/** The watch over a process. */
export class SilenceWatch {
  private readonly leastMs: number;
  private readonly onSilent: (error: HungError) => void;
  private parameters = 0;
  private longestMs = 0;
  private heardAt = 0;
  private stopCounting: (() => void) | undefined;

  /** @param onSilent called once for each silence that was too long */
  constructor(onSilent: (error: HungError) => void, leastMs = LEAST_MS) {
    this.onSilent = onSilent;
    this.leastMs = leastMs;
  }

  /** A model of the process, whose size says how long its runs may take. */
  runs(parameters: number): void {
    this.parameters = Math.max(this.parameters, parameters);
  }

  /** Begins or goes on watching, from the last sign of life. @param loading whether the process is loading a model */
  watch(loading: boolean): void {
    if (this.stopCounting === undefined || loading) this.count(loading);
  }

  /** A sign of life while it is watched. */
  heard(loading: boolean): void {
    if (this.stopCounting === undefined) return;
    if (!loading) this.longestMs = Math.max(FADING * this.longestMs, performance.now() - this.heardAt);
    this.count(loading);
  }

  /** Ends watching: the process has nothing to do, or is gone. */
  stop(): void {
    this.stopCounting?.();
    this.stopCounting = undefined;
  }

  private count(loading: boolean): void {
    this.stop();
    this.heardAt = performance.now();
    const workMs = Math.max(this.leastMs, LONGEST_TIMES * this.longestMs, MS_PER_PARAMETER * this.parameters);
    const times = this.parameters === 0 ? FIRST_LOADING_TIMES : LOADING_TIMES;
    const ms = loading ? Math.max(workMs, times * this.leastMs) : workMs;
    this.stopCounting = countDown({ ms, onEnd: () => this.onSilent(new HungError(Math.round(ms / 1000))) });
  }
}
