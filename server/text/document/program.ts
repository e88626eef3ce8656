/** Reads programs and settings: their comments and docstrings are prose, and the rest is code. */
import { type CommentGroup, commentsOf } from "../../../programs/comments.ts";
import { type Block, plainBlock, wholeBlock } from "./block.ts";
import { SETTINGS } from "./program-names.ts";
import { shifted } from "./shifted.ts";
import { linesOf } from "./source.ts";

type Reader = (text: string) => Block[];

/** Languages of settings, whose values people write. */
const VALUES = new Set([SETTINGS, "yaml", "toml"]);

/** The blocks of a program. Never throws. @param language as `programOf` returns it */
export async function programBlocks(text: string, language: string): Promise<Block[]> {
  if (language === "perl") return perlBlocks(text);
  return commentedBlocks(text, language);
}

/** Perl's documentation stands between its code. */
async function perlBlocks(text: string): Promise<Block[]> {
  const { documentedBlocks, podRanges } = await import("./others/pod.ts");
  const ranges = podRanges(text);
  let code = text;
  for (const { start, end } of ranges)
    code = code.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, " ") + code.slice(end);
  const documented = ranges.flatMap(({ start, end }) => documentedBlocks(text, start, end));
  return [...documented, ...(await commentedBlocks(code, "perl"))].sort((a, b) => a.start - b.start);
}

async function commentedBlocks(text: string, language: string): Promise<Block[]> {
  const groups = language === SETTINGS ? settingsComments(text) : await commentsOf(text, language);
  const [{ createMarkdownReader }, { rstBlocks }] = await Promise.all([
    import("./markdown/markdown.ts"),
    import("./rst/rst.ts"),
  ]);
  // What Python's docstrings are written in; other languages' comments are mostly Markdown.
  const markdown = createMarkdownReader(false);
  const read = language === "python" ? rstBlocks : markdown;
  const comments = (groups ?? []).map((group) => ({
    ...group,
    blocks: () => cellBlocks(text, group, markdown) ?? commentBlocks(text, group, read),
  }));
  const parts = language === "yaml" ? await withValues(text, comments, markdown) : comments;
  const blocks: Block[] = [];
  let end = 0;
  for (const part of parts) {
    if (part.start < end) continue;
    blocks.push(...codeBlocks(text, end, part.start, language), ...part.blocks());
    end = part.end;
  }
  return [...blocks, ...codeBlocks(text, end, text.length, language)];
}

/** A part of a program that has prose. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly blocks: () => readonly Block[];
}

/** Comments, and the values between them that describe something. */
async function withValues(text: string, comments: readonly Part[], markdown: Reader): Promise<Part[]> {
  const { describedValues } = await import("./described.ts");
  const values = await describedValues(text, markdown);
  return [...comments, ...values.map(({ blocks, ...range }) => ({ ...range, blocks: () => blocks }))].sort(
    (a, b) => a.start - b.start,
  );
}

/** The code between two comments; a setting's value is written by a person. */
function codeBlocks(text: string, start: number, end: number, language: string): Block[] {
  if (text.slice(start, end).trim() === "") return [];
  if (!VALUES.has(language)) return [plainBlock("code", start, end)];
  return [wholeBlock("data", text, start, end)];
}

/** Lines of settings that begin with a mark. */
function settingsComments(text: string): CommentGroup[] {
  const groups: CommentGroup[] = [];
  for (const line of linesOf(text)) {
    const mark = /^\s*[#;!]+[ \t]?/.exec(line.text)?.[0].length;
    if (mark === undefined) continue;
    const own = { start: line.start + mark, text: line.text.slice(mark) };
    const last = groups.at(-1);
    if (last !== undefined && /^[ \t]*\n[ \t]*$/.test(text.slice(last.end, line.start)))
      groups.splice(-1, 1, { ...last, end: line.end, lines: [...last.lines, own] });
    else groups.push({ start: line.start, end: line.end, lines: [own], isDocstring: false });
  }
  return groups;
}

/** Comments for tools, not for readers. */
const FOR_TOOLS =
  /^(?:!|eslint\b|biome-ignore|prettier-ignore|tslint:|@ts-|ts-expect|istanbul |c8 ignore|v8 ignore|noqa\b|pylint:|flake8:|mypy:|type: |pragma\b|fmt: |isort:|ruff:|shellcheck |nolint|go:\w|\+build|vim?:|-\*-|#?(?:end)?region\b|sourceMappingURL|@(?:generated|flow|jsx)\b|\$Id|NOLINT|clang-format|rustfmt|yaml-language-server:|@schema|-{3,}|={3,}|\*{3,}|%%|\.(?:EXAMPLE|PARAMETER|INPUTS|OUTPUTS|LINK)\b)/i;
/** Notes of a programmer to himself. */
const TO_DO = /^(?:TODO|FIXME|XXX|HACK)\b/;
const LICENCE =
  /copyright|\(c\) \d{4}|©|SPDX-|licensed under|all rights reserved|permission is hereby granted|without warranty|WARRANTIES|provided ["“']as is|redistribution and use|(?:apache|mit|bsd|gpl|mozilla public) licen[cs]e|agreed to in writing/i;

/** Tags of documentation whose text says what something is. */
const TELLING =
  /^\s*[@\\](?:file|fileoverview|overview|description|desc|summary|brief|remarks|details|module|package|note)\b[ \t]*|^\s*\.(?:SYNOPSIS|DESCRIPTION|NOTES)\s*$/;
/** What Haddock and helm-docs begin with, unless it begins a table. */
const HADDOCK = /^(?:[|^]|--) (?=[^|]*$)/;

/** The blocks of a cell of text in a program that is a notebook; undefined for any other comment. */
function cellBlocks(text: string, group: CommentGroup, markdown: Reader): Block[] | undefined {
  const [first, ...lines] = group.lines;
  if (first === undefined || !/^(?:%%|\+).*\[(?:markdown|md)\]/.test(first.text)) return undefined;
  const { units, starts } = joined(text, { ...group, lines });
  return markdown(units).map((block) => shifted(block, (offset) => starts[offset] ?? group.end));
}

/** The blocks of a comment. One that stands beside code has prose to write in, but is not read. */
function commentBlocks(text: string, group: CommentGroup, read: Reader): Block[] {
  const { units, starts } = joined(text, group);
  const line = text.lastIndexOf("\n", group.start - 1) + 1;
  const isBeside = text.slice(line, group.start).trim() !== "" && !group.isDocstring;
  const at = (offset: number) => starts[Math.min(offset, starts.length - 1)] ?? group.start;
  const inner = read(units).map((block) => shifted(block, at));
  if (isBeside) return [plainBlock("comment", group.start, group.end, { inner: () => inner })];
  let fields: "no" | "below" | "all" = "no";
  return inner.map((block) => {
    const own = block.prose?.().text ?? "";
    if (block.kind === "heading") fields = FIELDS.test(own) ? "all" : "no";
    else if (block.kind === "paragraph" && FIELDS.test(own)) fields = "below";
    else if (fields === "below" && block.kind !== "item" && block.kind !== "quotation") fields = "no";
    return fields !== "no" || isForTools(text, block) ? asComment(block) : block;
  });
}

/** Titles of the parts of a docstring that describe parameters and results, as Google and NumPy write them. */
const FIELDS =
  /^(?:args|arguments|parameters|params|other parameters|keyword args|returns?|yields?|raises|throws|warns|attributes|methods|examples?|usage|see also|references):?$/i;

function asComment(block: Block): Block {
  return plainBlock("comment", block.start, block.end, { inner: () => [block] });
}

/** Whether no reader is meant: settings of tools, licences, tags, code that is commented out. */
function isForTools(text: string, { kind, start, end, prose }: Block): boolean {
  const source = text.slice(start, end);
  if (kind === "heading") return true; // "# Errors": the parts of a function's description
  if (kind !== "paragraph" || prose === undefined) return LICENCE.test(source);
  const own = prose().text;
  return (
    TO_DO.test(own) ||
    FOR_TOOLS.test(own) ||
    FOR_TOOLS.test(source) ||
    LICENCE.test(own) ||
    /^[@\\]\w/.test(own) ||
    isCode(own)
  );
}

/** Whether a comment is code that was taken out of use. */
function isCode(own: string): boolean {
  return /[;{}]$|^[)\]}]/.test(own) || isStatement(own);
}

/** Whether a line is code by its form. */
function isStatement(line: string): boolean {
  const own = line.trim();
  return (
    /^(?:const|let|var|import|from|return|if|for|while|def|func|fn|public|private|static|print|console)\b.*[=()[\]]/.test(
      own,
    ) || /^[\w.]+ ?(?:=|:=|\+=) ?\S|^[\w.]+\([^)]*\);?$|^[\w./-]+: ?\S+$/.test(own)
  );
}

/** The lines of a comment as one text, with the place of each of its units; tags begin paragraphs. */
function joined(text: string, { start: first, lines, isDocstring }: CommentGroup): { units: string; starts: number[] } {
  const parts: string[] = [];
  const starts: number[] = [];
  const add = (part: string, start: number, width = 1) => {
    parts.push(part);
    for (let i = 0; i < part.length; i++) starts.push(start + i * width);
  };
  // "// Copyright" above "//! What it does" are two.
  const isBlock = isDocstring || BLOCK.test(text.slice(first, first + 6));
  const indent = isDocstring ? indentOf(text, lines) : undefined;
  let before: string | undefined;
  let wasStatement = false;
  for (const [i, { start, text: line }] of lines.entries()) {
    const deeper = indent === undefined || i === 0 ? 0 : start - text.lastIndexOf("\n", start - 1) - 1 - indent;
    if (line !== "" && deeper > 0) add(" ".repeat(deeper), start, 0);
    const mark = text.slice(text.lastIndexOf("\n", start - 1) + 1, start).trim();
    const isCut = wasStatement || isStatement(line) || (!isBlock && before !== undefined && before !== mark);
    if (isCut || /^\s*(?:[@\\]\w|\.[A-Z]{4})/.test(line)) add("\n", start, 0);
    before = mark;
    wasStatement = isStatement(line);
    if (start < MOST_SHEBANG && text.startsWith("#!")) continue;
    let at = (TELLING.exec(line) ?? (i === 0 ? HADDOCK.exec(line) : null))?.[0].length ?? 0;
    for (const { 0: link, index, ...groups } of line.matchAll(LINK)) {
      if (index < at) continue;
      const opening = groups[1] ?? groups[3] ?? groups[5] ?? "";
      const words = groups[2] ?? groups[4] ?? groups[6] ?? "";
      add(line.slice(at, index), start + at);
      add(words, start + index + opening.length);
      at = index + link.length;
    }
    add(line.slice(at), start + at);
    add("\n", start + line.length, 0);
  }
  starts.push(Math.max(starts.at(-1) ?? 0, (lines.at(-1)?.start ?? 0) + (lines.at(-1)?.text.length ?? 0)));
  return { units: parts.join(""), starts };
}

/** Where the words of "#!" begin. */
const MOST_SHEBANG = 5;

/** The columns before most of a docstring's lines. */
function indentOf(text: string, lines: CommentGroup["lines"]): number {
  const columns = lines.slice(1).flatMap(({ start, text: line }) => {
    return line.trim() === "" ? [] : [start - text.lastIndexOf("\n", start - 1) - 1];
  });
  return columns.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY);
}

/**
 * Links and commands inside lines, each with what opens it and its words: JSDoc's and Javadoc's links (what is linked
 * to where they have no words), names in brackets as rustdoc, KDoc and dartdoc have them, Doxygen's commands.
 */
const LINK =
  /(\{@\w{1,40} {1,40}(?:[^\s{}|]{1,300}[ |]{1,40}(?=[^\s}]))?)([^{}]{1,200})\}|(?<![\])!])(\[)(`?[A-Za-z_][\w:.<>]{1,100}(?:\(\))?`?)\](?![[(:])|([\\@](?:c|p|a|b|e|em|ref|note|warning|attention|brief) +)(\S+)/g;

/** The start of a comment of several lines. */
const BLOCK = /^(?:\/\*|<#|#=|=begin|--\[\[|\{-)/;
