/** The files a model is tuned on, read as pairs or as plain texts. */
import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import type { Document, Pair } from "../../training/dataset.ts";
import { parseRows } from "../../training/rows.ts";
import { readData } from "../evaluation/data.ts";
import { decodeText } from "../terminal.ts";

/** What a model can be tuned for. `text` makes any text of another. */
export type TuneTask = "summarize" | "title" | "infill" | "text";

/** Pairs, and the rows left out because a side is empty. */
export interface PairFile {
  readonly pairs: readonly Pair[];
  readonly empty: readonly number[];
}

/**
 * The pairs of a file of JSON lines.
 * @throws ModelError "input" naming file and row
 */
export async function readPairs(
  task: "summarize" | "title" | "text",
  file: string,
  columns: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<PairFile> {
  const { name, bytes } = await readData(file, signal);
  const text = decodeText(bytes, name);
  if (task === "title") {
    const { rows, empty } = parseRows("title", text, name, columns);
    return { pairs: rows.map((one) => ({ ...one, input: one.text, target: one.title })), empty };
  }
  // Any text and what to make of it is what rows of summaries are, under other names.
  const { input, target, ...others } = columns;
  const named = { ...others, ...(input && { text: input }), ...(target && { summary: target }) };
  const { rows, empty } = parseRows("summarize", text, name, named);
  return { pairs: rows.map((one) => ({ ...one, input: one.text, target: one.summary })), empty };
}

/**
 * The texts of a file (JSON lines or plain text), or of a folder's text files, folders in it included.
 * @throws ModelError "input" when there are none
 */
export async function readDocuments(
  path: string,
  columns: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Document[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) {
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && TEXT_FILE.test(entry.name))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .filter((file) => !/(^|[\\/])(\.[^\\/]+|node_modules)[\\/]/.test(relative(path, file)))
      .sort();
    const documents: Document[] = [];
    for (const file of files) documents.push({ source: relative(path, file), text: await readOne(file, signal) });
    if (documents.length > 0) return documents;
    throw new ModelError(
      "input",
      `${path} holds no text files (.md, .txt, .rst, .adoc, .tex, .typ, .qmd). Name another folder.`,
    );
  }
  if (!/\.jsonl?(\.gz|\.zst)?$/.test(path)) {
    // One file is cut at its blank lines, so that some of it can be kept out.
    const parts = (await readOne(path, signal)).split(/\n\s*\n(?=#|[^\n]{200})/);
    return parts.map((text, i) => ({ source: `${path} ${i}`, text }));
  }
  const { name, bytes } = await readData(path, signal);
  return parseRows("infill", decodeText(bytes, name), name, columns).rows.map(({ source, row, text }) => ({
    source: source === "" ? `row ${row}` : source,
    text,
  }));
}

const TEXT_FILE = /\.(md|mdx|markdown|txt|rst|adoc|tex|typ|qmd)$/i;

async function readOne(file: string, signal: AbortSignal): Promise<string> {
  const { name, bytes } = await readData(file, signal);
  return decodeText(bytes, name);
}
