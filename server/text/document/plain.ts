/**
 * Reads what has no markup: plain text with its e-mails, commit messages; and tells logs, diffs and tables from prose.
 */
import { type Block, plainBlock, proseBlock } from "./block.ts";
import { type Line, linesOf } from "./source.ts";

/** The blocks of plain text: paragraphs between blank lines. Never throws; linear in its length. */
export function plainBlocks(text: string): Block[] {
  const lines = linesOf(text);
  const isLog = mostly(lines, LOG);
  const isTable = !isLog && isDelimited(lines);
  if (isLog || isTable) return [plainBlock(isTable ? "table" : "data", 0, text.length)];
  return paragraphs(lines).flatMap((paragraph) => paragraphBlocks(text, paragraph));
}

/** Lines of a log: a time, a level, an address, a stack. */
const LOG =
  /^\s*(\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\[?\d\d:\d\d:\d\d|[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d|\d{1,3}(\.\d{1,3}){3} |\[?(INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL)\b|at \S+[( ].*:\d+|\S+\.\w+:\d+(:\d+)?:? )/;
const DIFF = /^(diff --git |index [\da-f]{7,}|@@ -\d|--- [\w"./]|\+\+\+ [\w"./]|Binary files )/;
const HEADER =
  /^(From|To|Cc|Bcc|Subject|Date|Reply-To|Message-ID|In-Reply-To|References|Return-Path|Received|MIME-Version|Content-[\w-]+|X-[\w-]+|User-Agent|Sent): /i;

function mostly(lines: readonly Line[], pattern: RegExp): boolean {
  const full = lines.slice(0, 400).filter(({ text }) => text !== "");
  return full.length >= 3 && full.filter(({ text }) => pattern.test(text)).length > full.length / 2;
}

/** Whether lines are rows of one number of columns. */
function isDelimited(lines: readonly Line[]): boolean {
  const full = lines.slice(0, 60).filter(({ text }) => text !== "");
  if (full.length < 3) return false;
  for (const mark of ["\t", ";", ","]) {
    const counts = full.map(({ text }) => text.replace(/"[^"]*"/g, "").split(mark).length);
    const [first = 1] = counts;
    const words = full.map(({ text }) =>
      text.split(mark).reduce((most, cell) => Math.max(most, cell.trim().split(/\s+/).length), 0),
    );
    const isShort = words.filter((most) => most <= 6).length > 0.8 * full.length;
    if (first >= 3 && counts.every((count) => count === first) && (mark !== "," || isShort)) return true;
  }
  return false;
}

/** Runs of lines that are not blank. */
function paragraphs(lines: readonly Line[]): Line[][] {
  const groups: Line[][] = [];
  let group: Line[] = [];
  for (const line of lines) {
    if (line.text !== "") group.push(line);
    else if (group.length > 0) {
      groups.push(group);
      group = [];
    }
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function paragraphBlocks(text: string, lines: readonly Line[]): Block[] {
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return [];
  const range = [first.start, last.end] as const;
  if (
    lines.some((line) => DIFF.test(line.text)) ||
    lines.every(({ text: line }) => /^[+-][^+-]?/.test(line) && lines.length > 3)
  )
    return [plainBlock("data", ...range, { name: "diff" })];
  if (lines.length >= 2 && lines.every((line) => HEADER.test(line.text) || line.indent > 0))
    return [plainBlock("directive", ...range, { name: "headers" })];
  if (first.text === "-- " || /^--\s*$/.test(first.text)) return [plainBlock("note", ...range, { name: "signature" })];
  if (mostly(lines, LOG)) return [plainBlock("data", ...range)];
  if (
    lines.every((line) => line.indent >= 4 || line.text.startsWith("\t")) &&
    /[{};=<>$]|^\s*[$>#] /m.test(text.slice(...range))
  )
    return [plainBlock("code", ...range)];
  const quoted = lines.every((line) => /^\s*>/.test(line.text));
  const items = lines.map((line) => /^\s*([-*+•·–]|\(?\d{1,3}[.)])\s+(?=\S)/.exec(line.text)?.[0].length ?? 0);
  if (quoted) return [plainBlock("quotation", ...range, { children: [prose(text, lines, /^[\s>]+/)] })];
  if (!items.some((mark) => mark > 0)) return [prose(text, lines)];
  return itemBlocks(text, lines, items);
}

function itemBlocks(text: string, lines: readonly Line[], items: readonly number[]): Block[] {
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; ) {
    let end = i + 1;
    while (end < lines.length && items[end] === 0) end += 1;
    const group = lines.slice(i, end);
    const paragraph = prose(text, group, undefined, items[i]);
    const range = [(lines[i] as Line).start, (lines[end - 1] as Line).end] as const;
    blocks.push(items[i] === 0 ? paragraph : plainBlock("item", ...range, { children: [paragraph] }));
    i = end;
  }
  return blocks;
}

/** A paragraph of lines, without what a pattern finds at the beginning of each. */
function prose(text: string, lines: readonly Line[], marks?: RegExp, firstMark = 0): Block {
  const start = lines[0]?.start ?? 0;
  return proseBlock({ kind: "paragraph", start, end: lines.at(-1)?.end ?? start }, (builder) => {
    for (const [i, line] of lines.entries()) {
      const skip = i === 0 && firstMark > 0 ? firstMark : (marks?.exec(line.text)?.[0].length ?? 0);
      builder.add(text, line.start + skip, Math.min(line.next, text.length));
    }
  });
}

/**
 * Git's commit message: a subject, paragraphs, trailers; comment lines and the diff below the scissors are not of it.
 */
export function commitBlocks(text: string): Block[] {
  const scissors = text.search(/^# -+ >8 -+/m);
  const end = scissors < 0 ? text.length : scissors;
  const blocks: Block[] = [];
  let group: Line[] = [];
  let hasSubject = false;
  const flush = () => {
    const [first, last] = [group[0], group.at(-1)];
    if (first !== undefined && last !== undefined) {
      const isTrailers =
        hasSubject &&
        group.every(({ text: line }) => /^([A-Z][\w-]+: \S|\(cherry picked from|\s+\S)/.test(line)) &&
        /^[A-Z][\w-]+: /.test(first.text);
      if (isTrailers) blocks.push(plainBlock("directive", first.start, last.end, { name: "trailers" }));
      else if (!hasSubject && group.length === 1) {
        blocks.push(
          proseBlock({ kind: "heading", level: 1, start: first.start, end: first.end }, (builder) =>
            builder.add(text, first.start, first.end),
          ),
        );
      } else blocks.push(...paragraphBlocks(text, group));
      hasSubject = true;
    }
    group = [];
  };
  for (const line of linesOf(text, 0, end)) {
    if (line.text.startsWith("#")) {
      flush();
      blocks.push(plainBlock("comment", line.start, line.end));
    } else if (line.text === "") flush();
    else {
      group.push(line);
      if (!hasSubject && line.start === (group[0]?.start ?? 0) && text[line.next] === "\n") flush();
    }
  }
  flush();
  if (end < text.length) blocks.push(plainBlock("data", end, text.length, { name: "diff" }));
  return blocks.sort((a, b) => a.start - b.start);
}

/** What `git log` prints: each commit's message is prose, its hash, author and date are not. */
export function gitLogBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = linesOf(text);
  for (let i = 0; i < lines.length; ) {
    const from = i;
    if (/^commit [\da-f]{7,40}\b/.test(lines[i]?.text ?? "")) {
      while (i < lines.length && lines[i]?.text !== "") i += 1;
      blocks.push(plainBlock("directive", (lines[from] as Line).start, (lines[i - 1] as Line).end, { name: "commit" }));
    } else i += 1;
    const body = i;
    while (i < lines.length && !/^commit [\da-f]{7,40}\b/.test(lines[i]?.text ?? "")) i += 1;
    for (const group of paragraphs(lines.slice(body, i))) {
      if (
        group.every(({ text: line }) => /^\s*[A-Z][\w-]+: \S/.test(line)) &&
        group[0]?.start !== lines[body]?.start &&
        /^\s*(Signed-off-by|Co-authored-by|Reviewed-by|Change-Id|Closes|Fixes|Refs)\b/i.test(group[0]?.text ?? "")
      ) {
        blocks.push(
          plainBlock("directive", (group[0] as Line).start, (group.at(-1) as Line).end, { name: "trailers" }),
        );
      } else
        blocks.push(
          ...paragraphBlocks(
            text,
            group.map((line) => ({ ...line, indent: Math.max(0, line.indent - 4) })),
          ),
        );
    }
  }
  return blocks;
}
