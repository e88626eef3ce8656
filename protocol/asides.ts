/** Words about a text, in the text: as a comment in the language's own syntax, or as a quotation where readers are to see them. */
import { COMMENTED_LANGUAGES } from "./comments.ts";

/** What stands before each line, and for languages without such marks around all of them. */
interface Aside {
  readonly line: string;
  readonly around?: readonly [begin: string, end: string];
}

/** Languages of prose; programs are in COMMENTED_LANGUAGES. */
const PROSE: Readonly<Record<string, Aside>> = {
  markdown: { line: "> " },
  quarto: { line: "> " },
  plaintext: { line: "> " },
  restructuredtext: { line: "   ", around: ["..", ""] },
  asciidoc: { line: "// " },
  latex: { line: "% " },
  typst: { line: "// " },
  "git-commit": { line: "# " },
};

/**
 * Lines that hold a text as an aside, each ending with a newline; lists keep their lines.
 * @param width columns that a line should not go beyond, indentation included
 * @param indentation of every line
 */
export function asideOf(text: string, languageId: string, width: number, indentation = ""): string {
  const { line, around } = asideIn(languageId);
  const [begin, end] = around ?? [];
  // What would end the comment early must not.
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
  const own = PROSE[languageId];
  if (own !== undefined) return own;
  const { line: [mark] = [], block: [around] = [] } = COMMENTED_LANGUAGES[languageId] ?? {};
  if (mark !== undefined) return { line: `${mark} ` };
  return around === undefined ? { line: "> " } : { line: "  ", around };
}

/** A line in lines of at most so many columns where words allow it; a list's item hangs below its mark. */
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
