/** What every way of searching shares: its result, its pace (yielding, cancelling, timing), its errors. */
import { ModelError } from "../../../models/errors.ts";

/** One sequence a search produced; the text is added later. */
export interface Produced {
  /** Without the prompt; with the token that ended it. */
  readonly ids: readonly number[];
  readonly logProbs: readonly number[];
  readonly score: number;
  readonly finished: boolean;
}

/** What a search gives back. */
export interface SearchResult {
  /** sequences[i]: those of input i, best first. */
  readonly sequences: readonly (readonly Produced[])[];
  readonly cancelled: boolean;
  readonly steps: number;
}

/** How long a search may hold the thread before other work (a cancel message above all) gets its turn. */
const HOLD_MS = 10;

/** Gives the event loop its turns during a search, and notes when the first token came. */
export interface Pace {
  /** Called after each step (or chunk of steps). */
  stepped(): void;
  /** When the first step ended, on performance.now()'s clock; null before. */
  firstTokenMs(): number | null;
  /** Lets the event loop run when it has waited long enough; then says whether to stop. */
  stop(): Promise<boolean>;
}

/** @param signal stops the search at its next turn */
export function createPace(signal: AbortSignal | undefined): Pace {
  let yieldedMs = performance.now();
  let firstMs: number | null = null;
  return {
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

/** The mean of log probabilities; 0 of none. */
export function meanLogProb(logProbs: readonly number[]): number {
  return logProbs.length === 0 ? 0 : logProbs.reduce((sum, logProb) => sum + logProb, 0) / logProbs.length;
}

/** The error of a step at which no token may come next. */
export function noToken(): ModelError {
  return new ModelError(
    "runtime",
    "No token can come next: the options forbid every one, or the model's logits are not numbers. Relax bannedTokens or noRepeatNgramSize; if that changes nothing, check the weights.",
  );
}
