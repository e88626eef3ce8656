/**
 * Text about a document, written into it: as a comment in the language's own syntax, or as a quotation where readers
 * are to see it.
 */

import { table } from "../base/table.ts";
import { COMMENTED_LANGUAGES } from "./comments.ts";

/** The prefix of each line, and the lines around the block for languages that need them. */
interface Aside {
  readonly line: string;
  readonly around?: readonly [begin: string, end: string];
}

/** Languages of prose; COMMENTED_LANGUAGES has the programming languages. */
const PROSE: Readonly<Record<string, Aside>> = table({
  markdown: { line: "> " },
  plaintext: { line: "> " },
  restructuredtext: { line: "   ", around: ["..", ""] },
  asciidoc: { line: "// " },
  latex: { line: "% " },
  tex: { line: "% " },
  org: { line: "# " },
  typst: { line: "// " },
  "git-commit": { line: "# " },
});

/**
 * A text as lines of an aside, each ending with a newline; list items keep their lines.
 * @param width maximum number of columns, including the indentation
 * @param indentation prefix of every line
 */
export function asideOf(text: string, languageId: string, width: number, indentation = ""): string {
  const { line, around } = asideIn(languageId);
  const [begin, end] = around ?? [];
  // The text must not end the comment early.
  const safe = end ? text.replaceAll(end, [...end].join(" ")) : text;
  const room = Math.max(LEAST_WIDTH, width - indentation.length - line.length);
  const lines = safe
    .trim()
    .split(/\r?\n/)
    .flatMap((each) => wrapped(each, room))
    .map((each) => (line + each).trimEnd());
  const whole = [...(begin === undefined ? [] : [begin]), ...lines, ...(end ? [end] : [])];
  return whole.map((each) => `${(indentation + each).trimEnd()}\n`).join("");
}

const LEAST_WIDTH = 20;

function asideIn(languageId: string): Aside {
  const prose = PROSE[languageId];
  if (prose !== undefined) return prose;
  const { line: [mark] = [], block: [around] = [] } = COMMENTED_LANGUAGES[languageId] ?? {};
  if (mark !== undefined) return { line: `${mark} ` };
  return around === undefined ? { line: "> " } : { line: "  ", around };
}

/** Breaks a line into lines of at most `width` columns where words allow it; a list item's continuation is indented. */
function wrapped(line: string, width: number): string[] {
  const [mark = ""] = /^\s*(?:[-*+]|\d+[.)])\s+/.exec(line) ?? [];
  const lines: string[] = [];
  let open = mark;
  for (const word of line.slice(mark.length).split(/\s+/)) {
    const blank = open === "" || /\s$/.test(open) ? "" : " ";
    if (open.trim() !== mark.trim() && open.length + blank.length + word.length > width) {
      lines.push(open);
      open = " ".repeat(mark.length) + word;
    } else open += blank + word;
  }
  return [...lines, open];
}
