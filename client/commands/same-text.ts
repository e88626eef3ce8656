/** Finds a part of a text again after the text has changed. */

/** The place of a part in a text; undefined if it occurs nowhere or several times. Offsets in UTF-16 units. */
export function onlyPlaceOf(part: string, text: string): number | undefined {
  if (part === "") return undefined;
  const place = text.indexOf(part);
  return place < 0 || text.indexOf(part, place + 1) >= 0 ? undefined : place;
}
