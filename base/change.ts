/** Finds the lines in which two texts differ. */

/** A change of whole lines: [from, oldTo) of the old text became [from, to) of the new one. */
export interface LineChange {
  readonly from: number;
  readonly oldTo: number;
  readonly to: number;
}

/** The lines between what two texts have in common at their beginnings and ends. */
export function changeOf(old: string, text: string): LineChange {
  const most = Math.min(old.length, text.length);
  const prefix = commonPrefix(old, text, most);
  const suffix = commonSuffix(old, text, most - prefix);
  const from = prefix === 0 ? 0 : text.lastIndexOf("\n", prefix - 1) + 1;
  const newline = text.indexOf("\n", text.length - suffix);
  const to = newline < 0 ? text.length : newline + 1;
  return { from, to, oldTo: old.length - (text.length - to) };
}

/** Strings are compared in blocks, as fast as memory. */
const BLOCK = 65_536;

function commonPrefix(old: string, text: string, most: number): number {
  let at = 0;
  while (at + BLOCK <= most && old.slice(at, at + BLOCK) === text.slice(at, at + BLOCK)) at += BLOCK;
  while (at < most && old.charCodeAt(at) === text.charCodeAt(at)) at += 1;
  return at;
}

function commonSuffix(old: string, text: string, most: number): number {
  let length = 0;
  const block = (from: string, end: number) => from.slice(end - BLOCK, end);
  while (length + BLOCK <= most && block(old, old.length - length) === block(text, text.length - length))
    length += BLOCK;
  while (length < most && old.charCodeAt(old.length - 1 - length) === text.charCodeAt(text.length - 1 - length))
    length += 1;
  return length;
}
