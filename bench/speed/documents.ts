/**
 * Processor time and memory of reading documents by size and format, beside the library a reader is built on, and of
 * summarizing them.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { GFM, parser } from "@lezer/markdown";
import { Parser } from "htmlparser2";
import { parseTree } from "jsonc-parser";
import { parseSettings } from "../../protocol/settings.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { summarize } from "../../server/features/read/summarize.ts";
import type { SummaryStyle } from "../../server/features/read/summary-text.ts";
import { proseText, readDocument } from "../../server/text/document.ts";
import { readReferenceDocuments } from "../quality/prose-view.ts";
import { printTable } from "../support/table.ts";

/** The formats and the largest size to measure. */
export interface DocumentsOptions {
  readonly part: readonly ("read" | "summarize")[];
  /** File name endings that are read; all when absent. */
  readonly formats?: readonly string[];
  /** Characters of the largest document. */
  readonly most: number;
}

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000];

/** The libraries that readers are built on; the other readers are our own. */
const LIBRARIES: Readonly<Record<string, (text: string) => unknown>> = {
  md: (text) => parser.configure(GFM).parse(text),
  html: (text) => new Parser({ ontext: () => undefined }).end(text),
  ipynb: (text) => parseTree(text),
};

/** Prints a row for each format and size, and one for each size and style of a summary. */
export async function benchDocuments({ part, formats, most }: DocumentsOptions): Promise<void> {
  const texts = textsByFormat();
  if (part.includes("read")) await benchReading(texts, formats, most);
  if (part.includes("summarize")) await benchSummaries(texts.get("md") ?? "", most);
}

async function benchReading(
  texts: ReadonlyMap<string, string>,
  formats: readonly string[] | undefined,
  most: number,
): Promise<void> {
  const rows = [["format", "characters", "parse ms", "prose ms", "library ms", "words", "kept MB"]];
  for (const [format, text] of texts) {
    if (formats !== undefined && !formats.includes(format)) continue;
    for (const size of SIZES.filter((size) => size <= most))
      rows.push(await measured(format, ofSize(text, size, format)));
  }
  printTable(rows);
}

async function measured(format: string, text: string): Promise<string[]> {
  const library = LIBRARIES[format];
  for (let i = 0; i < 3; i++) {
    proseText(await readDocument(text.slice(0, 10_000), format)); // loads the reader, and warms it up
    library?.(text.slice(0, 10_000));
  }
  const before = heapBytes();
  const start = processorMs();
  const document = await readDocument(text, format);
  const parsed = processorMs();
  const prose = proseText(document);
  const shown = processorMs();
  const kept = heapBytes() - before;
  const libraryStart = processorMs();
  library?.(text);
  const libraryMs = processorMs() - libraryStart;
  return [
    format,
    `${text.length}`,
    (parsed - start).toFixed(1),
    (shown - parsed).toFixed(1),
    library === undefined ? "" : libraryMs.toFixed(1),
    `${prose.split(/\s+/).length}`,
    // The document is used here so that it is still there when the memory is measured.
    document.blocks.length === 0 || text.length < 100_000 ? "" : (kept / 1e6).toFixed(1),
  ];
}

/** Characters of summarized documents. */
const SUMMARIZED = [20_000, 140_000, 400_000, 1_000_000];

/** Summaries of Markdown with the built-in model in this process, on two threads. */
async function benchSummaries(text: string, most: number): Promise<void> {
  const engine = createLocalEngine(() => undefined);
  const directory = resolveModel(undefined, { workingFolder: process.cwd() });
  const model = await engine.load({ directory, precision: "int8", threads: 2 });
  const { "summary.minimumConfidence": minimumConfidence } = parseSettings({}).settings;
  const summary = async (size: number, style: SummaryStyle) => {
    const before = processorMs();
    const params = { text: ofSize(text, size, "md"), style, language: "md", minimumConfidence } as const;
    const { ms } = await summarize({ model }, params);
    const { rss } = process.memoryUsage();
    const figures = [ms.total, ms.split, ms.encode, ms.decode, processorMs() - before].map((time) => time.toFixed(0));
    return [`${size}`, style, ...figures, (rss / 1e6).toFixed(0)];
  };
  await summary(SUMMARIZED[0] ?? 0, "sentence"); // loads the ranker, and warms up
  const rows = [["characters", "style", "ms", "reading", "encoder", "decoder", "processor ms", "resident MB"]];
  for (const size of SUMMARIZED.filter((size) => size <= most))
    for (const style of ["sentence", "bullets"] as const) rows.push(await summary(size, style));
  printTable(rows);
  // With 129 parts of 140 kB read by the model, each decoded with four beams, before summaries were ranked.
  console.log(
    "Before sentences were ranked: one sentence about 25 kB took 6.6 s of processor time, about 140 kB 55 s.",
  );
  await engine.dispose();
}

/** All of a format's documents, one after the other. */
function textsByFormat(): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { path, text } of readReferenceDocuments()) {
    const format = path.slice(path.lastIndexOf(".") + 1);
    const body = format === "tex" ? text.replace(/\\(begin|end)\{document\}/g, "") : text;
    texts.set(format, `${texts.get(format) ?? ""}${body}\n\n`);
  }
  texts.set("txt", texts.get("org")?.replace(/^[*#].*$/gm, "") ?? "");
  texts.set("ipynb", texts.get("md") ?? "");
  return texts;
}

function ofSize(text: string, size: number, format: string): string {
  const repeated = text.repeat(Math.ceil(size / text.length)).slice(0, size);
  if (format !== "ipynb") return repeated;
  const sources = repeated.match(/[\s\S]{1,2000}/g) ?? [];
  return JSON.stringify({
    cells: sources.map((source) => ({ cell_type: "markdown", source: source.split(/(?<=\n)/) })),
  });
}

/** Processor time, which other processes change less than they change the clock. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

let collect: (() => void) | undefined;

/** Memory in use once what is not has been freed. */
function heapBytes(): number {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
