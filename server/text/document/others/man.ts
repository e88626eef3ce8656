/** Reads manual pages: requests and macros of roff, man and mdoc line by line. @see man(7), mdoc(7) */

import { table } from "../../../../base/table.ts";
import { type Block, type ProseBuilder, plainBlock } from "../block.ts";
import { type Line, linesOf } from "../source.ts";
import { blockOf, writeMarked } from "./marked.ts";

/** Sections that are no prose. */
const SKIPPED = /^(?:synopsis|see also|authors?|bugs reported|colophon|copyright|referenced by)$/i;
const CODE: Readonly<Record<string, string>> = table({ nf: "fi", EX: "EE", Bd: "Ed", TS: "TE", EQ: "EN", de: "." });
/** Macros whose arguments are words of the text. */
const WORDS =
  /^(?:[BIR]|SM|SB|BI|BR|IB|IR|RB|RI|Nm|Ar|Fl|Pa|Xr|Cm|Em|Sy|Li|Ql|Dq|Sq|Qq|Pq|Op|Ev|Va|Vt|Fn|Ic|An|Tn|Bx|Nx|UR|MT)$/;

/** The blocks of a normalized text. Never throws; linear in its length. */
export function manBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = linesOf(text);
  let group: Line[] = [];
  let isSkipped = false;
  const flush = () => {
    const [first, last] = [group[0], group.at(-1)];
    if (first !== undefined && last !== undefined)
      blocks.push(
        isSkipped
          ? plainBlock("directive", first.start, last.end)
          : blockOf({ kind: "paragraph" }, group, (builder, start, end) => writeLine(builder, text, start, end)),
      );
    group = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as Line;
    const macro = /^[.'][ \t]*(\\"|[A-Za-z]{1,3}\b)?/.exec(line.text);
    if (line.text === "") flush();
    else if (macro === null) group.push(line);
    else if (/^S[HhSs]$/.test(macro[1] ?? "")) {
      flush();
      const start = line.start + line.text.length - line.text.slice(macro[0].length).trimStart().length;
      const words = text.slice(start, line.end).replace(/^"|"$/g, "");
      isSkipped = SKIPPED.test(words) || (isSkipped && /^S[Ss]$/.test(macro[1] ?? ""));
      const level = /^S[Hh]$/.test(macro[1] ?? "") ? 2 : 3;
      blocks.push(
        blockOf({ kind: "heading", level }, [{ start, end: line.end }], (builder, from, to) =>
          write(builder, text, from, to),
        ),
      );
    } else if (WORDS.test(macro[1] ?? "")) group.push(line);
    else if (macro[1] === "TH" || macro[1] === "Dt") {
      const name = /^\S+\s+"?([\w.+-]+)/d.exec(line.text)?.indices?.[1];
      const range = { start: line.start + (name?.[0] ?? 0), end: line.start + (name?.[1] ?? 0) };
      blocks.push(
        blockOf({ kind: "heading", level: 1 }, [range], (builder, from, to) =>
          builder.replace(text.slice(from, to).toLowerCase(), from, to),
        ),
      );
    } else {
      const closing = CODE[macro[1] ?? ""];
      let end = i;
      if (closing !== undefined) {
        while (end + 1 < lines.length && !lines[end]?.text.startsWith(`.${closing}`)) end += 1;
      }
      flush();
      blocks.push(plainBlock(closing === undefined ? "directive" : "code", line.start, (lines[end] as Line).end));
      // The line below is the tag of what follows, which the reader sees beside it.
      if (macro[1] === "TP" && lines[end + 1] !== undefined) {
        end += 1;
        blocks.push(plainBlock("directive", (lines[end] as Line).start, (lines[end] as Line).end));
      }
      i = end;
    }
  }
  flush();
  return blocks;
}

/** A line of text, or a macro's arguments: those of one that alternates fonts stand side by side. */
function writeLine(builder: ProseBuilder, text: string, start: number, end: number): void {
  const macro = /^[.']\s*(\w+)\s*/.exec(text.slice(start, end));
  if (macro === null) {
    write(builder, text, start, end);
    return;
  }
  const isJoined = /^(?:[BIR]{2}|Xr)$/.test(macro[1] ?? "");
  for (const { 0: found, index } of text.slice(start + macro[0].length, end).matchAll(/"[^"]*"|\S+/g)) {
    const from = start + macro[0].length + index;
    const quote = found.startsWith('"') && found.length > 1 ? 1 : 0;
    if (index > 0 && !isJoined) builder.replace(" ", from, from);
    if (macro[1] === "Fl") builder.replace("-", from, from);
    if (macro[1] === "Xr" && index > 0 && /^\d$/.test(found)) builder.replace(`(${found})`, from, from + found.length);
    else write(builder, text, from + quote, from + found.length - quote);
  }
}

const ESCAPE = /\\(?:f(?:\[[^\]]*\]|\(..|.)|s[+-]?\d|\[[^\]]{1,20}\]|\(..|\*(?:\[[^\]]*\]|\(..|.)|".*|.)/g;
const SHOWN: Readonly<Record<string, string>> = table({
  ...{ "-": "-", e: "\\", aq: "'", dq: '"', em: "—", en: "–", bu: "•", co: "©", lq: "“", rq: "”", oq: "‘", cq: "’" },
  ...{ ha: "^", ti: "~", "~": " ", " ": " " },
});

function write(builder: ProseBuilder, text: string, from: number, to: number): void {
  const plain = text.slice(from, to);
  const outer = /^".*"$/.test(plain) ? 1 : 0;
  writeMarked(builder, text, from + outer, to - outer, ESCAPE, (own, found, start, end) => {
    const name = found.replace(/^\\[[(]?|\]$/g, "");
    const shown = /^\\[fs*"]/.test(found) ? undefined : SHOWN[name];
    if (shown !== undefined) own.replace(shown, start, end);
  });
}
