/** Common parts of all searches: result, pace (yielding, cancelling, timing), errors. */
import { ModelError } from "../../../models/errors.ts";
import type { StepTiming } from "./runner.ts";

/** A sequence that a search produced; the text is added later. */
export interface Produced {
  /** Without the prompt; with the final end token. */
  readonly ids: readonly number[];
  readonly logProbs: readonly number[];
  readonly score: number;
  readonly finished: boolean;
}

/** The result of a search. */
export interface SearchResult {
  /** sequences[i]: the sequences of input i, best first. */
  readonly sequences: readonly (readonly Produced[])[];
  readonly cancelled: boolean;
  readonly steps: number;
}

/** How long a search may block the thread before other work (above all a cancel message) gets its turn. */
const HOLD_MS = 10;

/** Yields to the event loop during a search, and records when the first token came. */
export interface Pace {
  /** The runner's timing, by which greedy search sizes its chunks. */
  readonly timing: StepTiming;
  /** Called after each step (or chunk of steps). */
  stepped(): void;
  /** The time when the first step ended, on performance.now()'s clock; null before. */
  firstTokenMs(): number | null;
  /** Yields to the event loop if enough time has passed, then returns whether to stop. */
  stop(): Promise<boolean>;
}

/**
 * Creates a pace.
 * @param signal stops the search at its next yield
 */
export function createPace(timing: StepTiming, signal: AbortSignal | undefined): Pace {
  let yieldedMs = performance.now();
  let firstMs: number | null = null;
  return {
    timing,
    stepped() {
      firstMs ??= performance.now();
    },
    firstTokenMs: () => firstMs,
    async stop() {
      if (performance.now() - yieldedMs >= HOLD_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        yieldedMs = performance.now();
      }
      return signal?.aborted ?? false;
    },
  };
}

/** The mean of log probabilities; 0 if there are none. */
export function meanLogProb(logProbs: readonly number[]): number {
  return logProbs.length === 0 ? 0 : logProbs.reduce((sum, logProb) => sum + logProb, 0) / logProbs.length;
}

/** The error of a step that allows no next token. */
export function noToken(): ModelError {
  return new ModelError(
    "runtime",
    "No token can come next: the options forbid every one, or the model's logits are not numbers. Relax bannedTokens or noRepeatNgramSize; if that changes nothing, check the weights.",
  );
}
