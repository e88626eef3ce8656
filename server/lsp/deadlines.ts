/**
 * How long requests may take, in time that the server runs and loads no model. (Loading has a limit in the watch over
 * the engine's process.) What nobody asked for comes to nothing then; what a person asked for fails with a message. The
 * table of all commands and questions is in request-deadlines.ts.
 */
import { LSPErrorCodes } from "vscode-languageserver-protocol";
import { countDown } from "../../base/running-time.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import { MOST_GAPS } from "../features/write/gaps.ts";
import type { EngineHost } from "./engine/engine-host.ts";
import { refused } from "./errors.ts";
import type { Services } from "./services.ts";

const SECOND = 1000;

/** Milliseconds by kind of work. */
export const DEADLINES = {
  inlineCompletion: 2 * SECOND,
  hover: 5 * SECOND,
  /** Code lenses and code actions. */
  offers: 5 * SECOND,
  /** Fills and other words; more gaps are refused. */
  fills: (gaps: number) => (30 + Math.min(gaps, MOST_GAPS)) * SECOND,
  /** Summaries, titles, answers and labels of a text. */
  reading: (characters: number) => (60 + characters / 5000) * SECOND,
  /** A folder's summary, which then has what was done by then. */
  folder: 3600 * SECOND,
  /** Requests that only look something up, or begin or end work of another process. */
  lookup: 30 * SECOND,
} as const;

/**
 * Does work within a time.
 * @param late makes the result when the time is over; the work's signal aborts then
 * @param graceMs how long work that was cancelled, or is late, may still answer with what it has done
 * @throws what the work or `late` throws
 */
export async function within<T>(
  { isLoading }: Pick<EngineHost, "isLoading">,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => T,
  graceMs = 0,
): Promise<T> {
  const controller = new AbortController();
  const either = AbortSignal.any([signal, controller.signal]);
  const stop = countDown({ ms, counts: () => !isLoading(), onEnd: () => controller.abort() });
  try {
    return await unlessAborted(work(either), graceMs === 0 ? either : later(either, graceMs));
  } catch (error) {
    if (!controller.signal.aborted || signal.aborted) throw error;
    return late();
  } finally {
    stop();
  }
}

/**
 * Does work that a person asked for within a time.
 * @throws ResponseError RequestFailed when it took too long; what the work throws
 */
export async function asked<T>(
  { engine, t }: Pick<Services, "engine" | "t">,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return within(engine, ms, signal, work, () => tooLate(t, ms));
}

/** @throws ResponseError RequestFailed, that the time is over */
export function tooLate(t: Services["t"], ms: number): never {
  const seconds = Math.round(ms / SECOND);
  const why = t("This took longer than {0} s and was given up. Try a shorter text, or a smaller model.", seconds);
  throw refused(LSPErrorCodes.RequestFailed, why);
}

/** A signal that aborts a while after another one, for its reason. */
function later(signal: AbortSignal, ms: number): AbortSignal {
  const controller = new AbortController();
  const follow = () => void setTimeout(() => controller.abort(signal.reason), ms).unref();
  if (signal.aborted) follow();
  else signal.addEventListener("abort", follow, { once: true });
  return controller.signal;
}
