/** Reads what has no markup: plain text and e-mails; and tells logs, differences and tables from prose. */
import { type Block, plainBlock, proseBlock } from "../block.ts";
import { type Line, linesOf } from "../source.ts";
import { headerBlocks, isEncoded, isForm, isHeaders, isQuotedLine } from "./mail.ts";
import { isDelimited } from "./tables.ts";
import { isAnnounced, isTranscript, spokenMark } from "./transcript.ts";

/** The blocks of plain text: paragraphs between blank lines. Never throws; linear in its length. */
export function plainBlocks(text: string): Block[] {
  const lines = linesOf(text);
  if (!isTranscript(lines) && isLog(lines)) return [plainBlock("data", 0, text.length, { name: "log" })];
  if (isDelimited(text)) return [plainBlock("table", 0, text.length)];
  const patch = patchAt(lines);
  const groups = paragraphs(patch < 0 ? lines : lines.slice(0, patch));
  const answered = groups.findIndex(([first]) => ANSWERED.test(first?.text ?? ""));
  const own = answered < 0 ? groups : groups.slice(0, answered);
  const blocks = own.flatMap((group) => linesBlocks(text, group));
  if (answered >= 0) {
    const children = groups.slice(answered).flatMap((group) => linesBlocks(text, group));
    blocks.push(
      plainBlock("quotation", groups[answered]?.[0]?.start ?? 0, groups.at(-1)?.at(-1)?.end ?? 0, { children }),
    );
  }
  if (patch < 0) return blocks;
  return [...blocks, plainBlock("data", lines[patch]?.start ?? 0, text.length, { name: "diff" })];
}

/** The line above a mail that is answered. */
const ANSWERED = /^-{2,} ?(?:Original Message|Ursprüngliche Nachricht|Message d'origine|Mensaje original)/i;

/** Lines of a log: a time, a level, an address, a stack. */
const LOG = new RegExp(
  `^\\s*(?:${[
    "\\[?\\d{4}[-/]\\d\\d[-/]\\d\\d[T ,]\\s?\\d\\d:\\d\\d",
    "\\[?\\d\\d:\\d\\d:\\d\\d",
    "(?:<\\d+>)?[A-Z][a-z]{2} +\\d+ \\d\\d:\\d\\d:\\d\\d",
    "\\[ *\\d+\\.\\d{3,}\\]", // the kernel's
    "[IWEF]\\d{4} \\d\\d:\\d\\d",
    "\\d{1,3}(?:\\.\\d{1,3}){3}[ :]",
    "\\[?(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL|NOTICE|CRITICAL)\\b",
    "\\[(?:info|warn|warning|error|debug|trace)\\]",
    "\\d+ (?:verbose|info|silly|http|warn|error|timing|notice) ", // npm's
    "npm (?:ERR!|error|warn|notice) ",
    "(?:time|ts|level|lvl)=\\S+ ",
    '\\{"(?:level|time|timestamp|ts|msg|severity|@timestamp)":',
    "at [^\\s(]+[( ].*:\\d",
    'File "[^"]+", line \\d+',
    "(?:Traceback \\(most recent|Caused by: |Exception in thread |goroutine \\d+ \\[)",
    "\\S{1,200}\\.\\w{1,20}:\\d{1,9}(?::\\d{1,9})?:? ",
  ].join("|")})`,
);
const DIFF = /^(diff --git |index [\da-f]{7,}|@@ -\d|--- [\w"./]|\+\+\+ [\w"./]|Binary files )/;

/** Whether most lines are a log's. */
export function isLog(lines: readonly Line[]): boolean {
  const full = lines.slice(0, 400).filter(({ text }) => text !== "");
  return full.length >= 3 && full.filter(({ text }) => LOG.test(text)).length > full.length / 2;
}

/** Where a patch's list of files and differences begin; -1 where a text has none. */
function patchAt(lines: readonly Line[]): number {
  const diff = lines.findIndex(({ text }, i) => /^diff --git |^Index: \S/.test(text) || isOldDiff(lines, i));
  if (diff < 0) return -1;
  const from = Math.max(0, diff - MOST_CHANGED_FILES);
  const rule = lines.slice(from, diff).findLastIndex(({ text }) => text === "---");
  return rule < 0 ? diff : from + rule;
}

/** Files that a patch lists before its differences. */
const MOST_CHANGED_FILES = 500;

/** "--- a", "+++ b" and "@@ -1 +1 @@" in three lines. */
function isOldDiff(lines: readonly Line[], i: number): boolean {
  return (
    /^--- \S/.test(lines[i]?.text ?? "") &&
    /^\+\+\+ \S/.test(lines[i + 1]?.text ?? "") &&
    /^@@ -\d/.test(lines[i + 2]?.text ?? "")
  );
}

/** Runs of lines that are not blank. */
export function paragraphs(lines: readonly Line[]): Line[][] {
  const groups: Line[][] = [];
  let group: Line[] = [];
  for (const line of lines) {
    if (line.text.trim() !== "") group.push(line);
    else if (group.length > 0) {
      groups.push(group);
      group = [];
    }
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/** The blocks of lines between two blank ones: a paragraph, items, or what is not prose. */
export function linesBlocks(text: string, lines: readonly Line[]): Block[] {
  return runsBy(lines, (line, before) => isQuotedLine(line) !== isQuotedLine(before)).flatMap((run) => {
    if (isHeaders(run)) return headerBlocks(text, run);
    const count = countWhile(run, isPackaging);
    const versions = run
      .slice(0, count)
      .map((line) => plainBlock("directive", line.start, line.end, { name: "changelog" }));
    return [...versions, ...unnamedBlocks(text, run.slice(count))];
  });
}

/** The blocks of lines that are all quoted or all not, without what names them. */
function unnamedBlocks(text: string, lines: readonly Line[]): Block[] {
  if (lines.length === 0) return [];
  if (lines.some((_, i) => speechMark(lines, i) > 0)) return spoken(text, lines);
  const other = unwritten(text, lines);
  if (other !== undefined) return [other];
  const [titles, count] = titleBlocks(text, lines);
  const rest = lines.slice(count);
  const unread = count > 0 && rest.length > 0 ? unwritten(text, rest) : undefined;
  return [...titles, ...(unread === undefined ? written(text, rest) : [unread])];
}

/** A form, or what is not prose. */
function unwritten(text: string, lines: readonly Line[]): Block | undefined {
  const range = [lines[0]?.start ?? 0, lines.at(-1)?.end ?? 0] as const;
  if (isForm(lines)) return plainBlock("note", ...range, { name: "form", inner: () => [prose(text, lines)] });
  const data = dataOf(text.slice(...range), lines);
  return data && plainBlock(data.kind, ...range, { name: data.name });
}

/** Paragraphs, items or a quotation. */
function written(text: string, lines: readonly Line[]): Block[] {
  const [first] = lines;
  if (first === undefined) return [];
  if (isQuotedLine(first))
    return [
      plainBlock("quotation", first.start, lines.at(-1)?.end ?? first.end, {
        children: [prose(text, lines, /^[\s>]+/)],
      }),
    ];
  const items = lines.map((line) => /^\s*([-*+•·–]|\(?\d{1,3}[.)]|[a-z]\))\s+(?=\S)/.exec(line.text)?.[0].length ?? 0);
  return items.some((mark) => mark > 0)
    ? itemBlocks(text, lines, items)
    : parted(lines).map((part) => prose(text, part));
}

/** Runs of lines, of which a new one begins where that is said of a line and the one before. */
function runsBy(lines: readonly Line[], begins: (line: Line, before: Line) => boolean): Line[][] {
  const runs: Line[][] = [];
  let before: Line | undefined;
  for (const line of lines) {
    if (before === undefined || begins(line, before)) runs.push([line]);
    else runs.at(-1)?.push(line);
    before = line;
  }
  return runs;
}

function countWhile(lines: readonly Line[], holds: (line: Line) => boolean): number {
  const end = lines.findIndex((line) => !holds(line));
  return end < 0 ? lines.length : end;
}

const PACKAGING = /^(?:[a-z\d][a-z\d+.-]* \([^()\s]+\)(?: [\w-]+)+; \w+=|\s{2}\[ [^[\]]+ \]$| -- .* {2}\w{3}, )/;

/** Whether a line of a Debian changelog names a version, or whose changes follow, or who signed. */
export function isPackaging({ text }: Line): boolean {
  return PACKAGING.test(text);
}

const RULE = /^\s*([=\-~_*#])\1{2,}$/;

/** Titles with a rule below them or on both sides, and how many lines they take; rules without a title are left out. */
function titleBlocks(text: string, lines: readonly Line[]): [blocks: Block[], lines: number] {
  const isRule = (at: number) => RULE.test(lines[at]?.text ?? "");
  const blocks: Block[] = [];
  let from = 0;
  for (;;) {
    const at = isRule(from) ? from + 1 : from;
    const [title, rule] = [lines[at], lines[at + 1]];
    if (title === undefined || rule === undefined || isRule(at) || !isRule(at + 1)) break;
    const range = { start: lines[from]?.start ?? title.start, end: rule.end };
    const level = at > from ? 1 : 2;
    blocks.push(
      proseBlock({ kind: "heading", level, ...range }, (builder) => builder.add(text, title.start, title.end)),
    );
    from = at + 2;
  }
  const rules = countWhile(lines.slice(from), (line) => RULE.test(line.text));
  return [blocks, from + rules === lines.length ? lines.length : from];
}

/** Lines parted where a writer ended one early: the next begins with a capital letter, and its first word had room. */
function parted(lines: readonly Line[]): Line[][] {
  const widest = lines.reduce((most, { text }) => Math.max(most, text.length), 0);
  const parts: Line[][] = [];
  for (const [i, line] of lines.entries()) {
    const before = lines[i - 1]?.text;
    const word = /^\s*(\p{Lu}\S*)/u.exec(line.text)?.[1];
    const isNew =
      before !== undefined && word !== undefined && !/[,;-]$/.test(before) && before.length + word.length < widest / 2;
    if (i === 0 || isNew) parts.push([line]);
    else parts.at(-1)?.push(line);
  }
  return parts;
}

/** Classifies lines that are not prose. */
function dataOf(source: string, lines: readonly Line[]): { kind: "data" | "code"; name: string } | undefined {
  const isEdit = lines.length > 3 && lines.every(({ text }) => /^[+-][^+-]?/.test(text));
  if (isEdit || lines.some(({ text }) => DIFF.test(text))) return { kind: "data", name: "diff" };
  if (isLog(lines)) return { kind: "data", name: "log" };
  if (isEncoded(lines)) return { kind: "data", name: "base64" };
  const isIndented = lines.every(({ indent }) => indent >= 4);
  return isIndented && /[{};=<>$]|^[ \t]*[$>#] /m.test(source) ? { kind: "code", name: "" } : undefined;
}

function itemBlocks(text: string, lines: readonly Line[], items: readonly number[]): Block[] {
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; ) {
    let end = i + 1;
    while (end < lines.length && items[end] === 0) end += 1;
    const children = parted(lines.slice(i, end)).map((part, at) =>
      prose(text, part, undefined, at === 0 ? items[i] : 0),
    );
    const range = [(lines[i] as Line).start, (lines[end - 1] as Line).end] as const;
    if (items[i] === 0) blocks.push(...children);
    else blocks.push(plainBlock("item", ...range, { children }));
    i = end;
  }
  return blocks;
}

/** A paragraph for what each speaker says. */
function spoken(text: string, lines: readonly Line[]): Block[] {
  const marks = new Map(lines.map((line, i) => [line, speechMark(lines, i)]));
  const turns = runsBy(lines, (line) => (marks.get(line) ?? 0) > 0);
  return turns.map((turn) => prose(text, turn, undefined, marks.get(turn[0] as Line)));
}

/** How much of a line says who speaks and when: all of it where that stands above what is said. */
function speechMark(lines: readonly Line[], i: number): number {
  const [line, next] = [lines[i], lines[i + 1]];
  if (line === undefined) return 0;
  const isAbove = next !== undefined && isAnnounced(line) && !isAnnounced(next);
  return isAbove ? line.text.length : spokenMark(line);
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
