/** Reads the inline markup of LaTeX: the text that a reader sees in a paragraph or heading. */
import { ProseBuilder } from "../block.ts";
import { ACCENTS, SHOWN_ARGUMENT, SILENT, SYMBOLS, UNITS } from "./commands.ts";
import { closingBrace, skipArguments, skipOptional } from "./groups.ts";
import { primitiveEnd } from "./primitives.ts";

/** What TeX sets in the place of some marks; longer ones first. */
const LIGATURES: readonly (readonly [string, string])[] = [
  ["---", "—"],
  ["--", "–"],
  ["``", "“"],
  ["''", "”"],
  ["~", " "],
];

/** Writes what a reader sees of a range of LaTeX. */
export function writeLatex(
  builder: ProseBuilder,
  text: string,
  from: number,
  to: number,
  macros: ReadonlyMap<string, string>,
  depth = 0,
): void {
  for (let at = from; at < to; ) {
    const mark = text[at] ?? "";
    if (mark === "%") {
      const newline = text.indexOf("\n", at);
      const end = newline < 0 || newline > to ? to : newline + 1;
      builder.run("comment", at, end);
      at = end;
    } else if (mark === "$") {
      const close = text.indexOf("$", at + 1);
      const end = close < 0 || close > to ? at + 1 : close + 1;
      writeFormula(builder, text, at, end);
      at = end;
    } else if (mark === "{" || mark === "}") at += 1;
    else if (mark === "\\") at = writeCommand(builder, text, at, to, macros, depth);
    else {
      const [found, shown] = LIGATURES.find(([written]) => text.startsWith(written, at)) ?? [mark, undefined];
      if (shown === undefined) builder.add(text, at, at + 1);
      else builder.replace(shown, at, at + found.length);
      at += found.length;
    }
  }
}

function writeFormula(builder: ProseBuilder, text: string, from: number, to: number): void {
  const formula = text.slice(from + 1, to - 1);
  builder.run("math", from, to);
  const plain = formula
    .replace(/\\times\b ?/g, "×")
    .replace(/\\(to|rightarrow)\b ?/g, "→")
    .replace(/\\leq?\b ?/g, "≤")
    .replace(/\\geq?\b ?/g, "≥")
    .replace(/\\%/g, "%")
    .replace(/\\(approx|sim)\b ?/g, "~")
    .replace(/\\pm\b ?/g, "±")
    .replace(/\\,|\\ /g, " ");
  if (/^[\w\s.,%+=<>/()×~±→≤≥*-]{1,30}$/.test(plain) && !plain.includes("_")) builder.replace(plain, from, to);
  else builder.drop();
}

function writeCommand(
  builder: ProseBuilder,
  text: string,
  start: number,
  to: number,
  macros: ReadonlyMap<string, string>,
  depth: number,
): number {
  const name = /^\\([a-zA-Z@]+)/.exec(text.slice(start, Math.min(to, start + 60)))?.[1];
  if (name === undefined) return writeMark(builder, text, start, to);
  let after = start + 1 + name.length;
  if (text[after] === "*") after += 1;
  const macro = macros.get(name);
  const symbol = SYMBOLS[name];
  if (macro !== undefined && depth < 5) {
    const inner = new ProseBuilder();
    writeLatex(inner, macro, 0, macro.length, macros, depth + 1);
    builder.replace(inner.finish().text, start, after);
    return afterSymbol(text, after);
  }
  if (symbol !== undefined) {
    builder.replace(symbol, start, after);
    return afterSymbol(text, after);
  }
  const accent = name.length === 1 ? ACCENTS[name] : undefined;
  if (accent !== undefined) return writeAccent(builder, text, start, after, accent);
  const shown = SHOWN_ARGUMENT[name];
  if (NAMING.has(name)) return writeAuthor(builder, text, start, after, to);
  if (VERBATIM.has(name)) return writeVerbatim(builder, text, start, after, to);
  if (/^(?:SI|si|qty|unit)$/.test(name)) return writeQuantity(builder, text, start, after);
  const isSilent = SILENT.has(name) || (shown === undefined && /cite|ref$/.test(name));
  const silentEnd = primitiveEnd(text, name, after) ?? (isSilent ? skipArguments(text, after) : undefined);
  if (silentEnd !== undefined) {
    const end = Math.min(silentEnd, to);
    if (/cite|ref$/i.test(name)) builder.reference(start, end);
    else {
      builder.run("directive", start, end);
      builder.drop();
    }
    return end;
  }
  let at = after;
  while (text[at] === "[") at = closingBrace(text, at);
  // its braces are read as text
  if (shown === undefined) return at === after && text[at] === " " && /\w/.test(text[at + 1] ?? "") ? at + 1 : at;
  for (let count = 0; count <= shown && at < to; count++) {
    const brace = at + (/^[ \t]*(?:\n[ \t]*)?(?=\{)/.exec(text.slice(at, at + 100))?.[0].length ?? 0);
    if (text[brace] !== "{") break;
    const end = Math.min(closingBrace(text, brace), to);
    if (count === shown) {
      if (name === "href" || name === "url" || name === "texttt")
        builder.run(name === "texttt" ? "code" : "link", start, end);
      writeLatex(builder, text, brace + 1, end - 1, macros, depth);
    }
    at = end;
  }
  return Math.max(at, after);
}

const VERBATIM = new Set(["verb", "lstinline", "mintinline"]);

/** Code between two equal marks, or in braces. */
function writeVerbatim(builder: ProseBuilder, text: string, start: number, after: number, to: number): number {
  let open = skipOptional(text, after);
  const brace = text[open] === "{" ? closingBrace(text, open) : open;
  if (text.startsWith("\\mint", start)) open = brace; // its language
  const close = text[open] === "{" ? closingBrace(text, open) - 1 : text.indexOf(text[open] ?? "", open + 1);
  if (close <= open || close >= to) return after;
  builder.run("code", start, close + 1);
  builder.add(text, open + 1, close);
  return close + 1;
}

/** A number with its unit, of which siunitx writes the short form. */
function writeQuantity(builder: ProseBuilder, text: string, start: number, after: number): number {
  const end = skipArguments(text, after);
  const words = text
    .slice(after, end)
    .replace(/^\[[^\]]*\]/, "")
    .replace(/\\([a-zA-Z]+)\s*/g, (_, unit: string) => UNITS[unit] ?? unit)
    .replace(/\}\s*\{/, " ")
    .replace(/[{}]/g, "");
  builder.replace(words, start, end);
  return end;
}

/** A citation that names the author as a part of the sentence. */
function writeAuthor(builder: ProseBuilder, text: string, start: number, after: number, to: number): number {
  const end = Math.min(skipArguments(text, after), to);
  const key = /\{[^{},\s]*/.exec(text.slice(after, end));
  const author = /^\{(\p{Lu}\p{Ll}+)/u.exec(key?.[0] ?? "")?.[1];
  builder.run("directive", start, end);
  if (author === undefined || key === null) builder.drop();
  else builder.add(text, after + key.index + 1, after + key.index + 1 + author.length);
  return end;
}

/** A backslash before a mark that is not a letter. */
function writeMark(builder: ProseBuilder, text: string, start: number, to: number): number {
  if (start + 1 >= to) return to;
  const mark = text[start + 1] ?? "";
  const accent = ACCENTS[mark];
  if (accent !== undefined && /[a-zA-Z{\\]/.test(text[start + 2] ?? ""))
    return writeAccent(builder, text, start, start + 2, accent);
  if (mark === "(" || mark === "[") {
    const close = text.indexOf(mark === "(" ? "\\)" : "\\]", start + 2);
    const end = close < 0 || close > to ? start + 2 : close + 2;
    builder.run("math", start, end);
    builder.drop();
    return end;
  }
  if (mark === "\\") {
    builder.replace(" ", start, start + 2);
    return skipOptional(text, text[start + 2] === "*" ? start + 3 : start + 2);
  }
  if (/[\s,;:!]/.test(mark)) builder.replace(" ", start, start + 2);
  else if (mark !== "-" && mark !== "/" && mark !== "@") builder.add(text, start + 1, start + 2);
  return start + 2;
}

function writeAccent(builder: ProseBuilder, text: string, start: number, after: number, accent: string): number {
  const found = /^\s*(?:\{\\?([a-zA-Z])\}|\\([ij])\b ?|([a-zA-Z]))/.exec(text.slice(after, after + 20));
  const letter = found?.[1] ?? found?.[2] ?? found?.[3];
  if (found === null || letter === undefined) return after;
  builder.replace(`${letter}${accent}`.normalize("NFC"), start, after + found[0].length);
  return after + found[0].length;
}

/** A symbol's name takes the blank after it, and an empty group. */
function afterSymbol(text: string, after: number): number {
  return text.startsWith("{}", after) ? after + 2 : after;
}

/** Commands that show a source's author as a part of the sentence; keys mostly begin with the name. */
const NAMING = new Set(["citet", "Citet", "citeauthor", "Citeauthor", "textcite", "Textcite", "citealt", "citealp"]);
