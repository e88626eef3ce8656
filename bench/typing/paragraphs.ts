/**
 * Paragraphs to type, from documents that no training saw. They are found by plain rules for each format, not by the
 * product's own readers: a change of those leaves what is measured as it is.
 */
import { seededRandom, seededSample } from "../../models/random.ts";
import { readDocuments } from "../support/kept-out.ts";
import { readSecondSet } from "../support/second-set.ts";

/** Kinds of text, in the order of the tables. */
export const textKinds = [
  "markdown",
  "cleaned",
  "list",
  "commit",
  "comment",
  "plaintext",
  "rst",
  "latex",
  "asciidoc",
  "mdx",
] as const;

/** A kind of text; `cleaned` is Markdown prose whose markup was removed (the first unseen set). */
export type TextKind = (typeof textKinds)[number];

/** A paragraph of a document. */
export interface Paragraph {
  readonly kind: TextKind;
  readonly source: string;
  /** The file's name, and VS Code's language id. */
  readonly name: string;
  readonly languageId: string;
  readonly before: string;
  readonly text: string;
  readonly after: string;
}

/**
 * Draws paragraphs of a kind, each from a separate document as far as there are enough.
 * @param limit the most that are drawn
 */
export function drawParagraphs(kind: TextKind, limit: number, seed: number): Paragraph[] {
  const random = seededRandom(seed);
  const byDocument = documentsOf(kind).map((document) => ({ document, spans: spansOf(document, kind) }));
  const some = byDocument.filter(({ spans }) => spans.length > 0);
  const shuffled = seededSample(some, some.length, random).map(({ document, spans }) => ({
    document,
    spans: seededSample(spans, spans.length, random),
  }));
  const drawn: Paragraph[] = [];
  for (let round = 0; drawn.length < limit && shuffled.some(({ spans }) => round < spans.length); round++) {
    for (const { document, spans } of shuffled) {
      const span = spans[round];
      if (span === undefined || drawn.length >= limit) continue;
      const { text, source, name, languageId } = document;
      drawn.push({
        ...{ kind, source, name, languageId },
        before: text.slice(0, span.start),
        text: text.slice(span.start, span.end),
        after: text.slice(span.end),
      });
    }
  }
  return drawn;
}

interface Source {
  readonly source: string;
  readonly name: string;
  readonly languageId: string;
  readonly text: string;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

const LANGUAGES: Readonly<Record<string, string>> = {
  md: "markdown",
  mdx: "mdx",
  rst: "restructuredtext",
  adoc: "asciidoc",
  tex: "latex",
  ts: "typescript",
  js: "javascript",
  py: "python",
};

/** The formats of the second set in which a kind of text stands. */
const FORMATS: Readonly<Record<Exclude<TextKind, "cleaned" | "plaintext">, readonly string[]>> = {
  markdown: ["md"],
  list: ["md", "mdx"],
  commit: ["commit"],
  comment: ["ts", "js", "py"],
  rst: ["rst"],
  latex: ["tex"],
  asciidoc: ["adoc"],
  mdx: ["mdx"],
};

function documentsOf(kind: TextKind): Source[] {
  if (kind === "cleaned" || kind === "plaintext") {
    const [ending, languageId] = kind === "cleaned" ? ["md", "markdown"] : ["txt", "plaintext"];
    // Each document is one or the other.
    const own = readDocuments().filter((_, i) => (i % 2 === 0) === (kind === "cleaned"));
    return own.map(({ source, text }) => ({ source, text, name: `document.${ending}`, languageId }));
  }
  const documents = readSecondSet().filter(({ raw, format }) => raw && FORMATS[kind].includes(format));
  return documents.map(({ source, format, text }) =>
    format === "commit"
      ? { source, text, name: "COMMIT_EDITMSG", languageId: "git-commit" }
      : { source, text, name: `document.${format}`, languageId: LANGUAGES[format] ?? "plaintext" },
  );
}

function spansOf({ text }: Source, kind: TextKind): Span[] {
  if (kind === "comment") return commentSpans(text);
  if (kind === "list") return listSpans(text);
  const least = kind === "commit" ? SHORT : LONG;
  return chunks(text).filter(({ start, end }) => {
    // There is text before the paragraph; in a commit message, its subject.
    if (start < (kind === "commit" ? 1 : 80)) return false;
    return isProse(text.slice(start, end), least);
  });
}

const [SHORT, LONG, MOST] = [80, 120, 500];

/** Whether a chunk reads as whole sentences without much markup. */
function isProse(chunk: string, least: number): boolean {
  if (chunk.length < least || chunk.length > MOST) return false;
  if (!/^["“]?\p{Lu}/u.test(chunk) || !/[.!?]["”)]?$/.test(chunk)) return false;
  // Set-off titles, tables, directives, entries of lists and commands.
  if (/^(?:[-*+=~^.|:#>&]|\d+[.)] |[ \t]|\\(?:begin|end|item|section|subsection|chapter))/m.test(chunk)) return false;
  const plain = chunk.match(/[\p{L}\s,.'’]/gu)?.length ?? 0;
  return plain / chunk.length >= 0.88 && (chunk.match(/\p{Ll}{2,}/gu)?.length ?? 0) >= 10;
}

/** A line of LaTeX that holds no prose; it ends a paragraph as an empty one does. */
const LATEX_LINE =
  /^[ \t]*(?:\\(?:[a-z]*section|noindent|begin|end|index|label|item|chapter|eoce|D|newpage|vspace)\b|[%}])/;

/** The stretches between empty lines, outside of code. */
function chunks(text: string): Span[] {
  const spans: Span[] = [];
  let [start, fence] = [0, ""];
  for (const line of lines(text)) {
    const content = text.slice(line.start, line.end);
    const [mark] = /^(?:```|~~~|-{4,}$|\.{4,}$|\|={3,}$)/.exec(content) ?? [];
    const inCode = fence !== "";
    if (mark !== undefined && (!inCode || mark === fence)) fence = inCode ? "" : mark;
    if (content.trim() !== "" && mark === undefined && !inCode && !LATEX_LINE.test(content)) continue;
    if (line.start - 1 > start) spans.push({ start, end: line.start - 1 });
    start = line.end + 1;
  }
  if (fence === "" && start < text.length) spans.push({ start, end: text.trimEnd().length });
  return spans;
}

function lines(text: string): Span[] {
  return Array.from(text.matchAll(/^.*$/gm), ({ 0: line, index }) => ({ start: index, end: index + line.length }));
}

function listSpans(text: string): Span[] {
  return chunks(text).flatMap((chunk) => {
    const items = text.slice(chunk.start, chunk.end).matchAll(/^[ \t]*(?:[-*+]|\d+[.)]) +(?=\S)(.+)$/gm);
    return Array.from(items).flatMap(({ 0: line, 1: item = "", index }) => {
      const end = chunk.start + index + line.length;
      return isProse(item, 60) && text.slice(end, end + 1) !== "" ? [{ start: end - item.length, end }] : [];
    });
  });
}

const COMMENT_LINE = /^([ \t]*(?:\*|\/\/|#) )(\S.*)$/;

/** Paragraphs of comments: lines in a row with the same mark before prose. */
function commentSpans(text: string): Span[] {
  const spans: Span[] = [];
  let open: (Span & { readonly mark: string; readonly prose: string }) | undefined;
  const close = () => {
    if (open !== undefined && isProse(open.prose, SHORT)) spans.push({ start: open.start, end: open.end });
    open = undefined;
  };
  for (const line of lines(text)) {
    const [, mark = "", prose = ""] = COMMENT_LINE.exec(text.slice(line.start, line.end)) ?? [];
    if (prose === "" || open?.mark !== mark) close();
    if (prose === "") continue;
    open =
      open === undefined
        ? { start: line.start + mark.length, end: line.end, mark, prose }
        : { ...open, end: line.end, prose: `${open.prose}\n${prose}` };
  }
  close();
  return spans;
}
