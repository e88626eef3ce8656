/** Fits a fill into the place of its gap: no marks that pair with nothing, and no spaces where none belong. */

import { table } from "../../../base/table.ts";
import type { PlacedGap } from "./gaps.ts";

/** The text on both sides of a gap. */
export interface Surroundings {
  /** The text before the gap; its end suffices. */
  readonly before: string;
  /** The text after the gap; its beginning suffices. */
  readonly after: string;
}

/**
 * A fill as it may stand in a gap, "" where nothing of it may: without markup that pairs with nothing or begins a
 * block, without what ends an attribute or a cell, and with the spaces that the writer has set.
 * @param fill with the space that joins it to what stands before or after
 */
export function fitPlace(
  fill: string,
  { start, end, where = "text" }: PlacedGap,
  { before, after }: Surroundings,
): string {
  const isLine = /(^|\n)[^\S\n]*$/.test(before) && /^[ \t]*(\r?\n|$)/.test(after);
  const words = spacedAs(fill, withoutMarks(fill, where, isLine));
  const isNumber = /[$€£¥₹]$/.test(before) || /^ ?[%‰]/.test(after);
  if (isNumber && !/\p{N}/u.test(words)) return "";
  if (!/[\p{L}\p{N}]/u.test(words)) return /[\p{L}\p{N}\p{M}]/u.test(fill) || isMarkup(fill) ? "" : words;
  const kept = endsWithin(words, after);
  // A gap that was marked stands where the writer wants it.
  const isMarked = end > start;
  const lead = isMarked && joinsBefore(before, where) ? kept.trimStart() : kept;
  return isMarked && where !== "text" ? lead.trimEnd() : lead;
}

/** Words without the blanks that a mark leaves where it is taken out. */
function spacedAs(fill: string, words: string): string {
  if (words === fill) return words;
  const [lead = ""] = /^\s*/.exec(fill) ?? [];
  const trail = fill.slice(fill.trimEnd().length);
  const body = words.trim().replace(/ {2,}/g, " ");
  return body === "" ? "" : lead + body + trail;
}

/** Whether a fill is nothing but marks of markup, such as "~~~~~" or "] ] - [ ]". */
function isMarkup(fill: string): boolean {
  return /[*_~`=#|<>[\]{}\\]/.test(fill);
}

function withoutMarks(fill: string, where: PlacedGap["where"], isLine: boolean): string {
  const lines = fill.split("\n").map((line) => line.replace(isLine ? HEADING : BLOCK_MARKS, "$1"));
  let text = lines
    .join("\n")
    .replace(/<\/?[a-z][^<>]*>/gi, "")
    .replace(/[<>]/g, "");
  for (const mark of MARKS) text = paired(text, mark);
  text = balanced(text);
  if (where === "cell") text = text.replaceAll("|", "");
  if (where === "attribute" || where === "address") text = text.replace(/["'`\s|]+/g, " ").trim();
  if (where === "address") text = text.replaceAll(" ", "-");
  return count(text, '"') % 2 === 1 ? text.replaceAll('"', "") : text;
}

const HEADING = /^(\s*)#{1,6}[ \t]+/;
/** Marks that begin a heading, an item, a task or a quotation. */
const BLOCK_MARKS = /^(\s*)(?:(?:#{1,6}|[-*+•]|\d{1,9}[.)]|>)[ \t]+|\[[ xX]?\][ \t]*)+/;

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

const MARKS = [/\*+/g, /_{2,}/g, /~{2,}/g, /`+/g, /={2,}/g];

/** A text without a kind of mark, where it does not stand in pairs around words. */
function paired(text: string, mark: RegExp): string {
  const marks = [...text.matchAll(mark)];
  const isPaired = marks.every(({ 0: found, index }, i) => {
    const partner = marks[i % 2 === 0 ? i + 1 : i - 1];
    if (partner?.[0] !== found) return false;
    return i % 2 === 1 || /^\S(.*\S)?$/s.test(text.slice(index + found.length, partner.index));
  });
  return isPaired ? text : text.replace(mark, "");
}

const CLOSING: Readonly<Record<string, string>> = table({ ")": "(", "]": "[", "}": "{" });

/** A text without brackets that pair with none. */
function balanced(text: string): string {
  const open: { readonly mark: string; readonly at: number }[] = [];
  const single = new Set<number>();
  for (const [at, mark] of [...text].entries()) {
    if ("([{".includes(mark)) open.push({ mark, at });
    else if (CLOSING[mark] !== undefined) {
      if (open.at(-1)?.mark === CLOSING[mark]) open.pop();
      else single.add(at);
    }
  }
  for (const { at } of open) single.add(at);
  return single.size === 0 ? text : [...text].filter((_, at) => !single.has(at)).join("");
}

/** A fill of which no sentence ends before the text goes on in the same sentence. */
function endsWithin(fill: string, after: string): string {
  if (!/^[^\S\n\r]*[\p{Ll},;:]/u.test(after)) return fill;
  const border = /[.!?]["'”’)]*\s+\p{Lu}/u.exec(fill);
  return border === null || border.index === 0 ? fill : fill.slice(0, border.index);
}

/** Whether a fill joins what stands before it without a space. */
function joinsBefore(before: string, where: PlacedGap["where"]): boolean {
  if (where === "attribute" || where === "address" || where === "word") return true;
  return UNSPACED.test(before) || /([¿¡>]|^)$/u.test(before);
}

const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}、。，．！？：；「」『』（）・ー]$/u;
