/**
 * Limits how long a server may keep a request waiting: one budget for connection, headers, redirects, pages and
 * bodies.
 */
import { ModelError } from "../../../models/errors.ts";

/** How long a server may be silent or too slow. */
export const SILENCE_MS = 30_000;

/** A slower body is treated as endless: 30 kB in 30 seconds. */
export const LEAST_BYTES_PER_SECOND = 1000;

/**
 * A server's remaining time. It passes only while we wait for the server, and starts over once enough bytes for the
 * whole budget have arrived; so a server that drips gets no more time than a silent one.
 */
export interface Lease {
  /**
   * Waits for the server's work.
   * @throws DOMException "TimeoutError" when the time runs out
   */
  wait<T>(work: Promise<T>): Promise<T>;
  /** Counts bytes that have arrived. */
  count(bytes: number): void;
  /** The remaining milliseconds. */
  leftMs(): number;
}

/**
 * A lease of `silenceMs`.
 * @param now a clock, in milliseconds
 */
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

/** Whether an error means that a server was silent or too slow. */
export function isSilence(error: unknown): boolean {
  return error instanceof ModelError && isTimeout(error.cause);
}

/** Whether an error comes from an expired lease or from one of undici's timeouts. */
export function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const isExpired = error.name === "TimeoutError" || ("code" in error && UNDICI.has(String(error.code)));
  return isExpired || isTimeout(error.cause);
}

const UNDICI = new Set(["UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"]);

/**
 * The pause that a server asks for.
 * @param value of the header Retry-After: seconds, or a date
 */
export function retryAfterMs(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? 1000 * Number(value) : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}

/** Maximum pause that a server can ask for, and maximum total without progress. */
export const LONGEST_WAIT_MS = 5 * 60_000;
