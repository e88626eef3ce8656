/** A document's text as readers take it: LF line ends, no byte order mark, the same offsets. */

/**
 * Makes every line end LF without moving a character: CRLF becomes a blank and LF, a lone CR becomes LF, and a byte
 * order mark or NUL
 * becomes a blank, of which readers ignore one at a line's end or at the very beginning.
 */
export function normalized(text: string): string {
  if (!/[\r\0\uFEFF\u2028\u2029]/.test(text)) return text;
  return text.replace(/\r\n|[\r\0\uFEFF\u2028\u2029]/g, (found) =>
    found === "\r\n" ? " \n" : found === "\r" ? "\n" : " ",
  );
}

/** Returns the 1-based line of an offset. Offsets that ascend take one walk of the text in all. */
export function lineNumbers(text: string): (offset: number) => number {
  const source = normalized(text);
  const endAfter = (from: number) => {
    const end = source.indexOf("\n", from);
    return end < 0 ? source.length : end;
  };
  let [line, start, end] = [1, 0, endAfter(0)];
  return (offset) => {
    if (offset < start) [line, start, end] = [1, 0, endAfter(0)];
    while (end < offset && end < source.length) [line, start, end] = [line + 1, end + 1, endAfter(end + 1)];
    return line;
  };
}

/** A line of a text without its end. */
export interface Line {
  readonly start: number;
  /** Before the line's end and any blanks there. */
  readonly end: number;
  /** After the line's end. */
  readonly next: number;
  readonly text: string;
  /** Columns of white space before the first other character; a tab goes to the next multiple of 8. */
  readonly indent: number;
}

/** The lines of a range of a normalized text. */
export function linesOf(text: string, from = 0, to = text.length): Line[] {
  const lines: Line[] = [];
  for (let start = from; start < to; ) {
    const at = text.indexOf("\n", start);
    const stop = at < 0 || at >= to ? to : at;
    let end = stop;
    while (end > start && (text[end - 1] === " " || text[end - 1] === "\t")) end -= 1;
    const content = text.slice(start, end);
    lines.push({ start, end, next: Math.min(stop + 1, to), text: content, indent: indentOf(content) });
    start = stop + 1;
  }
  return lines;
}

function indentOf(line: string): number {
  let column = 0;
  for (const mark of line) {
    if (mark === " ") column += 1;
    else if (mark === "\t") column += 8 - (column % 8);
    else return column;
  }
  return column;
}
