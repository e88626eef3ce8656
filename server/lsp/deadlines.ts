/**
 * How long requests may take, in time that the server runs and loads no model. (Loading has a limit in the watch over
 * the engine's process.) What nobody asked for comes to nothing then; what a person asked for fails with a message.
 */
import { LSPErrorCodes } from "vscode-languageserver-protocol";
import { countDown } from "../../base/running-time.ts";
import { MOST_GAPS } from "../features/write/gaps.ts";
import type { EngineHost } from "./engine/engine-host.ts";
import { refused } from "./errors.ts";
import { unlessAborted } from "./patience.ts";
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
} as const;

/**
 * Does work within a time.
 * @param late makes the result when the time is over; the work's signal aborts then
 * @throws what the work or `late` throws
 */
export async function within<T>(
  { isLoading }: Pick<EngineHost, "isLoading">,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => T,
): Promise<T> {
  const controller = new AbortController();
  const either = AbortSignal.any([signal, controller.signal]);
  const stop = countDown({ ms, counts: () => !isLoading(), onEnd: () => controller.abort() });
  try {
    return await unlessAborted(work(either), either);
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
  return within(engine, ms, signal, work, () => {
    const seconds = Math.round(ms / SECOND);
    const why = t("This took longer than {0} s and was given up. Try a shorter text, or a smaller model.", seconds);
    throw refused(LSPErrorCodes.RequestFailed, why);
  });
}
