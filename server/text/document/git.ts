/** Reads what Git writes: commit messages while they are edited, and what `git log` and `git show` print. */
import { type Block, plainBlock, proseBlock } from "./block.ts";
import { COMMIT, ONE_LINE } from "./content.ts";
import { linesBlocks, paragraphs } from "./plain/plain.ts";
import { type Line, linesOf } from "./source.ts";

/**
 * Git's commit message: a subject, paragraphs, trailers; comment lines and the diff below the scissors are not part of
 * it.
 */
export function commitBlocks(text: string): Block[] {
  const mark = commentMark(text);
  const scissors = text.search(/^\S{1,3} -+ >8 -+/m);
  const end = scissors < 0 ? text.length : scissors;
  const blocks: Block[] = [];
  let group: Line[] = [];
  let hasSubject = false;
  const flush = () => {
    blocks.push(...messageBlocks(text, group, hasSubject));
    if (group.length > 0) hasSubject = true;
    group = [];
  };
  for (const line of linesOf(text, 0, end)) {
    if (line.text.startsWith(mark)) {
      flush();
      blocks.push(plainBlock("comment", line.start, line.end));
    } else if (line.text === "") flush();
    else {
      group.push(line);
      if (!hasSubject && text[line.next] === "\n") flush();
    }
  }
  flush();
  if (end < text.length) blocks.push(plainBlock("data", end, text.length, { name: "diff" }));
  return blocks.sort((a, b) => a.start - b.start);
}

/** The character that begins a commit message's comments: "#" unless `core.commentChar` says otherwise. */
function commentMark(text: string): string {
  return /^(\S{1,3}) Please enter (?:the|a) (?:commit )?message\b/m.exec(text)?.[1] ?? "#";
}

const TRAILER = /^\s*(?:[A-Z][\w-]*-by|[A-Z]\w*(?:-\w+)+|Closes|Fixes|Refs|Bug|Cc|Link|Resolves|See)(?:: \S| #\d)/i;

/** A paragraph of a commit's message. */
function messageBlocks(text: string, group: readonly Line[], hasSubject: boolean): Block[] {
  const [first, last] = [group[0], group.at(-1)];
  if (first === undefined || last === undefined) return [];
  const isTrailers =
    hasSubject &&
    TRAILER.test(first.text) &&
    group.every(
      ({ text: line }) => TRAILER.test(line) || /^\s*\(cherry picked from|^\s+\S|^\s*[A-Z][\w-]*: \S/.test(line),
    );
  if (isTrailers) return [plainBlock("directive", first.start, last.end, { name: "trailers" })];
  if (hasSubject || group.length > 1) return linesBlocks(text, group);
  return [
    proseBlock({ kind: "heading", level: 1, start: first.start, end: first.end }, (builder) =>
      builder.add(text, first.start, first.end),
    ),
  ];
}

/** A commit's line, perhaps behind the lines that `--graph` draws. */
const GRAPH = /^(?:[*|\\/_] ?)+/;

/** The messages of commits are prose; hashes, authors, dates, lists of files and differences are not. */
export function gitLogBlocks(text: string): Block[] {
  const lines = linesOf(text);
  if (!COMMIT.test(lines[0]?.text ?? "")) return oneLineBlocks(text, lines);
  const isDrawn = lines.some(({ text: line }) => COMMIT.test(line) && !line.startsWith("commit"));
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; ) {
    let next = i + 1;
    while (next < lines.length && !COMMIT.test(lines[next]?.text ?? "")) next += 1;
    blocks.push(
      ...loggedBlocks(
        text,
        lines.slice(i, next).map((line) => (isDrawn ? withoutGraph(line) : line)),
      ),
    );
    i = next;
  }
  return blocks;
}

function withoutGraph(line: Line): Line {
  const width = GRAPH.exec(line.text)?.[0].length ?? 0;
  const text = line.text.slice(width);
  return { ...line, start: line.start + width, text, indent: text.length - text.trimStart().length };
}

/** One commit: its header, its message, which is indented, and what was changed. */
function loggedBlocks(text: string, lines: readonly Line[]): Block[] {
  const blank = lines.findIndex((line) => line.text.trim() === "");
  const header = lines.slice(0, blank < 0 ? lines.length : blank);
  const rest = blank < 0 ? [] : lines.slice(blank);
  const changes = rest.findIndex((line) => line.text.trim() !== "" && line.indent < 4);
  const message = rest.slice(0, changes < 0 ? rest.length : changes);
  const changed = changes < 0 ? [] : rest.slice(changes);
  let hasSubject = false;
  const blocks = [...part("directive", "commit", header)];
  for (const group of paragraphs(message)) {
    const dedented = group.map((line) => ({ ...line, indent: Math.max(0, line.indent - 4) }));
    // A log has many subjects: each is a paragraph.
    blocks.push(...(hasSubject ? messageBlocks(text, dedented, true) : linesBlocks(text, dedented)));
    hasSubject = true;
  }
  return [...blocks, ...part("data", "diff", changed)];
}

function part(kind: "directive" | "data", name: string, lines: readonly Line[]): Block[] {
  const [first, last] = [lines[0], lines.at(-1)];
  return first === undefined || last === undefined ? [] : [plainBlock(kind, first.start, last.end, { name })];
}

/** `git log --oneline`: each line is an item without its hash. */
function oneLineBlocks(text: string, lines: readonly Line[]): Block[] {
  return lines.flatMap((line) => {
    const width = ONE_LINE.exec(line.text)?.[0].length;
    if (width === undefined) return [];
    const range = { start: line.start + width, end: line.end };
    const paragraph = proseBlock({ kind: "paragraph", ...range }, (builder) =>
      builder.add(text, range.start, range.end),
    );
    return [plainBlock("item", line.start, line.end, { children: [paragraph] })];
  });
}
