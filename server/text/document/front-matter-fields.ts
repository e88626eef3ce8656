/** The values of front matter that a person writes as prose, such as a description. */
import { type Node, parseTree } from "jsonc-parser";
import { isMap, isScalar, parseDocument, type Scalar } from "yaml";
import { type Block, proseBlock } from "./block.ts";

/** Keys whose values are prose. */
const PROSE_KEYS = new Set(
  "title subtitle description summary abstract excerpt lead intro introduction tagline caption headline teaser blurb synopsis note notes".split(
    " ",
  ),
);

/** The prose value of front matter at an offset, as a paragraph; undefined at keys, marks and other values. */
export function fieldAt(front: Block, text: string, offset: number): Block | undefined {
  const { content, name } = front;
  if (content === undefined) return undefined;
  const source = text.slice(content.start, content.end);
  const ranges = name === "yaml" ? yamlValues(source) : name === "json" ? jsonValues(source) : [];
  const range = ranges.map(([from, to]) => [from + content.start, to + content.start] as const);
  for (const [start, written] of range) {
    // Blanks at the line's end are typed there.
    const blanks = /^[ \t]*/.exec(text.slice(written, written + 100))?.[0].length ?? 0;
    const end = /^(\r?\n|$)/.test(text.slice(written + blanks, written + blanks + 2)) ? written + blanks : written;
    if (offset < start || offset > end) continue;
    return proseBlock({ kind: "paragraph", start, end }, (builder) => builder.add(text, start, end));
  }
  return undefined;
}

type Range = readonly [start: number, end: number];

function yamlValues(source: string): Range[] {
  const { contents } = parseDocument(source, { logLevel: "silent" });
  if (!isMap(contents)) return [];
  return contents.items.flatMap(({ key, value }) => {
    if (!isScalar(key) || !PROSE_KEYS.has(String(key.value).toLowerCase()) || !isScalar(value)) return [];
    const range = rangeOf(value, source);
    return range === undefined ? [] : [range];
  });
}

/** Inside the quotes of a string; undefined for numbers and the like. */
function rangeOf({ type, value, range }: Scalar, source: string): Range | undefined {
  const [start, end] = range ?? [];
  if (start === undefined || end === undefined || (typeof value !== "string" && value !== null)) return undefined;
  if (type === "QUOTE_DOUBLE" || type === "QUOTE_SINGLE") return [start + 1, Math.max(start + 1, end - 1)];
  if (type === "BLOCK_FOLDED" || type === "BLOCK_LITERAL") {
    const first = source.indexOf("\n", start) + 1;
    return [first === 0 ? end : first, Math.max(first, end - 1)];
  }
  // An empty value begins after the blank that follows its colon.
  return value === null && source[start] === " " ? [start + 1, start + 1] : [start, end];
}

function jsonValues(source: string): Range[] {
  const properties: readonly Node[] = parseTree(source, [], { allowTrailingComma: true })?.children ?? [];
  return properties.flatMap(({ children }) => {
    const [key, value] = children ?? [];
    if (value?.type !== "string" || !PROSE_KEYS.has(String(key?.value).toLowerCase())) return [];
    return [[value.offset + 1, value.offset + value.length - 1] as const];
  });
}
