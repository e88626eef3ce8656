/** Writes a range whose marks one pattern finds. */
import { type Block, type ProseBuilder, proseBlock } from "../block.ts";

/** Writes what is shown of a mark that was found, code units `start`..`end`. */
export type WriteMark = (builder: ProseBuilder, found: string, start: number, end: number) => void;

/** Writes a range, and what a pattern finds in it by `writeMark`. */
export function writeMarked(
  builder: ProseBuilder,
  text: string,
  from: number,
  to: number,
  pattern: RegExp,
  writeMark: WriteMark,
): void {
  let at = from;
  for (const { 0: found, index } of text.slice(from, to).matchAll(pattern)) {
    const start = from + index;
    builder.add(text, at, start);
    at = start + found.length;
    writeMark(builder, found, start, at);
  }
  builder.add(text, at, to);
}

/** A heading or paragraph of several ranges, with blanks between, each written by `write`. */
export function blockOf(
  block: { readonly kind: "heading"; readonly level: number } | { readonly kind: "paragraph" },
  ranges: readonly { readonly start: number; readonly end: number }[],
  write: (builder: ProseBuilder, start: number, end: number) => void,
): Block {
  const [start, end] = [ranges[0]?.start ?? 0, ranges.at(-1)?.end ?? 0];
  return proseBlock({ ...block, start, end }, (builder) => {
    for (const range of ranges) {
      if (range.start > start) builder.replace(" ", range.start, range.start);
      write(builder, range.start, range.end);
    }
  });
}
