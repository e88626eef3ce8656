/** A document's title as its first heading, found by the document model, which also reads every edit again. */
import { ModelError } from "../../../../models/errors.ts";
import {
  type Format,
  type ProseBlock,
  proseBlocks,
  proseText,
  readDocument,
  type TextDocument,
} from "../../../text/document.ts";
import type { FieldEdit } from "./edit.ts";

/** The heading of the first level that a document's prose begins with; undefined where it begins otherwise. */
export function titleHeading(document: TextDocument): ProseBlock | undefined {
  const [first] = proseBlocks(document.blocks);
  return first?.block.kind === "heading" && first.block.level === 1 ? first : undefined;
}

/**
 * The edit that gives a document a title: instead of the heading that it begins with, else above its first block.
 * @throws ModelError "input" when the format has no headings that are known, or none of the edits would be read as that
 *   title with the rest as it was
 */
export async function headingEdit(
  document: TextDocument,
  language: string,
  title: string,
  newline: string,
): Promise<FieldEdit> {
  const heading = titleHeading(document);
  const spellings = spellingsOf(document.format, title);
  const edits =
    heading === undefined ? insertions(document, spellings, newline) : replacements(document, heading, spellings);
  const rest = proseAfter(document, heading);
  for (const edit of edits) {
    const edited = document.text.slice(0, edit.start) + edit.newText + document.text.slice(edit.end);
    const read = await readDocument(edited, language);
    const first = titleHeading(read);
    if (first?.prose.text === title && proseAfter(read, first) === rest) return edit;
  }
  const why =
    edits.length === 0
      ? "The title of a document in this format cannot be written"
      : "The title cannot be written there without changing something else";
  throw new ModelError("input", `${why}. Write it by hand.`);
}

/** The prose of a document but for its title, which an edit must not change. */
function proseAfter(document: TextDocument, title: ProseBlock | undefined): string {
  const text = proseText(document);
  return title === undefined ? text : text.slice(title.prose.text.length).trimStart();
}

function replacements(document: TextDocument, { block, prose }: ProseBlock, spellings: readonly string[]): FieldEdit[] {
  const shown = { start: prose.starts[0] ?? block.start, end: prose.ends.at(-1) ?? block.end };
  const ranges = block.content === undefined ? [shown] : [block.content, shown];
  return ranges.flatMap(({ start, end }) =>
    spellings.map((newText) => withAdornments(document, block, { start, end, newText })),
  );
}

/** reStructuredText's lines above and below a title are at least as long as the title. */
function withAdornments(
  { text, format }: TextDocument,
  { start, end }: ProseBlock["block"],
  edit: FieldEdit,
): FieldEdit {
  if (format !== "restructuredtext") return edit;
  const longer = (lines: string) =>
    lines.replace(/^([!-/:-@[-`{-~])\1+[ \t]*$/gm, (line, mark: string) =>
      line.length < edit.newText.length ? mark.repeat(edit.newText.length) : line,
    );
  const newText = longer(text.slice(start, edit.start)) + edit.newText + longer(text.slice(edit.end, end));
  return { start, end, newText };
}

/** Above the first block that is not front matter, a comment or a directive such as MDX's imports. */
function insertions(
  { text, format, blocks }: TextDocument,
  spellings: readonly string[],
  newline: string,
): FieldEdit[] {
  const write = HEADINGS[format];
  if (write === undefined) return [];
  const leading = new Set(["frontMatter", "comment", "directive"]);
  const first = blocks.find(({ kind }) => !leading.has(kind));
  const top = text.startsWith("\uFEFF") ? 1 : 0;
  const above = first === undefined ? text.length : text.lastIndexOf("\n", first.start - 1) + 1;
  const lead = above > 0 && !/(^|\n)[^\S\n]*\n$/.test(text.slice(0, above)) ? newline : "";
  const places = [
    { at: Math.max(top, above), lead: above <= top ? "" : lead },
    { at: top, lead: "" },
  ];
  return places.flatMap(({ at, lead }) =>
    spellings.map((spelling) => ({ start: at, end: at, newText: lead + write(spelling).join(newline) + newline })),
  );
}

/** A heading of the first level, with a blank line after it, as lines; formats without an entry have none. */
const HEADINGS: { readonly [F in Format]?: (title: string) => string[] } = {
  markdown: (title) => [`# ${title}`, ""],
  mdx: (title) => [`# ${title}`, ""],
  asciidoc: (title) => [`= ${title}`, ""],
  restructuredtext: (title) => [title, "=".repeat(Math.max(4, title.length)), ""],
  org: (title) => [`* ${title}`, ""],
  typst: (title) => [`= ${title}`, ""],
};

/** Ways to write a text in a format, the plainest first. */
function spellingsOf(format: Format, text: string): string[] {
  const entities = text.replace(/[&<>]/g, (mark) => ({ "&": "&amp;", "<": "&lt;" })[mark] ?? "&gt;");
  const backslashes = text.replace(/[\\`*_{}[\]<>#~|$&+=]/g, "\\$&");
  switch (format) {
    case "html":
      return [entities];
    case "latex":
      return [text.replace(/[\\{}]/g, "").replace(/[&%$#_]/g, "\\$&")];
    case "org":
    case "asciidoc":
      return [text];
    case "notebook":
    case "plaintext":
    case "commit":
    case "gitLog":
      return [];
    default:
      return [text, entities, backslashes];
  }
}
