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
    "at \\S+[( ].*:\\d+",
    'File "[^"]+", line \\d+',
    "(?:Traceback \\(most recent|Caused by: |Exception in thread |goroutine \\d+ \\[)",
    "\\S+\\.\\w+:\\d+(?::\\d+)?:? ",
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
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return [];
  const quoted = lines.findIndex(isQuotedLine);
  if (quoted >= 0 && !lines.every(isQuotedLine)) {
    const isFirst = quoted === 0;
    const border = isFirst ? lines.findIndex((line) => !isQuotedLine(line)) : quoted;
    return [...linesBlocks(text, lines.slice(0, border)), ...linesBlocks(text, lines.slice(border))];
  }
  const range = [first.start, last.end] as const;
  if (isHeaders(lines)) return headerBlocks(text, lines);
  if (isPackaging(first)) {
    return [
      plainBlock("directive", first.start, first.end, { name: "changelog" }),
      ...linesBlocks(text, lines.slice(1)),
    ];
  }
  if (lines.length > 1 && isAnnounced(first)) {
    return [plainBlock("directive", first.start, first.end, { name: "speaker" }), ...linesBlocks(text, lines.slice(1))];
  }
  if (lines.some((line) => spokenMark(line) > 0)) return spoken(text, lines);
  if (isForm(lines)) return [plainBlock("note", ...range, { name: "form", inner: () => [prose(text, lines)] })];
  const data = dataOf(text.slice(...range), lines);
  if (data !== undefined) return [plainBlock(data.kind, ...range, { name: data.name })];
  const title = titleBlocks(text, lines);
  if (title !== undefined) return title;
  if (quoted >= 0) return [plainBlock("quotation", ...range, { children: [prose(text, lines, /^[\s>]+/)] })];
  const items = lines.map((line) => /^\s*([-*+•·–]|\(?\d{1,3}[.)]|[a-z]\))\s+(?=\S)/.exec(line.text)?.[0].length ?? 0);
  return items.some((mark) => mark > 0)
    ? itemBlocks(text, lines, items)
    : parted(lines).map((part) => prose(text, part));
}

const PACKAGING = /^(?:[a-z\d][a-z\d+.-]* \([^()\s]+\)(?: [\w-]+)+; \w+=.*|\s{2}\[ [^[\]]+ \]| -- .* {2}\w{3}, .*)$/;

/** Whether a line of a Debian changelog names a version, or whose changes follow, or who signed. */
export function isPackaging({ text }: Line): boolean {
  return PACKAGING.test(text);
}

const RULE = /^\s*([=\-~_*#])\1{2,}$/;

/** A title with a rule below it or on both sides, and what follows; undefined where there is none. */
function titleBlocks(text: string, lines: readonly Line[]): Block[] | undefined {
  const isRule = (at: number) => RULE.test(lines[at]?.text ?? "");
  const at = isRule(0) ? 1 : 0;
  const title = lines[at];
  if (title === undefined || isRule(at) || !isRule(at + 1)) {
    return lines.every((_, i) => isRule(i)) ? [] : undefined;
  }
  const range = { start: lines[0]?.start ?? 0, end: lines[at + 1]?.end ?? title.end };
  const heading = proseBlock({ kind: "heading", level: at === 1 ? 1 : 2, ...range }, (builder) =>
    builder.add(text, title.start, title.end),
  );
  return [heading, ...linesBlocks(text, lines.slice(at + 2))];
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
  return isIndented && /[{};=<>$]|^\s*[$>#] /m.test(source) ? { kind: "code", name: "" } : undefined;
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
  const turns: Line[][] = [];
  for (const line of lines) {
    if (spokenMark(line) > 0 || turns.length === 0) turns.push([line]);
    else turns.at(-1)?.push(line);
  }
  return turns.map((turn) => prose(text, turn, undefined, spokenMark(turn[0] as Line)));
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
