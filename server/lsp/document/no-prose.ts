/** Says why a place of a document is not prose. */
import type { Translate } from "../../../base/translate.ts";
import { placeOf, type WhyNotProse } from "../../text/place.ts";
import type { WrittenDocument } from "../../text/reading.ts";

/** The reason, as a sentence for the log; undefined where a place is prose. */
export async function whyNoProse(
  document: WrittenDocument,
  offset: number,
  text: string,
  t: Translate,
): Promise<string | undefined> {
  const place = await placeOf(document, offset, text);
  return place.isProse ? undefined : reasonOf(place.why, t);
}

function reasonOf(why: WhyNotProse, t: Translate): string {
  switch (why) {
    case "code":
      return t("the cursor is in code");
    case "math":
      return t("the cursor is in a formula");
    case "comment":
      return t("the cursor is in a comment");
    case "frontMatter":
      return t("the cursor is in front matter");
    case "link":
      return t("the cursor is in a link or an address");
    case "table":
    case "markup":
    case "data":
      return t("the cursor is in markup");
  }
}
