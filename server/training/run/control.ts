/** A run's remote control: "pause", "continue" and "stop", one a line on standard input, or the last word in a file. */
import { statSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { ModelError } from "../../../models/errors.ts";
import { holdFile, TRAIN_CONTROLS } from "../../../protocol/training.ts";
import { readRegularText, readRegularTextSync } from "../../files/regular-file.ts";
import { beginsWith, removeOwn } from "../../files/removal.ts";
import type { Pause } from "./train.ts";

/** The interface through which a run is controlled. */
export interface Control {
  /** Aborts at "stop" and when the given signal does. */
  readonly signal: AbortSignal;
  /** The pause before the next step, if there is one. */
  readonly whilePaused: () => Pause | undefined;
  close(): Promise<void>;
}

/**
 * Listens on standard input where `source` is true, to a file where it is its path; another word than the known ones is
 * passed over. Beside the file is one whose time says until when to wait a moment.
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
 * Makes the file, or takes the one that a run before has left.
 * @throws ModelError "input" when it is somebody else's
 */
async function makeHold(file: string): Promise<void> {
  try {
    await using handle = await open(file, "wx");
    await handle.writeFile(HOLD_TEXT);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    const found = await readRegularText(file);
    if (found !== HOLD_TEXT && found !== "") {
      throw new ModelError("input", `${file} is a file of something else. Name another file in --control.`, {
        cause: error,
      });
    }
  }
}

const HOLD_TEXT = "spanfill train waits until the time of this file\n";
const LOOK_MS = 100;

/** A longer wait than anyone asks for: the clock was set. */
const LONGEST_HOLD_MS = 60_000;

/** The last word in a file; none while it is not there. */
function readLast(file: string): string {
  try {
    return readRegularTextSync(file).trimEnd().split("\n").at(-1) ?? "";
  } catch {
    return ""; // nothing has been written yet
  }
}

/** Whether a file's time is still to come. */
function isHeld(file: string): boolean {
  const ms = (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) - Date.now();
  return ms > 0 && ms < LONGEST_HOLD_MS;
}
