/** Opens what is imported in a process by itself, which is ended when it takes too long or too much memory. */
import { countDown } from "../../../base/running-time.ts";
import { ModelError } from "../../../models/errors.ts";
import type { ImportTask, OpenedImport } from "../../catalog/import-task.ts";
import { forkEngine } from "./fork.ts";
import { resultSchemas, toParentSchema } from "./messages.ts";
import { memoryOf } from "./process-memory.ts";

/** Limits of an import's process. */
export interface OpeningLimits {
  /** The process's script; by default child.js next to this bundle. */
  readonly childPath?: string;
  /** Without a sign of life. Default: a minute, in which the largest tensor of a published model is read. */
  readonly silentMs?: number;
  /** In all. Default: half an hour. */
  readonly wholeMs?: number;
  /** Resident memory. Default: 4 GB; a model is read tensor by tensor. */
  readonly mostBytes?: number;
}

/**
 * Opens what is imported in another process.
 * @throws ModelError as openImported does, or "checkpoint" when the process was ended; the signal's reason when it
 *   aborts
 */
export async function openApart(
  task: ImportTask,
  signal: AbortSignal,
  { silentMs = 60_000, wholeMs = 30 * 60_000, mostBytes = 4 * 2 ** 30, ...options }: OpeningLimits = {},
): Promise<OpenedImport> {
  signal.throwIfAborted();
  let settle: (end: () => OpenedImport) => void = () => undefined;
  const settled = new Promise<() => OpenedImport>((resolve) => {
    settle = resolve;
  });
  const fail = (error: unknown) => settle(() => throwing(error));
  const refuse = (what: string) =>
    fail(
      new ModelError(
        "checkpoint",
        `${task.to} cannot be opened: reading it ${what}. Take the model from its publisher.`,
      ),
    );
  let gone = () => {};
  const ended = new Promise<void>((resolve) => {
    gone = resolve;
  });
  const late = (ms: number) => () => refuse(`gave no sign of life for ${ms / 1000} s and was ended`);
  let stopSilence = countDown({ ms: silentMs, onEnd: late(silentMs) });
  const child = forkEngine({
    ...options,
    onMessage: (message) => {
      stopSilence();
      stopSilence = countDown({ ms: silentMs, onEnd: late(silentMs) });
      const { data } = toParentSchema.safeParse(message);
      if (data?.type === "failed") fail(new ModelError(data.code, data.message));
      if (data?.type === "result") settle(() => resultSchemas.open.parse(data.value));
    },
    onLost: (how) => {
      refuse(`ended its process, which ${how.replace(/\. The next request starts it again\..*$/s, "")}`);
      gone();
    },
  });
  const leave = () => fail(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  const stopWhole = countDown({ ms: wholeMs, onEnd: () => refuse(`took more than ${wholeMs / 60_000} minutes`) });
  const large = () => refuse(`took more than ${mostBytes / 2 ** 30} GB of memory and was ended`);
  const memory = watchMemory(child.pid, mostBytes, large);
  try {
    child.send({ type: "open", id: 0, task }, () => undefined);
    return (await settled)();
  } finally {
    clearInterval(memory);
    stopSilence();
    stopWhole();
    signal.removeEventListener("abort", leave);
    child.kill("SIGKILL");
    // Until it has ended it may still write into the folder that the caller removes.
    await ended;
  }
}

function throwing(error: unknown): never {
  throw error;
}

function watchMemory(pid: number | undefined, mostBytes: number, onLarge: () => void): NodeJS.Timeout {
  return setInterval(async () => {
    if (pid !== undefined && ((await memoryOf(pid)) ?? 0) > mostBytes) onLarge();
  }, MEMORY_MS);
}

/** How often the memory is looked at. */
const MEMORY_MS = 200;
