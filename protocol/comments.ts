/** Finds the comment or docstring at an offset of a program, as prose without the comment marks. */

/** The prose of a comment, and the offset within it; in UTF-16 units. */
export interface CommentProse {
  readonly text: string;
  readonly offset: number;
}

/** A language's comment syntax. */
interface Syntax {
  /** Marks of comments that end with the line. */
  readonly line: readonly string[];
  readonly block: readonly (readonly [begin: string, end: string])[];
  /** String quotes; a string with triple quotes is a docstring if it begins a line. */
  readonly quotes: readonly string[];
}

const C: Syntax = { line: ["//"], block: [["/*", "*/"]], quotes: ['"', "'", "`"] };
const HASH: Syntax = { line: ["#"], block: [], quotes: ['"', "'"] };
const PYTHON: Syntax = { line: ["#"], block: [], quotes: ['"""', "'''", '"', "'"] };
const DASHES: Syntax = { line: ["--"], block: [["/*", "*/"]], quotes: ['"', "'"] };
const STYLE: Syntax = { line: [], block: [["/*", "*/"]], quotes: ['"', "'"] };
const MARKUP: Syntax = { line: [], block: [["<!--", "-->"]], quotes: [] };

/** Comment syntax by VS Code's language ids. */
export const COMMENTED_LANGUAGES: Readonly<Record<string, Syntax>> = {
  javascript: C,
  javascriptreact: C,
  typescript: C,
  typescriptreact: C,
  java: C,
  c: C,
  cpp: C,
  csharp: C,
  go: C,
  rust: C,
  swift: C,
  kotlin: C,
  scala: C,
  dart: C,
  php: { ...C, line: ["//", "#"] },
  python: PYTHON,
  ruby: HASH,
  shellscript: HASH,
  perl: HASH,
  r: HASH,
  julia: HASH,
  elixir: HASH,
  powershell: { ...HASH, block: [["<#", "#>"]] },
  dockerfile: HASH,
  makefile: HASH,
  yaml: HASH,
  toml: HASH,
  sql: DASHES,
  lua: { ...DASHES, block: [["--[[", "]]"]] },
  haskell: { ...DASHES, block: [["{-", "-}"]], quotes: ['"'] },
  css: STYLE,
  scss: { ...STYLE, line: ["//"] },
  less: { ...STYLE, line: ["//"] },
  html: MARKUP,
  xml: MARKUP,
};

/**
 * The comment or docstring at an offset; adjacent line comments count as one.
 * @returns undefined in code, in a string, and in an unknown language
 */
export function commentAt(text: string, offset: number, languageId: string): CommentProse | undefined {
  const syntax = COMMENTED_LANGUAGES[languageId];
  if (syntax === undefined) return undefined;
  // Begins at the start of a line far enough back; longer comments are not supported.
  const from = offset <= MOST_SCANNED ? 0 : text.indexOf("\n", offset - MOST_SCANNED) + 1;
  const enclosing = scan(text, from, offset, syntax);
  if (enclosing === undefined) return undefined;
  const lines = enclosing.kind === "line" ? lineComment(text, offset, syntax) : blockComment(text, enclosing);
  return joined(lines, offset);
}

const MOST_SCANNED = 200_000;

type Enclosing = { readonly kind: "line" } | { readonly kind: "block"; readonly begin: number; readonly end: string };

/** The comment that encloses an offset. */
function scan(text: string, from: number, offset: number, { line, block, quotes }: Syntax): Enclosing | undefined {
  for (let at = from; at < offset; ) {
    const [begin, end] = block.find(([mark]) => text.startsWith(mark, at)) ?? [];
    const quote = begin === undefined ? quotes.find((mark) => text.startsWith(mark, at)) : undefined;
    if (begin !== undefined && end !== undefined) {
      const close = text.indexOf(end, at + begin.length);
      if (close < 0 || close >= offset)
        return at + begin.length <= offset ? { kind: "block", begin: at + begin.length, end } : undefined;
      at = close + end.length;
    } else if (line.some((mark) => text.startsWith(mark, at) && isMark(text, at, mark))) {
      const close = text.indexOf("\n", at);
      if (close < 0 || close >= offset) return { kind: "line" };
      at = close + 1;
    } else if (quote !== undefined) {
      const close = endOfString(text, at, quote);
      if (close >= offset) {
        const opens = /^[ \t]*[rRuUbB]{0,2}$/.test(text.slice(text.lastIndexOf("\n", at - 1) + 1, at));
        const inside =
          at + quote.length <= offset && close - quote.length >= offset - (close > text.length ? quote.length : 0);
        return quote.length === 3 && opens && inside ? { kind: "block", begin: at + 3, end: quote } : undefined;
      }
      at = close;
    } else at += 1;
  }
  return undefined;
}

/** Whether "#" is a comment mark here: not in `$#` or `a#b` of a shell. */
function isMark(text: string, at: number, mark: string): boolean {
  return mark !== "#" || at === 0 || /\s/.test(text.charAt(at - 1));
}

/**
 * The offset after a string's closing quote. An unclosed string ends with its line, or beyond the text if it has
 * triple quotes.
 */
function endOfString(text: string, at: number, quote: string): number {
  for (let i = at + quote.length; i < text.length; i++) {
    if (text[i] === "\\") i += 1;
    else if (text.startsWith(quote, i)) return i + quote.length;
    else if (text[i] === "\n" && quote.length === 1 && quote !== "`") return i;
  }
  return text.length + 1;
}

/** A line of a comment: the offset and text of its prose. */
interface Line {
  readonly start: number;
  readonly text: string;
}

/** The comment-only lines around an offset; the line at the offset may have code before the comment. */
function lineComment(text: string, offset: number, { line }: Syntax): Line[] {
  const marks = line.map((mark) => mark.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|");
  const only = new RegExp(`^[ \\t]*(?:${marks})[/!#-]*[ \\t]?`);
  const lineAt = (start: number, pattern: RegExp): Line | undefined => {
    const end = text.indexOf("\n", start);
    const whole = text.slice(start, end < 0 ? text.length : end).replace(/\r$/, "");
    const [mark] = pattern.exec(whole) ?? [];
    return mark === undefined ? undefined : { start: start + mark.length, text: whole.slice(mark.length) };
  };
  const startOfLine = text.lastIndexOf("\n", offset - 1) + 1;
  const commentOnly = lineAt(startOfLine, only);
  const current = commentOnly ?? lineAt(startOfLine, new RegExp(`^.*?(?:^|[ \\t;{}(),])(?:${marks})[/!#-]*[ \\t]?`));
  if (current === undefined || current.start > offset) return [];
  const lines = [current];
  if (commentOnly === undefined) return lines;
  for (let start = startOfLine; start > 0 && lines.length < MOST_LINES; ) {
    start = text.lastIndexOf("\n", start - 2) + 1;
    const before = lineAt(start, only);
    if (before === undefined) break;
    lines.unshift(before);
  }
  for (
    let end = text.indexOf("\n", offset);
    end >= 0 && lines.length < 2 * MOST_LINES;
    end = text.indexOf("\n", end + 1)
  ) {
    const after = lineAt(end + 1, only);
    if (after === undefined) break;
    lines.push(after);
  }
  return lines;
}

const MOST_LINES = 200;

/** A block's lines without their leading stars and white space. */
function blockComment(text: string, { begin, end }: Extract<Enclosing, { kind: "block" }>): Line[] {
  const close = text.indexOf(end, begin);
  const body = text.slice(begin, close < 0 ? text.length : close);
  let start = begin;
  return body.split("\n").map((whole, i) => {
    const [mark = ""] = (i === 0 ? /^[*!]*[ \t]?/ : /^[ \t]*(?:\*(?!\*)[ \t]?)?/).exec(whole) ?? [];
    const line = { start: start + mark.length, text: whole.slice(mark.length).replace(/\r$/, "") };
    start += whole.length + 1;
    return line;
  });
}

/** The lines as one text; undefined if the offset is in a removed mark. */
function joined(lines: readonly Line[], offset: number): CommentProse | undefined {
  const current = lines.findLastIndex(({ start, text }) => offset >= start && offset <= start + text.length);
  const line = lines[current];
  if (line === undefined) return undefined;
  const before = lines.slice(0, current).reduce((length, { text }) => length + text.length + 1, 0);
  return { text: lines.map(({ text }) => text).join("\n"), offset: before + offset - line.start };
}
