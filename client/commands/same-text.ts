/** Finds a part of a text again after the text has changed. */

/** Where a part stands in a text; undefined where that is nowhere, or in several places. Offsets in UTF-16 units. */
export function onlyPlaceOf(part: string, text: string): number | undefined {
  if (part === "") return undefined;
  const place = text.indexOf(part);
  return place < 0 || text.indexOf(part, place + 1) >= 0 ? undefined : place;
}
