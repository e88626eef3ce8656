/** Notes beside a summary: who wrote its words, and how far to trust it. */

import { percent } from "../../../base/figures.ts";
import { english, type Translate } from "../../../base/translate.ts";
import { languageName } from "../../text/languages.ts";
import type { Summary } from "./summary.ts";

/**
 * Short phrases that tell a reader who wrote a summary's words and how far to trust it.
 * @param longModel the model's name where it was chosen because the text is long
 */
export function summaryNotes(
  { confidence, calibrated, origin, language }: Pick<Summary, "confidence" | "calibrated" | "origin" | "language">,
  t: Translate = english,
  longModel?: string,
): string[] {
  const sure = calibrated
    ? t("confidence {0}", percent(confidence))
    : t("likelihood {0}, not calibrated", confidence.toFixed(2));
  const foreign =
    language === undefined
      ? []
      : [t("the text is {0}, which the model does not know", languageName(language, t.language))];
  // The model wrote nothing, so there is nothing to be sure of.
  if (origin === "quotes") return [t("the text's own words"), ...foreign];
  return [
    ...(origin === "text" ? [t("a sentence quoted from the text, since the model was unsure")] : []),
    ...foreign,
    ...(longModel === undefined ? [] : [t("by {0}, which reads long texts at once", longModel)]),
    sure,
  ];
}
