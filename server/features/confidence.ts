/**
 * Says how sure a model is of what it produced: the chance that it is right, as measured, or else its plain likelihood.
 */
import type { LengthHint } from "../../models/tokenizer/spans.ts";
import { type CalibratedKind, measuresOf, probabilityOf } from "../catalog/folder/int8/calibration.ts";
import type { ModelInfo } from "../engine/engine.ts";

/**
 * The chance, 0 to 1, that a text is right, in the sense of its kind; of a model that was never calibrated the
 * geometric mean of its tokens' probabilities, which is no such chance ({@link isCalibrated} tells).
 * @param logProbs natural log probabilities of the text's tokens
 */
export function confidenceOf(info: ModelInfo, kind: CalibratedKind, logProbs: readonly number[]): number {
  const measures = measuresOf(logProbs);
  const curve = info.calibration[kind];
  return curve === undefined ? Math.exp(measures.mean) : probabilityOf(curve, measures);
}

/** Whether the confidences of these kinds are measured chances. */
export function isCalibrated(info: ModelInfo, ...kinds: readonly CalibratedKind[]): boolean {
  return kinds.every((kind) => info.calibration[kind] !== undefined);
}

/** Which kind a fill is: by its gap's length, or by its own where the gap has none. */
export function fillKind(hint: LengthHint | undefined, text: string): "fill" | "passage" {
  if (hint === undefined) return text.trim().split(/\s+/).length <= MOST_WORDS ? "fill" : "passage";
  const short = typeof hint === "number" ? hint <= MOST_WORDS : hint === "word" || hint === "phrase";
  return short ? "fill" : "passage";
}

/** Words of a phrase, at most. */
const MOST_WORDS = 5;
