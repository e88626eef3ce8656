/** Writes what templates, notes and formulas inside a line of Markdown show. */

import { table } from "../../../../base/table.ts";
import type { ProseBuilder } from "../block.ts";

/** What Quarto's references show before the number. */
const REFERRED: Readonly<Record<string, string>> = table({
  fig: "Figure",
  tbl: "Table",
  tab: "Table",
  sec: "Section",
  eq: "Equation",
  lst: "Listing",
  thm: "Theorem",
});

/** Writes an element that is neither CommonMark's nor GFM's, by its name. */
export function writeOther(name: string, builder: ProseBuilder, text: string, from: number, to: number): void {
  switch (name) {
    case "Math":
      writeMath(builder, text, from, to);
      return;
    case "Wikilink":
      writeWikilink(builder, text, from, to);
      return;
    case "TemplateLink":
      builder.add(text, from + 1, text.indexOf("]", from));
      return;
    case "CrossReference":
      writeReference(builder, text, from, to);
      return;
    case "Template":
      writeTemplate(builder, text, from, to);
      return;
    case "Expression":
      // A comment or an empty string is nothing.
      if (/^\{\s*\/\*|^\{\s*(?:["'`]\s*){0,2}\}$/.test(text.slice(from, to))) builder.drop();
      else builder.value(from, to);
      return;
    case "NoteReference":
      builder.reference(from, to);
      return;
    default:
      builder.drop();
  }
}

/** A formula of numbers, letters and simple signs is read as it is; any other is left out. */
function writeMath(builder: ProseBuilder, text: string, from: number, to: number): void {
  const mark = /^(\$\$?|\\[([])/.exec(text.slice(from, to))?.[0].length ?? 1;
  const formula = text.slice(from + mark, to - mark);
  if (/^[\w\s.,%+=<>/()*-]{1,40}$/.test(formula) && !/[_^\\{}]/.test(formula))
    builder.add(text, from + mark, to - mark);
  else builder.drop();
}

function writeWikilink(builder: ProseBuilder, text: string, from: number, to: number): void {
  if (text[from] === "!") {
    builder.drop();
    return;
  }
  const inner = text.slice(from + 2, to - 2);
  const bar = inner.lastIndexOf("|");
  const target = inner.slice(0, bar < 0 ? inner.length : bar).replace(/#[\s\S]*$/, "");
  const start = from + 2 + (bar >= 0 ? bar + 1 : target.lastIndexOf("/") + 1);
  builder.add(text, start, bar >= 0 ? to - 2 : Math.max(start, from + 2 + target.length));
}

/** Of Hugo's shortcodes the words that they are given to show. */
function writeTemplate(builder: ProseBuilder, text: string, from: number, to: number): void {
  const given = /^\{\{[<%][\s\S]*?\btext="([^"]*)"/d.exec(text.slice(from, to))?.indices?.[1];
  if (given !== undefined) builder.add(text, from + given[0], from + given[1]);
  else if (isShown(text, from, to)) builder.value(from, to);
  else builder.drop();
}

/** Whether a template stands for words: no statement, comment, or shortcode around others. */
function isShown(text: string, from: number, to: number): boolean {
  const template = text.slice(from, to);
  if (/^\{%|^\{\{[<%] *[/*]|^\{\{[!#/]/.test(template)) return false;
  const name = /^\{\{[<%] *([\w-]+)/.exec(template);
  if (name === null) return true;
  return !new RegExp(`\\{\\{[<%] */ *${name[1]}\\b`).test(text.slice(to, to + MOST_SHORTCODE));
}

/** How far a shortcode's end is looked for. */
const MOST_SHORTCODE = 2000;

/** Code; of code that is run where the document is made, a reader sees what it returns instead. */
export function writeCode(builder: ProseBuilder, text: string, from: number, to: number): void {
  const code = text.slice(from, to);
  // A blank on both sides is not part of it, so that it may begin and end with its mark.
  const pad = /^ [\s\S]* $/.test(code) && code.trim() !== "" ? 1 : 0;
  const language = /^(?:r|\{\w+\}) (?=\S)/.exec(code)?.[0].length ?? 0;
  if (language > 0) builder.run("value", from, to);
  builder.add(text, from + language + pad, to - pad);
}

/** Quarto's reference to a figure or section: its kind, as the number is not known. */
function writeReference(builder: ProseBuilder, text: string, from: number, to: number): void {
  builder.run("value", from, to);
  const kind = /[@(](fig|tab|tbl|sec|eq|lst|thm)[-:]/.exec(text.slice(from, to))?.[1] ?? "";
  builder.replace(REFERRED[kind] ?? (text[from] === "@" ? "Theorem" : "Section"), from, to);
}
