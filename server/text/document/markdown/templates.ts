/** Writes what templates, notes and formulas inside a line of Markdown show. */
import type { ProseBuilder } from "../block.ts";

/** What Quarto's references show before the number. */
const REFERRED: Readonly<Record<string, string>> = {
  fig: "Figure",
  tbl: "Table",
  sec: "Section",
  eq: "Equation",
  lst: "Listing",
};

/** A formula of numbers, letters and simple signs is read as it is; any other is left out. */
export function writeMath(builder: ProseBuilder, text: string, from: number, to: number): void {
  const mark = /^(\$\$?|\\[([])/.exec(text.slice(from, to))?.[0].length ?? 1;
  const formula = text.slice(from + mark, to - mark);
  if (/^[\w\s.,%+=<>/()*-]{1,40}$/.test(formula) && !/[_^\\{}]/.test(formula))
    builder.add(text, from + mark, to - mark);
  else builder.drop();
}

export function writeWikilink(builder: ProseBuilder, text: string, from: number, to: number): void {
  if (text[from] === "!") {
    builder.drop();
    return;
  }
  const inner = text.slice(from + 2, to - 2);
  const bar = inner.lastIndexOf("|");
  const target = inner.slice(0, bar < 0 ? inner.length : bar).replace(/#.*$/, "");
  const start = from + 2 + (bar >= 0 ? bar + 1 : target.lastIndexOf("/") + 1);
  builder.add(text, start, bar >= 0 ? to - 2 : Math.max(start, from + 2 + target.length));
}

/** Of Hugo's shortcodes the words that they are given to show. */
export function writeTemplate(builder: ProseBuilder, text: string, from: number, to: number): void {
  const given = /^\{\{[<%][\s\S]*?\btext="([^"]*)"/d.exec(text.slice(from, to))?.indices?.[1];
  if (given === undefined) builder.drop();
  else builder.add(text, from + given[0], from + given[1]);
}

/** Code; of code that is run where the document is made, the program is shown without its language. */
export function writeCode(builder: ProseBuilder, text: string, from: number, to: number): void {
  const language = /^(?:r|\{\w+\}) (?=\S)/.exec(text.slice(from, to))?.[0].length ?? 0;
  builder.add(text, from + (to - from > language ? language : 0), to);
}

/** Quarto's reference to a figure or section: its kind, as the number is not known. */
export function writeReference(builder: ProseBuilder, text: string, from: number, to: number): void {
  builder.replace(REFERRED[text.slice(from + 1, text.indexOf("-", from))] ?? "Theorem", from, to);
}
