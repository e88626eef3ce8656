/** How long a server may keep a request waiting: one limit for a connection, headers, redirects, pages and bodies alike. */
import { ModelError } from "../../../models/errors.ts";

/** How long a server may be silent, or too slow. */
export const SILENCE_MS = 30_000;

/** A body that brings less than this is taken for one that never ends: 30 kB in 30 seconds. */
export const LEAST_BYTES_PER_SECOND = 1000;

/**
 * The time that a server has left. It passes only while the server is waited for, and begins anew whenever enough bytes for
 * all of it have arrived; so a server that drips has no more of it than a silent one.
 */
export interface Lease {
  /**
   * Waits for what a server does.
   * @throws DOMException "TimeoutError" when the time is up before
   */
  wait<T>(work: Promise<T>): Promise<T>;
  /** Notes bytes that have arrived. */
  count(bytes: number): void;
  /** The milliseconds left. */
  leftMs(): number;
}

/** A lease of `silenceMs`. @param now a clock, in milliseconds */
export function createLease(silenceMs: number, now: () => number = () => performance.now()): Lease {
  const enoughBytes = (LEAST_BYTES_PER_SECOND * silenceMs) / 1000;
  let leftMs = silenceMs;
  let arrived = 0;
  return {
    async wait(work) {
      const began = now();
      let timer: NodeJS.Timeout | undefined;
      const end = new Promise<never>((_, fail) => {
        timer = setTimeout(() => fail(new DOMException("The server kept silent", "TimeoutError")), Math.max(leftMs, 0));
      });
      try {
        return await Promise.race([work, end]);
      } finally {
        clearTimeout(timer);
        leftMs -= now() - began;
      }
    },
    count(bytes) {
      arrived += bytes;
      if (arrived < enoughBytes) return;
      arrived = 0;
      leftMs = silenceMs;
    },
    leftMs: () => leftMs,
  };
}

/** Whether an error says that a server was silent or too slow. */
export function isSilence(error: unknown): boolean {
  return error instanceof ModelError && isTimeout(error.cause);
}

/** Whether an error is the end of a lease, or of one of undici's own waits. */
export function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const own = error.name === "TimeoutError" || ("code" in error && UNDICI.has(String(error.code)));
  return own || isTimeout(error.cause);
}

const UNDICI = new Set(["UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"]);

/**
 * How long a server asks to wait.
 * @param value of the header Retry-After: seconds, or a date
 */
export function retryAfterMs(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? 1000 * Number(value) : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}

/** However long a server asks to wait, no longer; nor longer in all before it brings something. */
export const LONGEST_WAIT_MS = 5 * 60_000;
