/**
 * Reads Typst line by line: headings, paragraphs and lists are prose; code, mathematics and functions are not. @see
 * typst.app/docs/reference/syntax
 */
import { type Block, type ProseBuilder, plainBlock, proseBlock, type RunKind } from "./block.ts";
import { type Line, linesOf } from "./source.ts";

/** The blocks of a normalized text. Never throws; linear in its length. */
export function typstBlocks(text: string): Block[] {
  const lines = linesOf(text);
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; ) i = Math.max(i + 1, readBlock(text, blocks, lines, i));
  return blocks;
}

const ITEM = /^\s*(?:[-+]|\d+\.|\/)\s+(?=\S)/;

function readBlock(text: string, blocks: Block[], lines: readonly Line[], i: number): number {
  const line = lines[i] as Line;
  const content = line.text.trimStart();
  if (content === "") return i + 1;
  const start = line.start + line.text.length - content.length;
  const heading = /^(=+)\s+(?=\S)/.exec(content);
  if (heading !== null) {
    blocks.push(
      proseBlock({ kind: "heading", level: heading[1]?.length ?? 1, start: line.start, end: line.end }, (builder) =>
        write(builder, text, start + heading[0].length, line.end),
      ),
    );
    return i + 1;
  }
  if (content.startsWith("//")) return push(blocks, "comment", line.start, line.end, i + 1);
  if (content.startsWith("/*")) return closed(text, blocks, lines, i, "comment", "*/", 2);
  if (content.startsWith("```")) return closed(text, blocks, lines, i, "code", "```", 3);
  if (/^\$\s/.test(content) || content === "$") return closed(text, blocks, lines, i, "math", "$", 1);
  if (
    /^#(set|show|let|import|include|pagebreak|figure|table|image|bibliography|outline|grid|v|h|align|place|metadata|counter|state|context|if|for|while|return|assert|panic)\b/.test(
      content,
    )
  ) {
    const end = balanced(text, start);
    return push(blocks, /^#table/.test(content) ? "table" : "directive", line.start, end, lineAfter(lines, i, end));
  }
  const mark = ITEM.exec(line.text)?.[0].length ?? 0;
  let at = i + 1;
  while (
    at < lines.length &&
    lines[at]?.text !== "" &&
    !ITEM.test(lines[at]?.text ?? "") &&
    !/^\s*(=+\s|\/\/|```|#(set|show|let|import|figure|table|if|for|while))/.test(lines[at]?.text ?? "")
  )
    at += 1;
  const [from, end] = [mark === 0 ? start : line.start + mark, (lines[at - 1] as Line).end];
  const paragraph = proseBlock({ kind: "paragraph", start: from, end }, (builder) => write(builder, text, from, end));
  blocks.push(mark === 0 ? paragraph : plainBlock("item", line.start, end, { children: [paragraph] }));
  return at;
}

function push(blocks: Block[], kind: Block["kind"], start: number, end: number, next: number): number {
  blocks.push(plainBlock(kind, start, end));
  return next;
}

function closed(
  text: string,
  blocks: Block[],
  lines: readonly Line[],
  i: number,
  kind: Block["kind"],
  mark: string,
  width: number,
): number {
  const line = lines[i] as Line;
  const at = text.indexOf(mark, line.start + line.text.indexOf(mark[0] ?? "") + width);
  const end = at < 0 ? text.length : at + mark.length;
  return push(blocks, kind, line.start, end, lineAfter(lines, i, end));
}

function lineAfter(lines: readonly Line[], i: number, end: number): number {
  let at = i + 1;
  while (at < lines.length && (lines[at] as Line).start < end) at += 1;
  return at;
}

/** Where a call or rule ends: at its line's end, when its brackets are closed. */
function balanced(text: string, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length && at - start < 20_000; at++) {
    const mark = text[at] ?? "";
    if (mark === "\\") at += 1;
    else if (mark === '"') quoted = !quoted;
    else if (!quoted && "([{".includes(mark)) depth += 1;
    else if (!quoted && ")]}".includes(mark)) depth -= 1;
    else if (mark === "\n" && depth <= 0) return at;
  }
  return Math.min(text.length, start + 20_000);
}

function write(builder: ProseBuilder, text: string, from: number, to: number): void {
  let at = from;
  for (const { 0: found, index } of text.slice(from, to).matchAll(INLINE)) {
    const start = from + index;
    if (start < at) continue;
    builder.add(text, at, start);
    at = start + found.length;
    const kind = kindOf(found);
    if (kind !== undefined) builder.run(kind, start, at);
    if (found.startsWith("*") || found.startsWith("_")) write(builder, text, start + 1, at - 1);
    else if (found.startsWith("`")) builder.add(text, start + 1, at - 1);
    else if (found === "\\" || STATEMENT.test(found)) builder.drop();
    else if (found.startsWith("\\")) builder.add(text, start + 1, at);
    // With blanks inside the dollars it stands on a separate line.
    else if (/^\$(?! )[\w .,%+=<>/()*-]{1,40}\$$/.test(found)) builder.add(text, start + 1, at - 1);
    else if (found === "~") builder.replace(" ", start, at);
    else if (found.startsWith("#footnote")) builder.drop();
    else if (/^#\w/.test(found) && found.endsWith("]")) write(builder, text, start + found.indexOf("[") + 1, at - 1);
    else if (/^@|^#(?:ref|cite)\b/.test(found)) builder.reference(start, at);
    else if (/^#(?!h\b|v\b|linebreak|label|parbreak|sym\.)\w/.test(found)) builder.value(start, at);
    else builder.drop();
  }
  builder.add(text, at, to);
}

function kindOf(found: string): RunKind | undefined {
  if (/^\/[/*]/.test(found)) return "comment";
  if (found.startsWith("`")) return "code";
  if (found.startsWith("$")) return "math";
  if (/^[*_]/.test(found)) return "emphasis";
  if (found.startsWith("#link")) return "link";
  return /^<|^#footnote/.test(found) ? "directive" : undefined;
}

const STATEMENT = /^#(?:let|set|show|import|include)\b/;
const INLINE =
  /\/\*[\s\S]{0,2000}?\*\/|(?<!:)\/\/[^\n]*|\\(?=\s)|\\[^\s\w]|#(?:let|set|show|import|include)\b[^\n;]{0,300};?|`[^`\n]{1,300}`|\$[^$]{1,400}\$|<[\w:.-]{1,60}>|@[\w:.-]{0,60}\w(?:\[[^\]\n]{0,100}\])?|#[\w.-]{1,40}(?:\([^()]{0,300}(?:\([^()]{0,200}\)[^()]{0,200}){0,4}\))?\[[^\][]{0,400}\]|#[\w.-]{1,40}(?:\([^()]{0,300}\))?|(?<![\w*])\*(?=\S)[^*\n]{1,300}\*(?!\w)|(?<![\w_])_(?=\S)[^_\n]{1,300}_(?!\w)|~/g;
