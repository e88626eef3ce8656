/** Files of rows: JSON lines, JSON, CSV, TSV and Parquet, by their names; mistakes are reported with file and row. */
import { isUtf8 } from "node:buffer";
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { reason } from "../../../../base/reason.ts";
import { table } from "../../../../base/table.ts";
import { ModelError } from "../../../../models/errors.ts";
import { openRegular } from "../../../files/regular-file.ts";
import { decodeText, unreadable } from "../../../text/input.ts";
import { dataChunks, readData } from "./data-file.ts";
import { delimitedAdvice, delimitedRows } from "./delimited.ts";
import { type Line, LineSplitter } from "./line-splitter.ts";
import { isObject, NOT_UTF8, ObjectRows, parseLines, type ReadRows, TOO_LONG } from "./read-rows.ts";
import { MOST_FILE_BYTES, MOST_ROW_BYTES, type RowLimits } from "./row-limits.ts";
import { LINES_ADVICE, unusable } from "./rows.ts";

/** Names of files that hold rows. */
export const TABLE_FILE = /\.(jsonl|ndjson|json|csv|tsv|parquet)(\.gz|\.zst)?$/i;

/**
 * The rows of a file, and those that cannot be read; only the beginning where there are more than the limits.
 * @throws ModelError "input" naming the file when it has no rows, or none that can be read
 */
export async function readTable(file: string, limits: RowLimits, signal: AbortSignal): Promise<ReadRows> {
  const [, format = "jsonl"] = TABLE_FILE.exec(file.toLowerCase()) ?? [];
  const reader = readers[format];
  const read = await reader?.read(file, limits, signal);
  if (read !== undefined && read.rows.length > 0) return read;
  if (read !== undefined && read.bad.length > 0) throw unusable(file, read.bad, reader?.advice ?? "");
  throw new ModelError("input", `${file} has no rows. Give it a row for each example.`);
}

interface Reader {
  readonly read: (file: string, limits: RowLimits, signal: AbortSignal) => Promise<ReadRows>;
  /** Advice for a file of which no row can be read. */
  readonly advice: string;
}

const jsonLines: Reader = { read: lines, advice: LINES_ADVICE };

const readers: Readonly<Record<string, Reader>> = table({
  jsonl: jsonLines,
  ndjson: jsonLines,
  json: { read: json, advice: LINES_ADVICE },
  csv: delimited(","),
  tsv: delimited("\t"),
  parquet: { read: parquet, advice: "" },
});

function delimited(usual: "," | "\t"): Reader {
  return {
    read: (file, limits, signal) => delimitedRows(dataChunks(file, signal, MOST_FILE_BYTES), file, usual, limits),
    advice: delimitedAdvice(usual),
  };
}

/** The largest file of one JSON value; its objects take ten times as much. */
const MOST_JSON_BYTES = 64 * 1024 * 1024;

async function json(file: string, limits: RowLimits, signal: AbortSignal): Promise<ReadRows> {
  const { name, bytes } = await readData(file, signal, MOST_JSON_BYTES);
  const text = decodeText(bytes, name).replace(/^\uFEFF/, "");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // JSON lines under another name, or broken: their reader says which row.
    if (/^\s*\{[^\n]*\}\s*(\n|$)/.test(text)) return parseLines(text.split("\n"), limits);
    throw new ModelError("input", `${file} is not JSON (${reason(error)}).`, { cause: error });
  }
  return objectsOf(jsonRows(value, file), file, limits);
}

/** Rows up to the limits, numbered from 1. */
function objectsOf(values: readonly unknown[], file: string, limits: RowLimits): ReadRows {
  const objects = new ObjectRows(limits);
  for (const [i, value] of values.entries()) {
    if (objects.isFull) break;
    objects.add(value, i + 1);
  }
  return withNote(objects, values.length, file, limits);
}

function withNote(objects: ObjectRows, count: number, file: string, limits: RowLimits): ReadRows {
  const { rows, bad, columns } = objects;
  const read = rows.length + bad.length;
  return { rows, bad, columns, notes: read < count ? [limits.note(file, read)] : [] };
}

/** JSON lines, streamed, so that a row without an end does not fill the memory. */
async function lines(file: string, limits: RowLimits, signal: AbortSignal): Promise<ReadRows> {
  const objects = new ObjectRows(limits);
  const splitter = new LineSplitter("\n", MOST_ROW_BYTES);
  let row = 0;
  const add = (line: Line) => {
    row += 1;
    if (objects.isFull) return;
    if (row === 1 && line !== undefined && /^(\xFF\xFE|\xFE\xFF)/.test(line.toString("latin1", 0, 2))) {
      decodeText(line, file); // says what it is instead
    }
    if (line === undefined) objects.addBad({ row, ...TOO_LONG });
    else if (!isUtf8(line) || line.includes(0)) objects.addBad({ row, ...NOT_UTF8 });
    else objects.addLine(row === 1 ? line.toString("utf8").replace(/^\uFEFF/, "") : line.toString("utf8"), row);
  };
  for await (const chunk of dataChunks(file, signal, MOST_FILE_BYTES)) {
    for (const line of splitter.add(chunk)) add(line);
    if (objects.isFull) break;
  }
  for (const line of splitter.finish()) add(line);
  return withNote(objects, objects.isFull ? Number.POSITIVE_INFINITY : 0, file, limits);
}

async function parquet(file: string, limits: RowLimits): Promise<ReadRows> {
  const handle = await openRegular(file).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  try {
    const { size } = await handle.stat();
    const source = {
      byteLength: size,
      async slice(begin: number, end = size) {
        if (begin < 0 || end > size || end - begin > MOST_PAGE_BYTES)
          throw new Error("a part lies outside of the file");
        const buffer = Buffer.alloc(end - begin);
        await handle.read(buffer, 0, buffer.length, begin);
        return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length);
      },
    };
    const metadata = await parquetMetadataAsync(source);
    const names = parquetSchema(metadata).children.map(({ element }) => element.name);
    const columns = names.filter((name) => limits.uses(name));
    const count = Number(metadata.num_rows);
    const objects = new ObjectRows(limits);
    for (let from = 0; from < count && !objects.isFull; from += PARQUET_ROWS) {
      const rowEnd = Math.min(count, from + PARQUET_ROWS);
      const rows = await parquetReadObjects({
        ...{ file: source, metadata, columns, rowStart: from, rowEnd, compressors: boundedCompressors },
      });
      for (const [i, value] of rows.entries()) if (!objects.isFull) objects.add(plainObject(value), from + i + 1);
    }
    return { ...withNote(objects, count, file, limits), columns: names };
  } catch (cause) {
    throw new ModelError("input", `${file} cannot be read as Parquet (${reason(cause)}). Get it again.`, { cause });
  } finally {
    await handle.close();
  }
}

/** Rows that are read at once. */
const PARQUET_ROWS = 100_000;
/** The largest page or column that is read or unpacked. */
const MOST_PAGE_BYTES = 512 * 1024 * 1024;

/** They are told by the file how much they shall unpack. */
const boundedCompressors = Object.fromEntries(
  Object.entries(compressors).map(([name, unpack]) => [
    name,
    (input: Uint8Array, size: number) => {
      if (size > MOST_PAGE_BYTES) throw new Error(`a page is said to have ${size} bytes`);
      return unpack(input, size);
    },
  ]),
);

/** SQuAD's own shape, rows in `data`, or a list of rows. */
function jsonRows(json: unknown, file: string): readonly unknown[] {
  const data = Array.isArray(json) ? json : isObject(json) ? json["data"] : undefined;
  if (!Array.isArray(data)) {
    throw new ModelError("input", `${file} is neither a list of objects nor SQuAD's {"data": [...]}. Give JSON lines.`);
  }
  const isSquad = data.some((article) => isObject(article) && Array.isArray(article["paragraphs"]));
  return isSquad ? data.flatMap(squadRows) : data;
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

/** Parquet's 64-bit integers as numbers. */
function plainObject(value: Record<string, unknown>): Record<string, unknown> {
  const plain = (cell: unknown): unknown => {
    if (typeof cell === "bigint") return Number(cell);
    if (Array.isArray(cell)) return cell.map(plain);
    return isObject(cell) && !(cell instanceof Date) ? plainObject(cell) : cell;
  };
  return Object.fromEntries(Object.entries(value).map(([key, cell]) => [key, plain(cell)]));
}
