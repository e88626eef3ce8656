/** What is said beside a summary: whose words it is in, and how far to trust it. */
import { percent } from "../../../base/figures.ts";
import { languageName } from "../../text/languages.ts";
import type { Summary } from "./summarize.ts";

/** What a reader should know of whose words a summary is and how good, as short phrases. */
export function summaryNotes({
  confidence,
  calibrated,
  origin,
  language,
}: Pick<Summary, "confidence" | "calibrated" | "origin" | "language">): string[] {
  const sure = calibrated ? `confidence ${percent(confidence)}` : `likelihood ${confidence.toFixed(2)}, not calibrated`;
  const whose = {
    model: [],
    text: ["a sentence of the text itself, the model was not sure of its own"],
    both: ["partly sentences of the text itself, where the model was not sure of its own"],
  };
  const foreign =
    language === undefined ? [] : [`the text is ${languageName(language)}, which the model does not know`];
  return [...whose[origin], ...foreign, sure];
}
