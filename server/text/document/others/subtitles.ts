/** Reads subtitles (SubRip, WebVTT): what is said, without numbers, times and settings. */
import { type Block, plainBlock } from "../block.ts";
import { paragraphs } from "../plain/plain.ts";
import { type Line, linesOf } from "../source.ts";
import { blockOf, writeMarked } from "./marked.ts";

const TIMES = /^[\d:.,]+\s+-->\s+[\d:.,]+/;
const MOST_CUES = 20;

/** The blocks of a normalized text: a paragraph for the cues of a sentence. Never throws; linear in its length. */
export function subtitleBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let said: Line[] = [];
  let cues = 0;
  const flush = () => {
    if (said.length > 0)
      blocks.push(
        blockOf({ kind: "paragraph" }, said, (builder, start, end) => {
          const mark = /^\s*[-–] (?=\S)/.exec(text.slice(start, end))?.[0].length ?? 0;
          writeMarked(builder, text, start + mark, end, /<[^<>\n]{1,100}>|\{\\[^}\n]{1,60}\}/g, (own) => own.drop());
        }),
      );
    [said, cues] = [[], 0];
  };
  for (const group of paragraphs(linesOf(text))) {
    const [first, last] = [group[0] as Line, group.at(-1) as Line];
    const times = group.findIndex((line) => TIMES.test(line.text));
    if (times < 0) {
      blocks.push(plainBlock("comment", first.start, last.end));
      continue;
    }
    blocks.push(plainBlock("directive", first.start, (group[times] as Line).end));
    said.push(...group.slice(times + 1));
    cues += 1;
    if (/[.!?…。！？]["”»’]?$/.test(last.text) || cues >= MOST_CUES) flush();
  }
  flush();
  return blocks.sort((a, b) => a.start - b.start);
}
