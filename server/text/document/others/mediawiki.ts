/**
 * Reads MediaWiki's markup: templates, tables, references and files are left out.
 * @see mediawiki.org/wiki/Help:Formatting
 */
import { type Block, type ProseBuilder, plainBlock } from "../block.ts";
import { writeDecoded } from "../html.ts";
import { type Line, linesOf } from "../source.ts";
import { blockOf, writeMarked } from "./marked.ts";

/** The blocks of a normalized text. Never throws; linear in its length. */
export function mediawikiBlocks(source: string): Block[] {
  const text = masked(source);
  const blocks: Block[] = [];
  const write = (builder: ProseBuilder, start: number, end: number) => writeWiki(builder, text, start, end);
  let group: Line[] = [];
  const flush = () => {
    if (group.length > 0) blocks.push(blockOf({ kind: "paragraph" }, group, write));
    group = [];
  };
  for (const line of linesOf(text)) {
    const content = line.text.replaceAll(HIDDEN, "");
    const heading = headingIn(line.text);
    const item = /^[*#:;]+\s*/.exec(line.text);
    if (/^[^\p{L}\p{N}]*$/u.test(content) || /^__[A-Z]+__$/.test(content) || content.startsWith(" ")) {
      flush();
      if (line.text !== "")
        blocks.push(plainBlock(content.startsWith(" ") ? "code" : "directive", line.start, line.end));
    } else if (heading !== undefined || item !== null) {
      flush();
      const mark = heading?.start ?? item?.[0].length ?? 0;
      const range = { start: line.start + mark, end: heading === undefined ? line.end : line.start + heading.end };
      if (heading !== undefined) blocks.push(blockOf({ kind: "heading", level: heading.level }, [range], write));
      else
        blocks.push(
          plainBlock("item", line.start, line.end, { children: [blockOf({ kind: "paragraph" }, [range], write)] }),
        );
    } else group.push(line);
  }
  flush();
  return blocks;
}

/** The level of a line's heading, between equals signs, and the range of its words; undefined where it has none. */
function headingIn(line: string): { level: number; start: number; end: number } | undefined {
  const content = line.trimEnd();
  const opening = /^=*/.exec(content)?.[0].length ?? 0;
  const closing = /(?<!=)=*$/.exec(content)?.[0].length ?? 0;
  const level = Math.min(opening, closing, 6);
  const words = content.slice(level, content.length - level);
  if (level === 0 || words.trim() === "") return undefined;
  const start = level + words.length - words.trimStart().length;
  return { level, start, end: start + words.trim().length };
}

/** Takes the place of a unit that no reader sees. */
const HIDDEN = "\u200B";

/** The beginning of an element whose content is not read. */
const ELEMENT =
  /<!--|<(ref|math|pre|syntaxhighlight|source|gallery|score|timeline|imagemap|templatestyles)\b[^<>]{0,300}(\/?)>/gi;

/** A text without the elements whose content is not read, each unit of them replaced by `hide`. */
function withoutElements(text: string, hide: (found: string) => string): string {
  const parts: string[] = [];
  /** Ends that do not occur any more. */
  const gone = new Set<string>();
  const lower = text.toLowerCase();
  let at = 0;
  for (const { 0: opening, 1: name = "", 2: slash = "", index } of text.matchAll(ELEMENT)) {
    if (index < at) continue;
    const close = name === "" ? "-->" : `</${name.toLowerCase()}>`;
    const inside = index + opening.length;
    const found = slash !== "" || gone.has(close) ? -1 : lower.indexOf(close, inside);
    if (found < 0 && slash === "") gone.add(close);
    if (found < 0 && slash === "") continue;
    const end = slash === "" ? found + close.length : inside;
    parts.push(text.slice(at, index), hide(text.slice(index, end)));
    at = end;
  }
  return parts.join("") + text.slice(at);
}

/** A text whose templates, tables, references and files are hidden, no character moved. */
function masked(source: string): string {
  const hide = (found: string) => found.replace(/[^\n]/g, HIDDEN);
  const text = withoutElements(source, hide);
  const parts: string[] = [];
  let [depth, start, at] = [0, 0, 0];
  for (const { 0: mark, index } of text.matchAll(
    /\{\{|\}\}|^[ \t]*\{\||^[ \t]*\|\}|\[\[(?:File|Image|Category|Datei|Kategorie|Fichier|Catégorie):|\[\[|\]\]/gim,
  )) {
    const isFile = /^\[\[./.test(mark);
    const opens = /\{[{|]$/.test(mark) || isFile;
    if (opens || (depth > 0 && mark === "[[")) {
      if (depth === 0) start = index;
      depth += 1;
    } else if (depth > 0) {
      depth -= 1;
      if (depth > 0) continue;
      parts.push(text.slice(at, start), hide(text.slice(start, index + mark.length)));
      at = index + mark.length;
    }
  }
  return parts.join("") + text.slice(at);
}

const MARKS =
  /'{2,5}|\[\[[^[\]\n]{1,300}\]\]|\[(?:https?:)?\/\/[^\]\s]{1,500}(?: [^\]\n]{1,300})?\]|<nowiki>[^<]{0,300}<\/nowiki>|<\/?[a-z][^<>\n]{0,200}>/gi;

function writeWiki(builder: ProseBuilder, text: string, from: number, to: number): void {
  writeMarked(builder, text, from, to, MARKS, (own, found, start, end) => {
    if (found.startsWith("[[")) {
      own.run("link", start, end);
      const words = found.lastIndexOf("|") + 1 || 2 + (found[2] === ":" ? 1 : 0);
      own.add(text, start + words, end - 2);
    } else if (found.startsWith("[")) {
      own.run("link", start, end);
      const blank = found.indexOf(" ");
      if (blank < 0) own.drop();
      else own.add(text, start + blank + 1, end - 1);
    } else if (/^<nowiki>/i.test(found)) writeDecoded(own, text, start + "<nowiki>".length, end - "</nowiki>".length);
    else if (/^<br/i.test(found)) own.replace(" ", start, end);
  });
}
