/**
 * Markdown that is being written: after a change only what it touches is parsed anew, and only what is asked for read.
 */
import type { SyntaxNode } from "@lezer/common";
import { changeOf } from "../../../../base/change.ts";
import { table } from "../../../../base/table.ts";
import { type Block, ProseBuilder, plainBlock, proseBlock, type Reading } from "../block.ts";
import { frontMatterOf } from "../front-matter.ts";
import { shifted } from "../shifted.ts";
import { normalized } from "../source.ts";
import { type Chunk, chunksAfter, chunksOf } from "./chunks.ts";
import { type MarkdownContext, writeInline } from "./inline.ts";
import { addressesIn, blocksOf, shallow } from "./markdown.ts";
import type { MarkdownParsers } from "./syntax.ts";

/** A Markdown text with its structure. */
export interface LiveMarkdown extends Reading {
  /** The same document with another text; takes time by the change, not by the text. */
  changed(text: string): Promise<LiveMarkdown>;
}

interface State {
  /** As it was given. */
  readonly source: string;
  readonly text: string;
  /** As it was parsed. */
  readonly prepared: string;
  readonly front: Block | undefined;
  /** The chunks of the text below the front matter. */
  readonly chunks: readonly Chunk[];
}

/** Parses a text for the first time, giving way to other work every few milliseconds. */
export async function createLiveMarkdown(source: string, parsers: MarkdownParsers): Promise<LiveMarkdown> {
  const text = normalized(source);
  const front = frontMatterOf(text);
  const prepared = shallow(text);
  const chunks = await chunksOf(prepared, front?.end ?? 0, parsers.blocks);
  return live({ source, text, prepared, front, chunks }, parsers);
}

async function after(old: State, source: string, parsers: MarkdownParsers): Promise<LiveMarkdown> {
  const change = changeOf(old.source, source);
  const { from, oldTo, to } = change;
  const lines = source.slice(from, to);
  /** A text of before with its changed lines, without a copy where it is the source. */
  const spliced = (text: string, middle: string) =>
    text === old.source && middle === lines ? source : text.slice(0, from) + middle + text.slice(oldTo);
  const text = spliced(old.text, normalized(lines));
  const front = frontMatterOf(text);
  const [oldBase, base] = [old.front?.end ?? 0, front?.end ?? 0];
  const prepared = spliced(old.prepared, shallow(normalized(lines)));
  const isFront = oldTo <= oldBase && to <= base;
  if (!isFront && (base !== oldBase || from < base)) return createLiveMarkdown(source, parsers);
  const chunks = isFront ? old.chunks : await chunksAfter(old.chunks, base, change, prepared, parsers.blocks);
  return live({ source, text, prepared, front, chunks }, parsers);
}

function live(state: State, parsers: MarkdownParsers): LiveMarkdown {
  const { source, front, chunks } = state;
  const base = front?.end ?? 0;
  return {
    text: source,
    around(offset) {
      const at = chunkAt(chunks, offset - base);
      // What stands before and after may be in the neighbors.
      const here = [at - 1, at, at + 1].flatMap((i) => blocksNear(state, parsers, i, offset));
      return front === undefined ? here : [front, ...here];
    },
    headings() {
      let start = base;
      return chunks.flatMap((chunk) => {
        const from = start;
        start += chunk.length;
        return headingsOf(state, parsers, chunk, from).map((block) => shifted(block, (place) => place + from));
      });
    },
    async changed(next) {
      return next === source ? this : after(state, next, parsers);
    },
  };
}

function chunkAt(chunks: readonly Chunk[], offset: number): number {
  let end = 0;
  const at = chunks.findIndex(({ length }) => {
    end += length;
    return offset < end;
  });
  return at < 0 ? Math.max(0, chunks.length - 1) : at;
}

function startOf({ front, chunks }: State, index: number): number {
  let start = front?.end ?? 0;
  for (let i = 0; i < index; i++) start += chunks[i]?.length ?? 0;
  return start;
}

/** The state for reading a chunk's blocks; the text is the chunk's. */
function contextOf(state: State, parsers: MarkdownParsers, start: number, length: number): MarkdownContext {
  const text = state.text.slice(start, start + length);
  return { ...parsers, text, addressOf: (label) => addressOf(state, label), openTables: 0 };
}

/** The blocks of a chunk around an offset of the text. */
function blocksNear(state: State, parsers: MarkdownParsers, index: number, offset: number): Block[] {
  const chunk = state.chunks[index];
  if (chunk === undefined) return [];
  const start = startOf(state, index);
  const context = contextOf(state, parsers, start, chunk.length);
  const blocks = near(context, chunk.tree.topNode, offset - start, 0);
  return blocks.map((block) => shifted(block, (place) => place + start));
}

/** Link addresses by chunk; they hold no part of a text. */
const addresses = new WeakMap<Chunk, ReadonlyMap<string, string>>();
const headings = new WeakMap<Chunk, readonly Block[]>();

function addressOf({ text, front, chunks }: State, label: string): string | undefined {
  let start = front?.end ?? 0;
  for (const chunk of chunks) {
    let known = addresses.get(chunk);
    if (known === undefined) {
      const found = addressesIn(chunk.tree, text.slice(start, start + chunk.length));
      known = new Map([...found].map(([name, address]) => [copied(name), copied(address)]));
      addresses.set(chunk, known);
    }
    const address = known.get(label);
    if (address !== undefined) return address;
    start += chunk.length;
  }
  return undefined;
}

/** Copies a string, since a slice would keep the whole text in memory. */
function copied(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}

function headingsOf(state: State, parsers: MarkdownParsers, chunk: Chunk, start: number): readonly Block[] {
  const known = headings.get(chunk);
  if (known !== undefined) return known;
  const context = contextOf(state, parsers, start, chunk.length);
  const found = [...headingNodes(chunk.tree.topNode)]
    .flatMap((node) => blocksOf(context, node, 0))
    .filter(({ kind }) => kind === "heading")
    .map((block): Block => {
      const { text, starts, ends } = block.prose?.() ?? new ProseBuilder().finish();
      const prose = { text, starts, ends, runs: [] };
      return { ...block, prose: () => prose };
    });
  headings.set(chunk, found);
  return found;
}

/** Nodes that hold others, by the blocks that they are; lists are none. */
const HOLDERS: Readonly<Record<string, "item" | "quotation" | undefined>> = table({
  Document: undefined,
  BulletList: undefined,
  OrderedList: undefined,
  Admonition: undefined,
  ListItem: "item",
  Blockquote: "quotation",
});

/** The blocks at an offset, and those before and after it, with what holds them. */
function near(context: MarkdownContext, node: SyntaxNode, offset: number, depth: number): Block[] {
  if (!Object.hasOwn(HOLDERS, node.name) || depth > MOST_DEPTH) {
    if (node.name === "Paragraph" && node.to - node.from > LONG) return [stretchOf(context, node, offset)];
    return blocksOf(context, node, depth);
  }
  const before = node.childBefore(offset);
  const after = node.childAfter(offset);
  const nodes = [before?.prevSibling, before, after, after?.nextSibling];
  const places = new Set<number>();
  const children = nodes
    .filter((child) => child !== null && child !== undefined)
    .filter(({ from }) => !places.has(from) && places.add(from))
    .flatMap((child) => near(context, child, offset, depth + 1));
  const kind = HOLDERS[node.name];
  return kind === undefined ? children : [plainBlock(kind, node.from, node.to, { children })];
}

const MOST_DEPTH = 100;
/** In longer paragraphs only the text around the place is read. */
const LONG = 20_000;

function stretchOf(context: MarkdownContext, node: SyntaxNode, offset: number): Block {
  const { text } = context;
  const at = Math.min(Math.max(offset, node.from), node.to);
  const border = (from: number) => Math.max(text.lastIndexOf("\n", from), text.lastIndexOf(" ", from));
  const start = Math.max(node.from, border(at - LONG / 4) + 1);
  const end = Math.min(node.to, Math.max(at, border(at + LONG / 4)));
  return proseBlock({ kind: "paragraph", start, end, isPart: true }, (builder) =>
    writeInline(context, node, builder, start, end),
  );
}

/** The nodes that are headings or may hold one, without those in lists and quotations. */
function* headingNodes(top: SyntaxNode): Iterable<SyntaxNode> {
  for (let node = top.firstChild; node !== null; node = node.nextSibling) {
    if (node.name === "Admonition") yield* headingNodes(node);
    else if (/Heading\d$|^HTMLBlock$/.test(node.name)) yield node;
  }
}
