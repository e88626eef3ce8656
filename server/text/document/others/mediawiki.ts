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
    const heading = /^(={1,6})\s*(\S.*?)\s*\1\s*$/.exec(line.text);
    const item = /^[*#:;]+\s*/.exec(line.text);
    if (/^[^\p{L}\p{N}]*$/u.test(content) || /^__[A-Z]+__$/.test(content) || content.startsWith(" ")) {
      flush();
      if (line.text !== "")
        blocks.push(plainBlock(content.startsWith(" ") ? "code" : "directive", line.start, line.end));
    } else if (heading !== null || item !== null) {
      flush();
      const mark = heading === null ? (item?.[0].length ?? 0) : line.text.indexOf(heading[2] ?? "");
      const range = {
        start: line.start + mark,
        end: heading === null ? line.end : line.start + mark + (heading[2]?.length ?? 0),
      };
      if (heading !== null) blocks.push(blockOf({ kind: "heading", level: heading[1]?.length ?? 1 }, [range], write));
      else
        blocks.push(
          plainBlock("item", line.start, line.end, { children: [blockOf({ kind: "paragraph" }, [range], write)] }),
        );
    } else group.push(line);
  }
  flush();
  return blocks;
}

/** Takes the place of a unit that no reader sees. */
const HIDDEN = "\u200B";

/** Elements whose content is not read. */
const ELEMENTS =
  /<!--[\s\S]{0,20000}?-->|<ref\b[^>]{0,300}\/>|<(ref|math|pre|syntaxhighlight|source|gallery|score|timeline|imagemap|templatestyles)\b[^>]{0,300}>[\s\S]{0,20000}?<\/\1>/gi;

/** A text whose templates, tables, references and files are hidden, no character moved. */
function masked(source: string): string {
  const hide = (found: string) => found.replace(/[^\n]/g, HIDDEN);
  const text = source.replace(ELEMENTS, hide);
  const parts: string[] = [];
  let [depth, start, at] = [0, 0, 0];
  for (const { 0: mark, index } of text.matchAll(
    /\{\{|\}\}|^\s*\{\||^\s*\|\}|\[\[(?:File|Image|Category|Datei|Kategorie|Fichier|Catégorie):|\[\[|\]\]/gim,
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
