/**
 * Markdown in chunks that are parsed apart, cut where a block begins that belongs to nothing before it. After a change
 * only the chunks that it touches are parsed anew.
 *
 * The parser's own reuse of trees takes time by the number of blocks.
 */
import { setImmediate } from "node:timers/promises";
import { Tree } from "@lezer/common";
import type { MarkdownParser } from "@lezer/markdown";
import type { LineChange } from "../../../../base/change.ts";

/** A piece of a text. It keeps nothing of the text itself, which would stay in memory with it. */
export interface Chunk {
  readonly length: number;
  /** Its offsets begin with the chunk. */
  readonly tree: Tree;
}

/** The chunks of a text from an offset on, in order. */
export async function chunksOf(text: string, from: number, parser: MarkdownParser): Promise<Chunk[]> {
  return parsed(text, from, text.length, parser);
}

/**
 * The chunks of a text that was changed, those that the change leaves alone as they were.
 * @param base where they begin in the text
 */
export async function chunksAfter(
  chunks: readonly Chunk[],
  base: number,
  { from, oldTo, to }: LineChange,
  text: string,
  parser: MarkdownParser,
): Promise<Chunk[]> {
  let first = 0;
  let start = base;
  // A change at a chunk's beginning may join it to the one before.
  for (let next = chunks[0]; next !== undefined && start + next.length < from; next = chunks[first]) {
    start += next.length;
    first += 1;
  }
  let last = first;
  let end = start;
  for (let more = 1; ; more *= 2) {
    for (let taken = 0; last < chunks.length && (end < oldTo || taken < more); last++) {
      end += chunks[last]?.length ?? 0;
      if (end >= oldTo) taken += 1;
    }
    const stop = end + to - oldTo;
    if (last >= chunks.length) return [...chunks.slice(0, first), ...(await parsed(text, start, text.length, parser))];
    const read = await parsed(text, start, stop, parser);
    if (await isBorder(text, start, stop, read, parser))
      return [...chunks.slice(0, first), ...read, ...chunks.slice(last)];
  }
}

/** Whether what is parsed up to a place ends there, with what follows in view. */
async function isBorder(
  text: string,
  start: number,
  stop: number,
  read: readonly Chunk[],
  parser: MarkdownParser,
): Promise<boolean> {
  const from = stop - (read.at(-1)?.length ?? stop - start);
  const part = text.slice(from, Math.min(text.length, stop + LOOK));
  return bordersOf(await parse(part, parser), part, stop - from, stop - from).length > 0;
}

/** Parses a range of a text in chunks. */
async function parsed(text: string, from: number, to: number, parser: MarkdownParser): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  let size = SIZE;
  for (let start = from; start < to; ) {
    const end = Math.min(to, start + size);
    const part = text.slice(start, end);
    const tree = await parse(part, parser);
    const border = end === to ? undefined : bordersOf(tree, part, SIZE / 8, part.length - 1).at(-1);
    if (end < to && border === undefined) {
      size *= 2; // one block that is longer
      continue;
    }
    size = SIZE;
    const length = border ?? end - start;
    chunks.push({ length, tree: border === undefined ? tree : cut(tree, length) });
    start += length;
  }
  return chunks;
}

/** The blocks of a tree before a border. */
function cut(tree: Tree, length: number): Tree {
  const [children, positions]: [Tree["children"][number][], number[]] = [[], []];
  for (const [i, child] of tree.children.entries()) {
    const from = tree.positions[i] ?? 0;
    if (from >= length) break;
    const isGroup = child instanceof Tree && child.type.isAnonymous && from + child.length > length;
    children.push(isGroup ? cut(child, length - from) : child);
    positions.push(from);
  }
  return new Tree(tree.type, children, positions, length);
}

const SIZE = 16_384;
/** Characters that are read behind a border to see that a block begins there. */
const LOOK = 200;

/**
 * Where blocks begin that belong to nothing before them: headings and paragraphs without indentation after a blank
 * line.
 */
function bordersOf(tree: Tree, text: string, least: number, most: number): number[] {
  const borders: number[] = [];
  for (let node = tree.topNode.childAfter(Math.max(0, least - 1)); node !== null; node = node.nextSibling) {
    const { from, name } = node;
    if (from > most) break;
    if (from < least || from === 0 || !/^(Paragraph|(ATX|Setext)Heading\d)$/.test(name)) continue;
    if (/\n[ \t]*\n$/.test(text.slice(Math.max(0, from - 100), from))) borders.push(from);
  }
  return borders;
}

/** A parse that lets others work every few milliseconds. */
async function parse(text: string, parser: MarkdownParser): Promise<Tree> {
  const parsing = parser.startParse(text);
  for (let until = performance.now() + SLICE_MS; ; ) {
    const tree = parsing.advance();
    if (tree !== null) return tree;
    if (performance.now() < until) continue;
    await setImmediate();
    until = performance.now() + SLICE_MS;
  }
}

const SLICE_MS = 8;
