/** A run's remote control: "pause", "continue" and "stop", as lines of standard input or as the last line of a file. */
import { readFileSync, statSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { ModelError } from "../../../models/errors.ts";
import { holdFile, TRAIN_CONTROLS } from "../../../protocol/training.ts";
import { beginsWith, removeOwn } from "../../files/removal.ts";
import type { Pause } from "./train.ts";

/** The control as a run uses it. */
export interface Control {
  /** Aborts at "stop", or when the caller's signal does. */
  readonly signal: AbortSignal;
  /** Returns the pause to wait for before the next step, if any. */
  readonly whilePaused: () => Pause | undefined;
  close(): Promise<void>;
}

/**
 * Creates a control that reads orders from standard input if `source` is true, or from the file with that path. Unknown
 * words are ignored. A second file, beside the first, has the time until which a brief pause lasts.
 */
export async function createControl(signal: AbortSignal, source: string | boolean): Promise<Control> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let paused: { readonly until: Promise<void>; readonly end: () => void } | undefined;
  const go = () => {
    paused?.end();
    paused = undefined;
  };
  both.addEventListener("abort", go, { once: true });
  const hear = (said: string) => {
    const word = TRAIN_CONTROLS.find((one) => one === said.trim());
    if (word === "stop") stop.abort();
    else if (word === "continue") go();
    else if (word === "pause" && paused === undefined && !both.aborted) {
      let end = () => {};
      const until = new Promise<void>((resolve) => {
        end = resolve;
      });
      paused = { until, end };
    }
  };
  if (typeof source !== "string") {
    const lines = source ? createInterface(process.stdin) : undefined;
    lines?.on("line", hear);
    // Standard input that cannot be read gives no orders.
    lines?.on("error", () => undefined);
    return {
      signal: both,
      whilePaused: () => paused && { until: paused.until, brief: false },
      close: async () => lines?.close(),
    };
  }
  const look = () => hear(readLast(source));
  const hold = holdFile(source);
  await makeHold(hold);
  const held = () => !both.aborted && paused === undefined && isHeld(hold);
  const wait = async () => {
    while (held()) await setTimeout(LOOK_MS);
  };
  const looking = setInterval(look, LOOK_MS);
  return {
    signal: both,
    whilePaused: () => {
      look();
      if (paused !== undefined) return { until: paused.until, brief: false };
      return held() ? { until: wait(), brief: true } : undefined;
    },
    close: async () => {
      clearInterval(looking);
      await removeOwn(hold, dirname(hold), beginsWith(HOLD_TEXT));
    },
  };
}

/**
 * Creates the file, or reuses one that an earlier run left.
 * @throws ModelError "input" when it has other content
 */
async function makeHold(file: string): Promise<void> {
  try {
    await using handle = await open(file, "wx");
    await handle.writeFile(HOLD_TEXT);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    const found = await readFile(file, "utf8");
    if (found !== HOLD_TEXT && found !== "") {
      throw new ModelError("input", `${file} is a file of something else. Name another file in --control.`, {
        cause: error,
      });
    }
  }
}

const HOLD_TEXT = "spanfill train waits until the time of this file\n";
const LOOK_MS = 100;

/** A time further ahead means that the clock was changed. */
const LONGEST_HOLD_MS = 60_000;

/** The last line of a file; empty if there is none. */
function readLast(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").at(-1) ?? "";
  } catch {
    return ""; // there is no order yet
  }
}

/** Whether a file's time is in the future. */
function isHeld(file: string): boolean {
  const ms = (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) - Date.now();
  return ms > 0 && ms < LONGEST_HOLD_MS;
}
