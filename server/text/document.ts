/**
 * The document model: any text a person writes as a tree of blocks, with its prose as a reader would see it. Parsers
 * load when first needed.
 */

import { table } from "../../base/table.ts";
import { type Block, type Prose, wholeBlock } from "./document/block.ts";
import { type Format, formatOfContent, isGitLog, programOfContent } from "./document/content.ts";
import { frontMatterOf } from "./document/front-matter.ts";
import { metadataOf } from "./document/metadata.ts";
import { programOf } from "./document/program-names.ts";
import { shifted } from "./document/shifted.ts";
import { normalized } from "./document/source.ts";

export type { Block, BlockKind, Prose } from "./document/block.ts";
export type { Format } from "./document/content.ts";

/** A text, read. */
export interface TextDocument {
  readonly text: string;
  readonly format: Format;
  readonly blocks: readonly Block[];
}

/** The formats of VS Code's language ids and of file names' endings. */
const FORMATS: Readonly<Record<string, Format>> = table({
  markdown: "markdown",
  md: "markdown",
  mkd: "markdown",
  mdown: "markdown",
  quarto: "markdown",
  qmd: "markdown",
  rmd: "markdown",
  markdoc: "markdown",
  mdc: "markdown",
  prompt: "markdown",
  instructions: "markdown",
  chatagent: "markdown",
  skill: "markdown",
  mdx: "mdx",
  html: "html",
  htm: "html",
  xhtml: "html",
  vue: "html",
  svelte: "html",
  astro: "html",
  latex: "latex",
  tex: "latex",
  bibtex: "data",
  bib: "data",
  "latex-expl3": "latex",
  rnw: "latex",
  restructuredtext: "restructuredtext",
  rst: "restructuredtext",
  rest: "restructuredtext",
  asciidoc: "asciidoc",
  adoc: "asciidoc",
  asc: "asciidoc",
  srt: "subtitles",
  vtt: "subtitles",
  sbv: "subtitles",
  man: "man",
  roff: "man",
  troff: "man",
  nroff: "man",
  mdoc: "man",
  pod: "pod",
  mediawiki: "mediawiki",
  wikitext: "mediawiki",
  wiki: "mediawiki",
  rd: "rd",
  textile: "textile",
  org: "org",
  typst: "typst",
  typ: "typst",
  jupyter: "notebook",
  ipynb: "notebook",
  notebook: "notebook",
  "git-commit": "commit",
  gitcommit: "commit",
  scminput: "commit",
  csv: "table",
  tsv: "table",
  tab: "table",
  psv: "table",
  json: "data",
  jsonc: "data",
  json5: "data",
  jsonl: "data",
  ndjson: "data",
  geojson: "data",
  lock: "data",
  po: "data",
  pot: "data",
  ics: "data",
  vcf: "data",
  log: "data",
  xml: "html",
  plaintext: "plaintext",
  txt: "plaintext",
  text: "plaintext",
});

/** Files whose names have no ending that tells. */
const NAMES: Readonly<Record<string, Format>> = table({
  commit_editmsg: "commit",
  merge_msg: "commit",
  squash_msg: "commit",
  tag_editmsg: "commit",
});

/** Endings of mails and patches: plain text, whatever it begins with. */
const PLAIN = new Set(["eml", "mbox", "diff", "patch", "email"]);

/** Characters that tell a text's format. */
const MOST_TOLD_BY = 4000;

/**
 * The format of a text.
 * @param language a language id, a file's name or its ending; told by the content where it is unknown or absent
 */
export function formatOf(text: string, language = ""): Format {
  const name = language.toLowerCase();
  const ending = name.slice(name.lastIndexOf(".") + 1);
  const known = FORMATS[name] ?? FORMATS[ending] ?? NAMES[name.slice(name.lastIndexOf("/") + 1)];
  if (known !== undefined && known !== "plaintext") return known;
  if (programOf(name) !== undefined) return "program";
  const head = normalized(text.slice(0, MOST_TOLD_BY));
  if (isGitLog(head)) return "gitLog";
  return known ?? (PLAIN.has(ending) ? "plaintext" : formatOfContent(head));
}

/** Reads a text. Never throws. */
export async function readDocument(text: string, language?: string): Promise<TextDocument> {
  const hasMark = text.startsWith("\uFEFF");
  const { format, blocks } = await readMarked(hasMark ? text.slice(1) : text, language);
  return { text, format, blocks: hasMark ? blocks.map((block) => shifted(block, (at) => at + 1)) : blocks };
}

/** Reads a text without a byte order mark. */
async function readMarked(text: string, language?: string): Promise<TextDocument> {
  const format = formatOf(text, language);
  if (format === "program") {
    const { programBlocks } = await import("./document/program.ts");
    const program = programOf(language?.toLowerCase() ?? "") ?? programOfContent(text) ?? "";
    return { text, format, blocks: await programBlocks(normalized(text), program) };
  }
  const plain = normalized(text);
  const front = headOf(plain, format);
  if (front === undefined) return { text, format, blocks: await readBlocks(plain, format) };
  const blank = plain.slice(0, front.end).replace(/[^\n]/g, " ");
  return { text, format, blocks: [front, ...(await readBlocks(blank + plain.slice(front.end), format))] };
}

/** Front matter that the format's reader does not know, or metadata without marks. */
function headOf(text: string, format: ReadFormat): Block | undefined {
  const front = FRONTED.has(format) ? frontMatterOf(text) : undefined;
  if (front?.content !== undefined && /^\s*["']?[\w-]+["']?\s*[:=]/.test(text.slice(front.content.start))) return front;
  return /^(?:markdown|mdx|restructuredtext)$/.test(format) ? metadataOf(text) : undefined;
}

async function readBlocks(text: string, format: ReadFormat): Promise<Block[]> {
  const read = await readerOf(format);
  try {
    return read(text);
  } catch (error) {
    // A line of megabytes can overflow what a parser's pattern remembers; it is plain text then.
    if (!(error instanceof RangeError) || format === "plaintext") throw error;
    return (await readerOf("plaintext"))(text);
  }
}

/** Formats that site generators read front matter in, besides Markdown, whose reader knows it. */
const FRONTED: ReadonlySet<Format> = new Set(["html", "asciidoc", "restructuredtext", "org"]);

type Reader = (text: string) => Block[];
type ReadFormat = Exclude<Format, "program">;
const readers = new Map<ReadFormat, Promise<Reader>>();

/** The reader of a format, loaded once. */
function readerOf(format: ReadFormat): Promise<Reader> {
  let reader = readers.get(format);
  if (reader === undefined) {
    reader = loadReader(format);
    readers.set(format, reader);
  }
  return reader;
}

async function loadReader(format: ReadFormat): Promise<Reader> {
  switch (format) {
    case "markdown":
    case "mdx":
      return (await import("./document/markdown/markdown.ts")).createMarkdownReader(format === "mdx");
    case "html":
      return (await import("./document/html.ts")).htmlBlocks;
    case "latex":
      return (await import("./document/latex/latex.ts")).latexBlocks;
    case "restructuredtext":
      return (await import("./document/rst/rst.ts")).rstBlocks;
    case "asciidoc":
      return (await import("./document/asciidoc/asciidoc.ts")).asciidocBlocks;
    case "org":
      return (await import("./document/org.ts")).orgBlocks;
    case "typst":
      return (await import("./document/typst.ts")).typstBlocks;
    case "notebook": {
      const [{ notebookBlocks }, { createMarkdownReader }] = await Promise.all([
        import("./document/notebook.ts"),
        import("./document/markdown/markdown.ts"),
      ]);
      const markdown = createMarkdownReader(false);
      return (text) => notebookBlocks(text, markdown);
    }
    case "commit":
      return (await import("./document/git.ts")).commitBlocks;
    case "gitLog":
      return (await import("./document/git.ts")).gitLogBlocks;
    case "table":
      return (text) => [wholeBlock("table", text)];
    case "data":
      return (text) => [wholeBlock("data", text)];
    case "subtitles":
      return (await import("./document/others/subtitles.ts")).subtitleBlocks;
    case "man":
      return (await import("./document/others/man.ts")).manBlocks;
    case "pod":
      return (await import("./document/others/pod.ts")).podBlocks;
    case "mediawiki":
      return (await import("./document/others/mediawiki.ts")).mediawikiBlocks;
    case "rd":
      return (await import("./document/others/rd.ts")).rdBlocks;
    case "textile":
      return (await import("./document/others/textile.ts")).textileBlocks;
    case "plaintext":
      return (await import("./document/plain/plain.ts")).plainBlocks;
  }
}

/** A heading or paragraph with its prose, and what it stands in. */
export interface ProseBlock {
  readonly block: Block;
  readonly prose: Prose;
  /** Whether it is an item's, or a quotation's. */
  readonly within?: "item" | "quotation";
}

/** The headings and paragraphs of a document, in order, those without words left out. */
export function proseBlocks(blocks: readonly Block[], within?: "item" | "quotation"): ProseBlock[] {
  return blocks.flatMap((block): ProseBlock[] => {
    if (block.kind === "item" || block.kind === "quotation") return proseBlocks(block.children, block.kind);
    const prose = block.prose?.();
    if (prose === undefined || !/[\p{L}\p{N}]/u.test(prose.text)) return proseBlocks(block.children, within);
    return [{ block, prose, ...(within !== undefined && { within }) }];
  });
}

/** The prose of a whole document, as a reader would see it: blocks with blank lines between. */
export function proseText(document: TextDocument): string {
  return proseBlocks(document.blocks)
    .map(({ prose }) => prose.text)
    .join("\n\n");
}

/** Where the headings of a document begin, in UTF-16 units, ascending. */
export function headingStarts(document: TextDocument): number[] {
  return proseBlocks(document.blocks).flatMap(({ block }) => (block.kind === "heading" ? [block.start] : []));
}
