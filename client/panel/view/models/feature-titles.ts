/** Titles of the features on the page. */
import type { Feature } from "../../../../protocol/features.ts";
import { t } from "../ui/texts.ts";

/** By feature. */
export const FEATURE_TITLES: Readonly<Record<Feature, string>> = {
  summarize: t("Summaries"),
  infill: t("Filling and suggestions"),
  ask: t("Questions"),
  classify: t("Classifying"),
};
