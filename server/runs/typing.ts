/** Makes training wait while a person types, since an answer in the editor is worth more than the delay. */
import { type Places, placesOf } from "../catalog/store.ts";
import { holdRuns } from "./folder.ts";

/** How long the runs wait after a key. */
const QUIET_MS = 4000;
/** Interval between notices. */
const EVERY_MS = 1000;

/**
 * Creates a function to call at each change of a document; it makes all runs on this machine wait, including those of
 * other windows.
 */
export function createTypingNotice(problem: (error: unknown) => void, places: Places = placesOf()): () => void {
  let heldMs = 0;
  return () => {
    const now = Date.now();
    if (now - heldMs < EVERY_MS) return;
    heldMs = now;
    holdRuns(places, now + QUIET_MS).catch(problem);
  };
}
