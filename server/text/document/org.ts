/**
 * Reads Org line by line. A reader of our own: uniorg does not come to an end on a line of some thousand asterisks.
 * @see orgmode.org/worg/org-syntax
 */

import { table } from "../../../base/table.ts";
import { type Block, type ProseBuilder, plainBlock, proseBlock, type RunKind } from "./block.ts";
import { type Line, linesOf } from "./source.ts";

const KINDS: Readonly<Record<string, "code" | "comment" | "data" | "quotation" | "open">> = table({
  src: "code",
  example: "code",
  export: "data",
  comment: "comment",
  quote: "quotation",
  verse: "quotation",
  center: "open",
});

/** The blocks of a normalized text. Never throws; linear in its length. */
export function orgBlocks(text: string): Block[] {
  return read(text, linesOf(text), 0);
}

const MOST_DEPTH = 20;

function read(text: string, lines: readonly Line[], depth: number): Block[] {
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; ) {
    const hidden = hiddenEnd(lines, i);
    if (hidden > i) blocks.push(plainBlock("comment", (lines[i] as Line).start, (lines[hidden - 1] as Line).end));
    i = Math.max(i + 1, hidden > i ? hidden : readBlock(text, blocks, lines, i, depth));
  }
  return blocks;
}

/** Where a heading's part of the document ends that is not exported; `i` where the line begins none. */
function hiddenEnd(lines: readonly Line[], i: number): number {
  const line = lines[i]?.text ?? "";
  const heading = /^(\*+)\s+(?:(?!COMMENT\b)[A-Z]{2,}\s+)?(COMMENT\b)?/.exec(line);
  const level = heading?.[1]?.length ?? 0;
  const tags = /\s(:[\w@#%:]+:)$/.exec(line)?.[1] ?? "";
  if (level === 0 || (heading?.[2] === undefined && !tags.includes(":noexport:"))) return i;
  let at = i + 1;
  while (at < lines.length && !isHeadingWithin(lines[at]?.text ?? "", level)) at += 1;
  return at;
}

function isHeadingWithin(line: string, level: number): boolean {
  const stars = /^\*+(?=\s)/.exec(line)?.[0].length ?? 0;
  return stars > 0 && stars <= level;
}

function readBlock(text: string, blocks: Block[], lines: readonly Line[], i: number, depth: number): number {
  const line = lines[i] as Line;
  const content = line.text.trimStart();
  if (content === "") return i + 1;
  const quiet = (kind: "comment" | "directive" | "math", end = line.end) =>
    blocks.push(plainBlock(kind, line.start, end));
  const heading =
    /^(\*+)\s+(?:(?:TODO|DONE|NEXT|WAITING|HOLD|CANCELED|CANCELLED|PROJ|STARTED|SOMEDAY)\s+)?(?:\[#\w\]\s*)?/.exec(
      line.text,
    );
  if (heading !== null) {
    const words = line.text
      .replace(/(?<!\s)\s+:[\w@#%:]+:$/, "")
      .replace(/(?<!\s)\s*\[\d*(%|\/\d*)\]/, (found) => " ".repeat(found.length))
      .trimEnd();
    const range = { start: line.start, end: line.end };
    blocks.push(
      proseBlock({ kind: "heading", level: heading[1]?.length ?? 1, ...range }, (builder) =>
        write(builder, text, line.start + heading[0].length, line.start + words.length),
      ),
    );
    return i + 1;
  }
  const title = /^#\+title:\s*(?=\S)/i.exec(content);
  if (title !== null) {
    const start = line.end - content.length + title[0].length;
    blocks.push(
      proseBlock({ kind: "heading", level: 1, start: line.start, end: line.end }, (builder) =>
        write(builder, text, start, line.end),
      ),
    );
    return i + 1;
  }
  const begin = /^#\+begin_(\w+)/i.exec(content);
  if (begin !== null) return readDelimited(text, blocks, lines, i, begin[1]?.toLowerCase() ?? "", depth);
  if (/^#\+\w.*:/.test(content) || /^(SCHEDULED|DEADLINE|CLOSED|CLOCK):/.test(content) || /^-{5,}$/.test(content))
    return quiet("directive") && i + 1;
  if (/^#( |$)/.test(content)) return quiet("comment") && i + 1;
  if (/^:[\w@-]+:\s*$/.test(content)) {
    let at = i + 1;
    while (at < lines.length && at - i < 500 && !/^\s*:end:/i.test(lines[at]?.text ?? "")) at += 1;
    if (/^\s*:end:/i.test(lines[at]?.text ?? "")) return quiet("directive", (lines[at] as Line).end) && at + 1;
  }
  if (content.startsWith("|")) return until(blocks, "table", lines, i, (each) => !/^\s*[|#]/.test(each.text));
  if (/^: |^:$/.test(content)) return until(blocks, "code", lines, i, (each) => !/^\s*:( |$)/.test(each.text));
  if (/^\[fn:[^\]]+\]/.test(line.text)) return until(blocks, "note", lines, i, (each) => each.text === "");
  if (/^(\\\[|\\begin\{|\$\$)/.test(content)) return readMath(blocks, lines, i, content);
  return readText(text, blocks, lines, i, content);
}

function readDelimited(
  text: string,
  blocks: Block[],
  lines: readonly Line[],
  i: number,
  name: string,
  depth: number,
): number {
  const line = lines[i] as Line;
  const closing = `#+end_${name}`;
  let at = i + 1;
  while (at < lines.length && lines[at]?.text.trim().toLowerCase() !== closing) at += 1;
  if (at >= lines.length) {
    blocks.push(plainBlock("directive", line.start, line.end)); // not closed: a block of one line
    return i + 1;
  }
  const end = (lines[at] as Line).end;
  const kind = KINDS[name] ?? "open";
  const inner = lines.slice(i + 1, at);
  if (kind === "open" && depth < MOST_DEPTH)
    blocks.push(plainBlock("directive", line.start, line.end), ...read(text, inner, depth + 1));
  else if (kind === "quotation" && depth < MOST_DEPTH)
    blocks.push(plainBlock("quotation", line.start, end, { children: read(text, inner, depth + 1) }));
  else {
    const language = /^#\+begin_src\s+(\S+)/i.exec(line.text.trim())?.[1];
    const content = { start: inner[0]?.start ?? end, end: inner.at(-1)?.end ?? end };
    blocks.push(
      plainBlock(kind === "open" || kind === "quotation" ? "directive" : kind, line.start, end, {
        content,
        ...(language !== undefined && { name: language }),
      }),
    );
  }
  return at + 1;
}

function readMath(blocks: Block[], lines: readonly Line[], i: number, content: string): number {
  const environment = /^\\begin\{([^}]*)\}/.exec(content)?.[1];
  const closing = environment !== undefined ? `\\end{${environment}}` : content.startsWith("$$") ? "$$" : "\\]";
  let at = i;
  while (at < lines.length && !(lines[at]?.text ?? "").slice(at === i ? content.indexOf("{") + 2 : 0).includes(closing))
    at += 1;
  const end = Math.min(at, lines.length - 1);
  blocks.push(plainBlock("math", (lines[i] as Line).start, (lines[end] as Line).end));
  return end + 1;
}

function until(
  blocks: Block[],
  kind: "table" | "code" | "note",
  lines: readonly Line[],
  i: number,
  isEnd: (line: Line) => boolean,
): number {
  let at = i;
  while (at < lines.length && !isEnd(lines[at] as Line)) at += 1;
  blocks.push(plainBlock(kind, (lines[i] as Line).start, (lines[at - 1] as Line).end));
  return at;
}

const ITEM = /^\s*(?:[-+]|\s\*|\d+[.)]|[a-zA-Z][.)])\s+(?:\[@\d+\]\s*)?(?:\[[ X-]\]\s+)?/;
const SPECIAL = /^(\*+ |\s*#\+|\s*\||\s*:[\w@-]+:\s*$|\s*: )/;

function readText(text: string, blocks: Block[], lines: readonly Line[], i: number, content: string): number {
  const line = lines[i] as Line;
  const mark = ITEM.exec(line.text)?.[0].length ?? 0;
  let at = i + 1;
  while (
    at < lines.length &&
    lines[at]?.text !== "" &&
    !ITEM.test(lines[at]?.text ?? "") &&
    !SPECIAL.test(lines[at]?.text ?? "")
  )
    at += 1;
  const [start, end] = [
    line.start + (mark === 0 ? line.text.length - content.length : mark),
    (lines[at - 1] as Line).end,
  ];
  // "term :: description"
  const paragraph = proseBlock({ kind: "paragraph", start, end }, (builder) => write(builder, text, start, end));
  if (mark === 0) blocks.push(paragraph);
  else blocks.push(plainBlock("item", line.start, end, { children: [paragraph] }));
  return at;
}

function write(builder: ProseBuilder, text: string, from: number, to: number): void {
  let at = from;
  for (const { 0: found, index } of text.slice(from, to).matchAll(INLINE)) {
    const start = from + index;
    builder.add(text, at, start);
    at = start + found.length;
    writeInline(builder, text, found, start, at);
  }
  builder.add(text, at, to);
}

function writeInline(builder: ProseBuilder, text: string, found: string, start: number, end: number): void {
  const kind = kindOf(found);
  if (kind !== undefined) builder.run(kind, start, end);
  if (found.startsWith("[[")) {
    const words = found.indexOf("][");
    if (words >= 0) write(builder, text, start + words + 2, end - 2);
    else if (/^\[\[(file:|\.|\/|https?:.*\.(png|jpe?g|svg|gif))/.test(found)) builder.drop();
    else builder.add(text, start + 2 + (/^(\*|#)/.test(found.slice(2)) ? 1 : 0), end - 2);
  } else if (/^\[(fn|cite)/.test(found)) builder.reference(start, end);
  else if (/^(\{\{\{|src_|call_|<\d{4}-|\[\d{4}-)/.test(found)) builder.value(start, end);
  else if (/^(@@|<<|#\+)/.test(found)) builder.drop();
  else if (found.startsWith(" ::")) builder.replace(": ", start, end);
  else if (found.startsWith("\\\\")) builder.replace(" ", start, end);
  else if (found.startsWith("\\") || found.startsWith("$")) builder.drop();
  else write(builder, text, start + 1, end - 1);
}

function kindOf(found: string): RunKind | undefined {
  if (found.startsWith("[[")) return "link";
  if (/^[=~]/.test(found) || /^(src|call)_/.test(found)) return "code";
  if (/^(\$|\\\()/.test(found)) return "math";
  if (/^[*/_]/.test(found)) return "emphasis";
  return /^(<<|@@)/.test(found) ? "directive" : undefined;
}

const INLINE =
  /\[\[[^\]]{1,500}\](?:\[[^\]]{1,500}\])?\]|\[(?:fn|cite)[:/][^\]]{1,500}\]|[<[]\d{4}-\d\d-\d\d[^>\]\n]{0,60}[>\]]|@@[a-zA-Z][\w-]{0,30}:[^\n]{0,200}?@@|\{\{\{[^}]{1,200}\}\}\}|<<[^<>\n]{1,100}>>|(?:src|call)_\w+(?:\[[^\]]{0,100}\])?[{(][^)}]{0,200}[)}]| ::(?=[ \t]|\n|$)[ \t]?|\\\\(?=\s*\n)|\\\([^)]{1,200}\\\)|(?<![\w$\\])\$[^\s$][^$\n]{0,200}\$(?!\w)|(?<![\w*])\*(?=\S)[^*]{1,400}?(?<=\S)\*(?![\w*])|(?<![\w/:])\/(?=\S)[^/\n]{1,200}?(?<=\S)\/(?![\w/])|(?<![\w_])_(?=\S)[^_\n]{1,300}?(?<=\S)_(?![\w_])|(?<![\w+])\+(?=\S)[^+\n]{1,300}?(?<=\S)\+(?![\w+])|(?<![\w=])=(?=\S)[^=\n]{1,300}?(?<=\S)=(?![\w=])|(?<![\w~])~(?=\S)[^~\n]{1,300}?(?<=\S)~(?![\w~])/g;
