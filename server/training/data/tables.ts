/** Files of rows: JSON lines, JSON, CSV, TSV and Parquet, by their names; mistakes are reported with file and row. */
import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { defined } from "../../../base/defined.ts";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { decodeText } from "../../text/input.ts";
import { readData } from "./data-file.ts";
import { delimitedAdvice, delimitedRows, MAX_ROW_BYTES } from "./delimited.ts";
import { type BadRow, LINES_ADVICE, parseLines, type RawRow, type ReadRows, unusable } from "./rows.ts";

/** Names of files that hold rows. */
export const TABLE_FILE = /\.(jsonl|ndjson|json|csv|tsv|parquet)(\.gz|\.zst)?$/i;

/**
 * The rows of a file, and those that cannot be read.
 * @throws ModelError "input" naming the file when it has no rows, or none that can be read
 */
export async function readTable(file: string, signal: AbortSignal): Promise<ReadRows> {
  const [, format = "jsonl", packed] = TABLE_FILE.exec(file.toLowerCase()) ?? [];
  const reader = readers[format];
  const read = await reader?.read(file, packed !== undefined, signal);
  if (read !== undefined && read.rows.length > 0) return read;
  if (read !== undefined && read.bad.length > 0) throw unusable(file, read.bad, reader?.advice ?? "");
  throw new ModelError("input", `${file} has no rows. Give it a row for each example.`);
}

interface Reader {
  readonly read: (file: string, packed: boolean, signal: AbortSignal) => Promise<ReadRows>;
  /** Advice for a file of which no row can be read. */
  readonly advice: string;
}

const jsonLines: Reader = { read: lines, advice: LINES_ADVICE };

const readers: Readonly<Record<string, Reader>> = {
  jsonl: jsonLines,
  ndjson: jsonLines,
  json: { read: (file, _, signal) => json(file, signal), advice: LINES_ADVICE },
  csv: { read: (file, _, signal) => delimited(file, ",", signal), advice: delimitedAdvice(",") },
  tsv: { read: (file, _, signal) => delimited(file, "\t", signal), advice: delimitedAdvice("\t") },
  parquet: { read: parquet, advice: "" },
};

async function json(file: string, signal: AbortSignal): Promise<ReadRows> {
  const { name, bytes } = await readData(file, signal);
  const text = decodeText(bytes, name).replace(/^\uFEFF/, "");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // JSON lines under another name, or broken: their reader says which row.
    if (/^\s*\{[^\n]*\}\s*(\n|$)/.test(text)) return parseLines(text.split("\n"));
    throw new ModelError("input", `${file} is not JSON (${reason(error)}).`, { cause: error });
  }
  return jsonRows(value, file);
}

/** CSV or TSV; where the file is not UTF-8, rows with other characters are bad. */
async function delimited(file: string, usual: "," | "\t", signal: AbortSignal): Promise<ReadRows> {
  const { name, bytes } = await readData(file, signal);
  const isText = isUtf8(bytes) || bytes.includes(0);
  const text = isText ? decodeText(bytes, name) : bytes.toString("utf8");
  const { rows, bad, notes } = delimitedRows(text.replace(/^\uFEFF/, ""), file, usual);
  if (isText) return { rows, bad, ...defined({ notes }) };
  const isOther = ({ value }: RawRow) => JSON.stringify(value).includes("\uFFFD");
  const others = rows.filter(isOther).map(({ row }) => ({ row, ...NOT_UTF8 }));
  return { rows: rows.filter((row) => !isOther(row)), bad: [...bad, ...others], ...defined({ notes }) };
}

const NOT_UTF8 = { what: "not UTF-8", why: " is not UTF-8; save the file as UTF-8" };

/** JSON lines, streamed, so that a row without an end does not fill the memory. */
async function lines(file: string, packed: boolean, signal: AbortSignal): Promise<ReadRows> {
  const collected = new CollectedLines(file);
  if (packed || file === "-") collected.add((await readData(file, signal)).bytes);
  else {
    try {
      for await (const chunk of createReadStream(file, { signal, highWaterMark: 1 << 20 }))
        collected.add(Buffer.from(chunk));
    } catch (error) {
      if (error instanceof ModelError || signal.aborted) throw error;
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const why = missing ? "does not exist; check the path" : (error as Error).message;
      throw new ModelError("input", `${file}: ${why}.`, { cause: error });
    }
  }
  const { texts, bad } = collected.finish();
  const read = parseLines(texts);
  return { rows: read.rows, bad: [...bad, ...read.bad].toSorted((a, b) => a.row - b.row) };
}

/** Lines of bytes as they come; a blank one stands for each that is too long or no text. */
class CollectedLines {
  readonly #file: string;
  readonly #texts: string[] = [];
  readonly #bad: BadRow[] = [];
  #rest: Buffer[] = [];
  #size = 0;

  constructor(file: string) {
    this.#file = file;
  }

  add(bytes: Buffer): void {
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; from = end + 1, end = bytes.indexOf(10, from)) {
      this.#collect(bytes.subarray(from, end));
      this.#close();
    }
    this.#collect(bytes.subarray(from));
  }

  finish(): { readonly texts: readonly string[]; readonly bad: readonly BadRow[] } {
    if (this.#size > 0) this.#close();
    if (this.#texts[0] !== undefined) this.#texts[0] = this.#texts[0].replace(/^\uFEFF/, "");
    return { texts: this.#texts, bad: this.#bad };
  }

  #collect(bytes: Buffer): void {
    this.#size += bytes.length;
    if (this.#size <= MAX_ROW_BYTES) this.#rest.push(bytes);
    else this.#rest = [];
  }

  #close(): void {
    const row = this.#texts.length + 1;
    const line = Buffer.concat(this.#rest);
    const isTooLong = this.#size > MAX_ROW_BYTES;
    this.#rest = [];
    this.#size = 0;
    if (row === 1 && /^(\xFF\xFE|\xFE\xFF)/.test(line.toString("latin1", 0, 2))) decodeText(line, this.#file);
    const isText = !isTooLong && isUtf8(line) && !line.includes(0);
    if (isTooLong) this.#bad.push({ row, what: TOO_LONG, why: ` is ${TOO_LONG}. Is a line end missing` });
    else if (!isText) this.#bad.push({ row, ...NOT_UTF8 });
    this.#texts.push(isText ? line.toString("utf8") : "");
  }
}

const TOO_LONG = "longer than 16 MB";

async function parquet(file: string): Promise<ReadRows> {
  const handle = await open(file).catch((cause: unknown) => {
    throw new ModelError("input", `${file} cannot be read: ${(cause as Error).message}.`, { cause });
  });
  try {
    const { size } = await handle.stat();
    const source = {
      byteLength: size,
      async slice(begin: number, end = size) {
        const buffer = Buffer.alloc(end - begin);
        await handle.read(buffer, 0, buffer.length, begin);
        return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length);
      },
    };
    const rows = await parquetReadObjects({ file: source, compressors });
    return { rows: rows.map((value, i) => ({ row: i + 1, value: plainObject(value) })), bad: [] };
  } catch (cause) {
    throw new ModelError("input", `${file} cannot be read as Parquet (${reason(cause)}). Get it again.`, { cause });
  } finally {
    await handle.close();
  }
}

/** SQuAD's own shape, rows in `data`, or a list of rows. */
function jsonRows(json: unknown, file: string): ReadRows {
  const data = Array.isArray(json) ? json : isObject(json) ? json["data"] : undefined;
  if (!Array.isArray(data)) {
    throw new ModelError("input", `${file} is neither a list of objects nor SQuAD's {"data": [...]}. Give JSON lines.`);
  }
  const squad = data.some((article) => isObject(article) && Array.isArray(article["paragraphs"]));
  const values = squad ? data.flatMap(squadRows) : data;
  const rows: RawRow[] = [];
  const bad: BadRow[] = [];
  for (const [i, value] of values.entries()) {
    if (isObject(value)) rows.push({ row: i + 1, value });
    else bad.push({ row: i + 1, what: "not JSON objects", why: " is not a JSON object" });
  }
  return { rows, bad };
}

function squadRows(article: unknown): Record<string, unknown>[] {
  if (!isObject(article) || !Array.isArray(article["paragraphs"])) return [];
  return article["paragraphs"].filter(isObject).flatMap((paragraph) => {
    const questions = Array.isArray(paragraph["qas"]) ? paragraph["qas"].filter(isObject) : [];
    return questions.map((question) => ({
      question: question["question"],
      context: paragraph["context"],
      answers: (Array.isArray(question["answers"]) ? question["answers"] : []).filter(isObject).map(({ text }) => text),
      source: article["title"],
    }));
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parquet's 64-bit integers as numbers. */
function plainObject(value: Record<string, unknown>): Record<string, unknown> {
  const plain = (cell: unknown): unknown => {
    if (typeof cell === "bigint") return Number(cell);
    if (Array.isArray(cell)) return cell.map(plain);
    return isObject(cell) && !(cell instanceof Date) ? plainObject(cell) : cell;
  };
  return Object.fromEntries(Object.entries(value).map(([key, cell]) => [key, plain(cell)]));
}
