/** Files of rows: JSON lines, JSON, CSV, TSV and Parquet, told by their names; mistakes are told with file and row. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { decodeText } from "../../text/input.ts";
import { readData } from "./data-file.ts";
import { parseLines, type RawRow } from "./rows.ts";

/** Names of files that hold rows. */
export const TABLE_FILE = /\.(jsonl|ndjson|json|csv|tsv|parquet)(\.gz|\.zst)?$/i;

/** No row that a person wrote is longer. */
const MAX_ROW_BYTES = 16 * 1024 * 1024;

/**
 * The rows of a file.
 * @throws ModelError "input" naming file and row
 */
export async function readTable(file: string, signal: AbortSignal): Promise<RawRow[]> {
  const [, format = "jsonl", packed] = TABLE_FILE.exec(file.toLowerCase()) ?? [];
  const rows = await readers[format]?.(file, packed !== undefined, signal);
  if (rows === undefined || rows.length === 0) {
    throw new ModelError("input", `${file} has no rows. Give it a row for each example.`);
  }
  return rows;
}

type Reader = (file: string, packed: boolean, signal: AbortSignal) => Promise<RawRow[]>;

const readers: Readonly<Record<string, Reader>> = {
  jsonl: lines,
  ndjson: lines,
  async json(file, _, signal) {
    const text = await readAll(file, signal);
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      // JSON lines under another name, or broken: their reader says which row.
      if (/^\s*\{[^\n]*\}\s*(\n|$)/.test(text)) return parseLines(text.split("\n"), file);
      throw new ModelError("input", `${file} is no JSON (${reason(error)}).`, {
        cause: error,
      });
    }
    return jsonRows(json, file);
  },
  csv: async (file, _, signal) => delimited(await readAll(file, signal), file, ","),
  tsv: async (file, _, signal) => delimited(await readAll(file, signal), file, "\t"),
  parquet,
};

/** JSON lines, streamed, so that a row without an end does not fill the memory. */
async function lines(file: string, packed: boolean, signal: AbortSignal): Promise<RawRow[]> {
  if (packed || file === "-") return parseLines((await readAll(file, signal)).split("\n"), file);
  const texts: string[] = [];
  let rest: Buffer[] = [];
  let size = 0;
  const add = (bytes: Buffer) => {
    texts.push(decodeText(bytes, `${file}, row ${texts.length + 1},`));
  };
  try {
    for await (const chunk of createReadStream(file, { signal, highWaterMark: 1 << 20 })) {
      const bytes: Buffer = Buffer.from(chunk);
      let from = 0;
      for (let end = bytes.indexOf(10); end >= 0; from = end + 1, end = bytes.indexOf(10, from)) {
        add(Buffer.concat([...rest, bytes.subarray(from, end)]));
        rest = [];
        size = 0;
      }
      rest.push(bytes.subarray(from));
      size += bytes.length - from;
      if (size > MAX_ROW_BYTES) throw tooLong(file, texts.length + 1);
    }
  } catch (error) {
    if (error instanceof ModelError || signal.aborted) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const why = missing ? "does not exist; check the path" : (error as Error).message;
    throw new ModelError("input", `${file}: ${why}.`, { cause: error });
  }
  if (size > 0) add(Buffer.concat(rest));
  if (texts[0] !== undefined) texts[0] = texts[0].replace(/^\uFEFF/, "");
  return parseLines(texts, file);
}

async function readAll(file: string, signal: AbortSignal): Promise<string> {
  const { name, bytes } = await readData(file, signal);
  return decodeText(bytes, name).replace(/^\uFEFF/, "");
}

function delimited(text: string, file: string, delimiter: "," | "\t"): RawRow[] {
  const rows: RawRow[] = [];
  let last = 1;
  try {
    parse(text, {
      delimiter,
      columns: true,
      skip_empty_lines: true,
      max_record_size: MAX_ROW_BYTES,
      // Tabs separate; quotes in such files are quotes.
      ...(delimiter === "\t" && { quote: null }),
      on_record: (value: Record<string, string>, { lines: end }) => {
        rows.push({ row: last + 1, value });
        last = end;
        return null;
      },
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = Number(cause["lines"] ?? rows.length + 2);
    if (cause.code === "CSV_MAX_RECORD_SIZE") throw tooLong(file, line);
    const why = cause.message.replace(/:? *(on|at|opening at)? line \d+.*$/s, "");
    throw new ModelError(
      "input",
      `${file}: row ${line} does not fit the header (${why}). Quote fields that hold a ${delimiter === "," ? "comma" : "tab"} or a line end, or correct the row.`,
      { cause },
    );
  }
  return rows;
}

async function parquet(file: string): Promise<RawRow[]> {
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
    return rows.map((value, i) => ({ row: i + 1, value: plainObject(value) }));
  } catch (cause) {
    throw new ModelError("input", `${file} cannot be read as Parquet (${reason(cause)}). Get it again.`, { cause });
  } finally {
    await handle.close();
  }
}

/** SQuAD's own shape, rows in `data`, or a list of rows. */
function jsonRows(json: unknown, file: string): RawRow[] {
  const data = Array.isArray(json) ? json : isObject(json) ? json["data"] : undefined;
  if (!Array.isArray(data)) {
    throw new ModelError("input", `${file} is neither a list of objects nor SQuAD's {"data": [...]}. Give JSON lines.`);
  }
  const squad = data.some((article) => isObject(article) && Array.isArray(article["paragraphs"]));
  const values = squad ? data.flatMap(squadRows) : data;
  const wrong = values.findIndex((value) => !isObject(value));
  if (wrong >= 0) throw new ModelError("input", `${file}: row ${wrong + 1} is no JSON object.`);
  return values.filter(isObject).map((value, i) => ({ row: i + 1, value }));
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

function tooLong(file: string, row: number): ModelError {
  return new ModelError(
    "input",
    `${file}: row ${row} is longer than ${MAX_ROW_BYTES / 1024 / 1024} MB. Is a line end missing? Split it into rows of one example.`,
  );
}
