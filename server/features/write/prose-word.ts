/**
 * Finds the word of prose at a place: nothing in code, links, addresses, formulas or markup, whose words are not the
 * writer's to exchange.
 */
import { COMMENTED_LANGUAGES } from "../../../protocol/comments.ts";

/** The word at an offset, in UTF-16 units; undefined where there is none, or none of prose. */
export function proseWordAt(
  text: string,
  offset: number,
  languageId: string,
): { readonly start: number; readonly end: number } | undefined {
  if (Object.hasOwn(COMMENTED_LANGUAGES, languageId)) return undefined;
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const lineEnd = endOfLine(text, offset);
  if (lineEnd - lineStart > MOST_READ) return undefined;
  const line = text.slice(lineStart, lineEnd);
  const word = [...line.matchAll(WORD)]
    .map(({ index, 0: whole }) => ({ start: lineStart + index, end: lineStart + index + whole.length }))
    .find(({ start, end }) => start <= offset && offset <= end);
  if (word === undefined || (languageId === "git-commit" && line.startsWith("#"))) return undefined;
  if (isSymbol(text, word.start, word.end, languageId === "latex" ? /[\s{}]/ : /\s/)) return undefined;
  // Marks of code and links pair up within a paragraph.
  const [from, to] = paragraphAt(text, lineStart, lineEnd);
  const paragraph = text.slice(from, to);
  if (paragraph.split("\n").every((each) => /^(?: {4}|\t|\s*$)/.test(each))) return undefined;
  for (const { index, 0: whole } of paragraph.matchAll(MARKUP)) {
    if (from + index < word.end && word.start < from + index + whole.length) return undefined;
  }
  return insideBlock(text, lineStart, languageId) ? undefined : word;
}

/** A word of letters, with apostrophes and hyphens inside. */
const WORD = /(?<![\p{L}\p{M}\p{N}_])\p{L}[\p{L}\p{M}]*(?:['’-][\p{L}\p{M}]+)*(?![\p{L}\p{M}\p{N}_])/gu;

/**
 * Code, formulas, links and their addresses, tags, directives and roles, commands of LaTeX with arguments that are
 * names.
 */
const MARKUP = new RegExp(
  [
    String.raw`(\`+)(?!\`)[\s\S]*?[^\`]\1(?!\`)`,
    String.raw`\$\$[\s\S]*?\$\$`,
    String.raw`\$[^$\s](?:[^$\n]*[^$\s])?\$(?!\d)`,
    String.raw`!?\[[^\[\]\n]*\](?:\([^()\n]*(?:\([^()\n]*\))?[^()\n]*\)|\[[^\]\n]*\]|:.*)`,
    String.raw`<[^<>\s][^<>\n]*>`,
    String.raw`\{[#%.{][^}\n]*\}+`,
    String.raw`^[ \t]*\.\. .*`,
    String.raw`^[ \t]*:[\w-]+:.*`,
    String.raw`(?:link|image|xref|include|https?):[^\s\[]*\[[^\]\n]*\]`,
    String.raw`\\(?:begin|end|label|ref|eqref|cite\w*|url|href|input|include\w*|usepackage|documentclass)\b(?:\[[^\]\n]*\])?(?:\{[^}\n]*\})*`,
    String.raw`\\[A-Za-z]+`,
  ].join("|"),
  "gm",
);

const MOST_READ = 20_000;

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end;
}

/**
 * Whether what stands around a word makes it a part of an address, a path or a name.
 * @param border what ends such a thing
 */
function isSymbol(text: string, start: number, end: number, border: RegExp): boolean {
  let [from, to] = [start, end];
  while (from > 0 && start - from < MOST_AROUND && !border.test(text.charAt(from - 1))) from -= 1;
  while (to < text.length && to - end < MOST_AROUND && !border.test(text.charAt(to))) to += 1;
  const chunk = text.slice(from, to).replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
  const word = text.slice(start, end);
  return text[end] === "(" || /[/\\@=<>{}]|\w[.:]\w|\w_\w|::|\d/.test(chunk) || /\p{Ll}\p{Lu}/u.test(word);
}

const MOST_AROUND = 200;

/** The lines around that are not blank, as far as is read. */
function paragraphAt(text: string, lineStart: number, lineEnd: number): readonly [number, number] {
  const before = text.slice(Math.max(0, lineStart - MOST_READ), lineStart);
  const after = text.slice(lineEnd, lineEnd + MOST_READ);
  const blankBefore = [...before.matchAll(/\n[ \t\r]*\n/g)].at(-1);
  const from =
    blankBefore === undefined
      ? lineStart - before.length
      : lineStart - before.length + blankBefore.index + blankBefore[0].length;
  const blankAfter = /\n[ \t\r]*(?:\n|$)/.exec(after);
  return [from, lineEnd + (blankAfter?.index ?? after.length)];
}

/** How languages mark blocks that are no prose: lines that open one and those that close it. */
const BLOCKS: Readonly<Record<string, { readonly open: RegExp; readonly close: (opened: string) => string }>> = {
  markdown: { open: /^ {0,3}(`{3,}|~{3,})/gm, close: (mark) => `^ {0,3}${mark}${mark.charAt(0)}*[ \\t\\r]*$` },
  asciidoc: {
    open: /^(-{4,}|\.{4,}|\+{4,}|\/{4,})[ \t\r]*$/gm,
    close: (mark) => `^${mark.replace(/[.+/]/g, "\\$&")}[ \\t\\r]*$`,
  },
  latex: {
    open: /^[ \t]*\\begin\{(verbatim|lstlisting|minted|equation|align|tikzpicture|tabular)\*?\}/gm,
    close: (name) => `\\\\end\\{${name}\\*?\\}`,
  },
};

/** Whether a line is within a block of code, or the front matter. */
function insideBlock(text: string, lineStart: number, languageId: string): boolean {
  const [front = ""] = /^---[ \t]*\r?\n[\s\S]*?\n---[ \t]*(?:\r?\n|$)/.exec(text.slice(0, MOST_READ)) ?? [];
  if (lineStart < front.length) return true;
  const block = BLOCKS[languageId === "quarto" || languageId === "typst" ? "markdown" : languageId];
  if (block === undefined) return false;
  const open = new RegExp(block.open);
  open.lastIndex = front.length;
  for (let opened = open.exec(text); opened !== null && opened.index <= lineStart; opened = open.exec(text)) {
    const close = new RegExp(block.close(opened[1] ?? ""), "gm");
    close.lastIndex = opened.index + opened[0].length;
    const end = close.exec(text);
    if (end === null || end.index >= lineStart) return true;
    open.lastIndex = end.index + end[0].length;
  }
  return false;
}
