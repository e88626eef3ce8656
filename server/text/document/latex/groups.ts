/** Groups, arguments and macros of LaTeX; each look ahead is bounded. */
import { MOST_ARGUMENT } from "./commands.ts";

/** Macros without arguments, as \newcommand, \renewcommand and \def make them. */
export function macrosOf(text: string): ReadonlyMap<string, string> {
  const macros = new Map<string, string>();
  for (const found of text.matchAll(
    /\\(?:(?:re|provide)?newcommand|providecommand|def)\*?\s*\{?\\([a-zA-Z]+)\}?\s*(?=\{)/g,
  )) {
    const brace = (found.index ?? 0) + found[0].length;
    const body = text.slice(brace + 1, closingBrace(text, brace) - 1);
    if (found[1] !== undefined && body.length < 200 && !body.includes("#")) macros.set(found[1], body);
    if (macros.size > 1000) break;
  }
  return macros;
}

/** Where the group that a brace or bracket opens ends, after its closing mark; bounded. */
export function closingBrace(text: string, open: number): number {
  const [begin, end] = text[open] === "[" ? ["[", "]"] : ["{", "}"];
  let depth = 0;
  const most = Math.min(text.length, open + MOST_ARGUMENT);
  for (let at = open; at < most; at++) {
    const mark = text[at];
    if (mark === "\\") at += 1;
    else if (mark === begin) depth += 1;
    else if (mark === end) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return Math.min(open + 1, text.length);
}

/** Where an argument in brackets ends, if there is one, after blanks. */
export function skipOptional(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\t") at += 1;
  return text[at] === "[" ? closingBrace(text, at) : at;
}

/** Where Beamer's "<1->" ends, which says on which slides something is shown. */
export function skipOverlay(text: string, from: number): number {
  return from + (/^<[\d\w@|,:+.-]{1,40}>/.exec(text.slice(from, from + 42))?.[0].length ?? 0);
}

/** Skips all arguments that follow a command: in brackets and braces, with blanks between. */
export function skipArguments(text: string, from: number): number {
  let at = from;
  for (let count = 0; count < 12; count++) {
    let next = at;
    while (text[next] === " " || text[next] === "\t") next += 1;
    if (text[next] === "=") next += 1;
    if (text[next] === "\\" && count === 0 && /^\\[a-zA-Z]+[ \t]*[{[]/.test(text.slice(next, next + 60)))
      next += /^\\[a-zA-Z]+[ \t]*/.exec(text.slice(next, next + 60))?.[0].length ?? 0;
    if (text[next] !== "{" && text[next] !== "[") return at;
    at = closingBrace(text, next);
  }
  return at;
}
