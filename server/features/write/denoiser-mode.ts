/** The mode in which a model fills a gap, if it was trained with modes: UL2's R, S and X. */
import type { DenoiserMode } from "../../../models/tokenizer/corruption.ts";
import type { LengthHint } from "../../../models/tokenizer/spans.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { isShort } from "./infill-window.ts";

/** Words and phrases are filled in mode R; longer gaps in X, or in S where no text follows them. */
export function modeOfGap(hint: LengthHint | undefined, after: string): DenoiserMode {
  if (isShort(hint)) return "R";
  return modeOfPlace(after) === "S" ? "S" : "X";
}

/** A word is suggested in mode S where no text follows it, and in R within a text. */
export function modeOfPlace(after: string): DenoiserMode {
  return after.trim() === "" ? "S" : "R";
}

/** The text before an input with gaps, with the mode first. */
export function gapPrefix({ prefixes, modes }: LoadedModel["info"], mode: DenoiserMode): string {
  return (modes?.[mode] ?? "") + (prefixes.infill ?? "");
}
