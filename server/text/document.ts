/**
 * The document model: any text a person writes as a tree of blocks, with its prose as a reader would see it. Parsers
 * load when first needed.
 */
import type { Block, Prose } from "./document/block.ts";
import { frontMatterOf } from "./document/front-matter.ts";
import { normalized } from "./document/source.ts";

export type { Block, BlockKind, Prose } from "./document/block.ts";

/** A format that is read apart from others. */
export type Format =
  | "markdown"
  | "mdx"
  | "html"
  | "latex"
  | "restructuredtext"
  | "asciidoc"
  | "org"
  | "typst"
  | "notebook"
  | "commit"
  | "gitLog"
  | "plaintext";

/** A text, read. */
export interface TextDocument {
  readonly text: string;
  readonly format: Format;
  readonly blocks: readonly Block[];
}

/** The formats of VS Code's language ids and of file names' endings. */
const FORMATS: Readonly<Record<string, Format>> = {
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
  bibtex: "plaintext",
  "latex-expl3": "latex",
  rnw: "latex",
  restructuredtext: "restructuredtext",
  rst: "restructuredtext",
  rest: "restructuredtext",
  asciidoc: "asciidoc",
  adoc: "asciidoc",
  asc: "asciidoc",
  org: "org",
  typst: "typst",
  typ: "typst",
  jupyter: "notebook",
  ipynb: "notebook",
  notebook: "notebook",
  "git-commit": "commit",
  gitcommit: "commit",
  scminput: "commit",
  plaintext: "plaintext",
  txt: "plaintext",
  text: "plaintext",
};

/** Files whose names have no ending that tells. */
const NAMES: Readonly<Record<string, string>> = {
  commit_editmsg: "git-commit",
  merge_msg: "git-commit",
  tag_editmsg: "git-commit",
};

/**
 * The format of a text.
 * @param language a language id, a file's name or its ending; told by the content where it is unknown or absent
 */
export function formatOf(text: string, language = ""): Format {
  const name = language.toLowerCase();
  const known = FORMATS[name] ?? FORMATS[name.slice(name.lastIndexOf(".") + 1)] ?? FORMATS[NAMES[name] ?? ""];
  if (known !== undefined && known !== "plaintext") return known;
  const head = text.slice(0, 4000);
  if (/^commit [\da-f]{7,40}\b.*\n(Merge: .*\n)?Author: /.test(head)) return "gitLog";
  if (known !== undefined) return known;
  if (/^\s*(<!doctype html|<html)/i.test(head)) return "html";
  if (/^\s*\{\s*"(cells|metadata|nbformat)"/.test(head)) return "notebook";
  if (/^\s*(%.*\n\s*)*\\(documentclass|documentstyle|begin\{document\})/.test(head)) return "latex";
  if (/^#\+(title|author|options):/im.test(head)) return "org";
  if (/^= \S.*\n(?!=)/.test(head) && !/^=+\s*$/m.test(head.slice(0, 200))) return "asciidoc";
  if (/^\.\. [\w-]+::|^(={3,}|\*{3,})\n.+\n\1/m.test(head)) return "restructuredtext";
  if (/^(---|\+\+\+)[ \t]*\r?\n|^#{1,6} \S|^```|^\s*[-*] \S|\]\([^)]+\)|\*\*\S/m.test(head)) return "markdown";
  return "plaintext";
}

/** Reads a text. Never throws. */
export async function readDocument(text: string, language?: string): Promise<TextDocument> {
  const format = formatOf(text, language);
  const read = await readerOf(format);
  const plain = normalized(text);
  const front = FRONTED.has(format) ? frontMatterOf(plain) : undefined;
  if (front?.content === undefined || !/^\s*["']?[\w-]+["']?\s*[:=]/.test(plain.slice(front.content.start)))
    return { text, format, blocks: read(plain) };
  const blank = plain.slice(0, front.end).replace(/[^\n]/g, " ");
  return { text, format, blocks: [front, ...read(blank + plain.slice(front.end))] };
}

/** Formats that site generators read front matter in, besides Markdown, whose reader knows it. */
const FRONTED: ReadonlySet<Format> = new Set(["html", "asciidoc", "restructuredtext", "org"]);

type Reader = (text: string) => Block[];
const readers = new Map<Format, Promise<Reader>>();

/** The reader of a format, loaded once. */
function readerOf(format: Format): Promise<Reader> {
  let reader = readers.get(format);
  if (reader === undefined) {
    reader = loadReader(format);
    readers.set(format, reader);
  }
  return reader;
}

async function loadReader(format: Format): Promise<Reader> {
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
      return (await import("./document/plain.ts")).commitBlocks;
    case "gitLog":
      return (await import("./document/plain.ts")).gitLogBlocks;
    case "plaintext":
      return (await import("./document/plain.ts")).plainBlocks;
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
