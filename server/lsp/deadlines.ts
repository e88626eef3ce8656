/**
 * How long requests may take, in time that the server runs and loads no model. (Loading has a limit in the watch over
 * the engine's process.) What nobody asked for comes to nothing then; what a person asked for fails with a message.
 */
import { LSPErrorCodes } from "vscode-languageserver-protocol";
import { countDown } from "../../base/running-time.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import type { CommandName } from "../../protocol/commands.ts";
import type { ServerQuestion } from "../../protocol/panel.ts";
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
  /** What only looks something up, or begins or ends work of another process. */
  lookup: 30 * SECOND,
  /** Work on a model's files, which loads it or reads them all. */
  model: (bytes: number) => (180 + bytes / 2e6) * SECOND,
  /** An import: it is copied and opened by another process, which has limits too. */
  import: (bytes: number) => (2000 + bytes / 2e6) * SECOND,
  /** Checks of training data and of a run's needs: what is read of them is bounded. */
  data: (bytes: number) => (120 + Math.min(bytes, 2e9) / 2e6) * SECOND,
} as const;

/** What a request works on, as far as its parameters tell. */
interface Size {
  readonly characters: number;
}

const { fills, reading, folder, lookup, model, data } = DEADLINES;
/** No text has more gaps than this, however they are marked. */
const anyFills = ({ characters }: Size) => fills(characters);
const anyReading = ({ characters }: Size) => reading(characters);
const oneFill = () => fills(1);
const quick = () => lookup;

/** Commands, by the size of their text or document; the work on a part of it has the time that suits the part. */
export const COMMAND_DEADLINES: { readonly [Name in CommandName]: (size: Size) => number } = {
  summarizeRange: anyReading,
  summarizeText: anyReading,
  summarizeFolder: () => folder,
  forgetSummaries: quick,
  fillGaps: anyFills,
  fillGapsInText: anyFills,
  rephrase: oneFill,
  writeField: anyReading,
  continueHere: oneFill,
  continueText: oneFill,
  explainSuggestion: oneFill,
  askRange: anyReading,
  classifyRange: anyReading,
  freeModelMemory: quick,
  restartEngine: quick,
  status: quick,
};

/** The panel's questions, by the bytes of the model or the data that they name. */
export const QUESTION_DEADLINES: { readonly [Kind in ServerQuestion["kind"]]: (bytes: number) => number } = {
  models: quick,
  get: quick,
  stop: quick,
  remove: quick,
  verify: model,
  import: DEADLINES.import,
  measure: model,
  devices: () => 4 * lookup,
  generate: model,
  runs: quick,
  run: quick,
  checkData: data,
  fit: data,
  startRun: quick,
  steerRun: quick,
  compareRun: model,
  removeRun: quick,
};

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
