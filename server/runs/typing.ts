/** Training waits while a person types: an answer in the editor is worth more than the minutes that it takes longer. */
import { type Places, placesOf } from "../catalog/store.ts";
import { holdRuns } from "./folder.ts";

/** For so long after a key the runs wait. */
const QUIET_MS = 4000;
/** How often it is said. */
const EVERY_MS = 1000;

/** @returns what is to be called at each change of a document; it makes the runs of this machine wait, those of other windows too */
export function createTypingNotice(problem: (error: unknown) => void, places: Places = placesOf()): () => void {
  let heldMs = 0;
  return () => {
    const now = Date.now();
    if (now - heldMs < EVERY_MS) return;
    heldMs = now;
    holdRuns(places, now + QUIET_MS).catch(problem);
  };
}
