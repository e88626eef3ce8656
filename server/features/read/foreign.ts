/** Quotes a text in a language that the model does not know. */
import type { LoadedModel } from "../../engine/engine.ts";
import { isCalibrated } from "../confidence.ts";
import { bestSentence } from "./extract.ts";
import type { Summary } from "./summary.ts";

/**
 * The best sentence of a text whose language the model does not know, which could write nothing of its own; undefined
 * where there
 * is none, or a title is wanted.
 */
export function quotation(
  info: LoadedModel["info"],
  { text, kind, language, started }: { text: string; kind: "summary" | "title"; language: string; started: number },
): Summary | undefined {
  const sentence = kind === "title" ? undefined : bestSentence(text, language);
  if (sentence === undefined) return undefined;
  return {
    summary: sentence,
    chunks: 1,
    coverage: 1,
    tokens: { in: 0, out: 0 },
    ms: { total: performance.now() - started, split: 0, encode: 0, decode: 0 },
    model: info.id,
    confidence: 0,
    calibrated: isCalibrated(info, kind),
    origin: "text",
    language,
    logProbs: [],
    cancelled: false,
  };
}
