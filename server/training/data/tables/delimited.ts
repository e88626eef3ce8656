/** Rows of CSV and TSV. A row that cannot be read is named and left out; the next line begins the next row. */
import { isUtf8 } from "node:buffer";
import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { ModelError } from "../../../../models/errors.ts";
import { decodeText } from "../../../text/input.ts";
import { type Line, LineSplitter } from "./line-splitter.ts";
import { type BadRow, NOT_UTF8, type RawRow, type ReadRows, TOO_LONG } from "./read-rows.ts";
import { MOST_COLUMNS, MOST_ROW_BYTES, type RowLimits } from "./row-limits.ts";

/** Rows that are left out one by one; a file with more has another format. */
const MOST_RESUMED = 200;

/** Lines are given to the parser in pieces of at least so many characters. */
const PIECE_CHARACTERS = 128 * 1024;

/**
 * The rows of bytes with fields between delimiters.
 * @param usual the delimiter that the file's name tells; Excel's first line `sep=;` names another, and a header with
 *   semicolons only has these
 * @throws ModelError "input" when the header cannot be read
 */
export async function delimitedRows(
  chunks: AsyncIterable<Buffer>,
  file: string,
  usual: "," | "\t",
  limits: RowLimits,
): Promise<ReadRows> {
  let splitter: LineSplitter | undefined;
  const reader = new DelimitedReader(file, usual, limits);
  for await (const chunk of chunks) {
    if (splitter === undefined) {
      const [end = "\n"] = /\r\n|\n|\r/.exec(chunk.toString("latin1")) ?? [];
      splitter = new LineSplitter(end as "\n" | "\r" | "\r\n", MOST_ROW_BYTES);
      reader.lineEnd = end;
    }
    for (const line of splitter.add(chunk)) reader.add(line);
    if (reader.isFull) break;
  }
  for (const line of splitter?.finish() ?? []) reader.add(line);
  return reader.finish();
}

/** Advice on rows that could not be read. */
export function delimitedAdvice(usual: "," | "\t"): string {
  return `Quote fields that hold a ${usual === "," ? "comma" : "tab"} or a line end, or correct the rows.`;
}

interface Header {
  readonly names: readonly string[];
  /** The fields that are kept: those of used columns, the first of one name. */
  readonly kept: readonly (readonly [name: string, field: number])[];
}

class DelimitedReader {
  lineEnd = "\n";
  readonly #file: string;
  readonly #usual: "," | "\t";
  readonly #limits: RowLimits;
  readonly #rows: RawRow[] = [];
  readonly #bad: BadRow[] = [];
  #header: Header | undefined;
  #delimiter: string | undefined;
  /** Lines that the parser has not been done with, and their first one's number in the file. */
  #lines: string[] = [];
  #firstRow = 1;
  #characters = 0;
  /** Lines among them that are not UTF-8, or too long. */
  #notText = new Map<number, typeof NOT_UTF8>();
  #neededCharacters = PIECE_CHARACTERS;
  #resumed = 0;

  constructor(file: string, usual: "," | "\t", limits: RowLimits) {
    this.#file = file;
    this.#usual = usual;
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.#limits.rows === 0;
  }

  add(line: Line): void {
    const row = this.#firstRow + this.#lines.length;
    const isText = line !== undefined && isUtf8(line);
    if (line !== undefined && (line.includes(0) || row === 1)) requireText(line, this.#file);
    if (!isText) this.#notText.set(row, line === undefined ? TOO_LONG : NOT_UTF8);
    let text = line?.toString("utf8") ?? "";
    if (row === 1) {
      text = text.replace(/^\uFEFF/, "");
      const [, named] = /^sep=(.)[ \t]*$/i.exec(text) ?? [];
      if (named !== undefined) {
        this.#delimiter = named;
        this.#firstRow = 2;
        return;
      }
    }
    this.#delimiter ??= this.#usual === "," && !text.includes(",") && text.includes(";") ? ";" : this.#usual;
    this.#lines.push(text);
    this.#characters += text.length + 1;
    if (this.#characters >= this.#neededCharacters) this.#parse(false);
  }

  finish(): ReadRows {
    if (!this.isFull) this.#parse(true);
    const { names = [] } = this.#header ?? {};
    const notes = repeated(names, this.#file);
    if (this.isFull) notes.push(this.#limits.note(this.#file, this.#rows.length));
    const bad = this.#bad.toSorted((a, b) => a.row - b.row);
    return { rows: this.#rows, bad, columns: [...new Set(names)], notes };
  }

  /** Parses the lines, but for a row at their end that may go on. */
  #parse(isEnd: boolean): void {
    while (this.#lines.length > 0) {
      let read = 0;
      try {
        const delimiter = this.#delimiter ?? ",";
        // Tabs separate; quotes in such files are quotes.
        const plain = delimiter === "\t" ? -1 : this.#lines.findIndex((line) => line.includes('"'));
        for (const [i, line] of (plain < 0 ? this.#lines : this.#lines.slice(0, plain)).entries()) {
          this.#record(this.#firstRow + i, this.#firstRow + i + 1, line.split(delimiter));
          read = i + 1;
        }
        if (plain >= 0) {
          parse(this.#lines.slice(plain).join(this.lineEnd), {
            ...{ delimiter, record_delimiter: this.lineEnd },
            ...{ relax_column_count: true, max_record_size: MOST_ROW_BYTES },
            on_record: (fields: string[], { lines }: { readonly lines: number }) => {
              this.#record(this.#firstRow + read, this.#firstRow + plain + lines, fields);
              read = plain + lines;
              return null;
            },
          });
        }
        read = this.#lines.length;
      } catch (cause) {
        if (!(cause instanceof CsvError)) throw cause;
        this.#drop(read);
        const goesOn = cause.code === "CSV_QUOTE_NOT_CLOSED" && !isEnd && this.#characters <= MOST_ROW_BYTES;
        if (goesOn) {
          // As much again before the next attempt, so that the time is linear.
          this.#neededCharacters = Math.max(PIECE_CHARACTERS, 2 * this.#characters);
          return;
        }
        this.#leaveOut(cause);
        read = 1;
      }
      this.#drop(read);
    }
    this.#neededCharacters = PIECE_CHARACTERS;
  }

  #drop(lines: number): void {
    for (const line of this.#lines.splice(0, lines)) this.#characters -= line.length + 1;
    this.#firstRow += lines;
    for (const row of this.#notText.keys()) if (row < this.#firstRow) this.#notText.delete(row);
  }

  #leaveOut(cause: CsvError): void {
    const bad = { row: this.#firstRow, ...whatIs(cause) };
    this.#resumed += 1;
    if (this.#header === undefined || this.#resumed > MOST_RESUMED) {
      const which = this.#header === undefined ? "the header" : "this and many rows before";
      throw new ModelError("input", `${this.#file}: row ${bad.row}${bad.why}: ${which} cannot be read.`, { cause });
    }
    this.#bad.push(bad);
  }

  #record(row: number, next: number, fields: readonly string[]): void {
    const bad = this.#notText.size > 0 ? this.#notTextIn(row, next) : undefined;
    if (this.isFull || (bad === undefined && fields.length === 1 && fields[0] === "")) return;
    if (bad !== undefined) {
      this.#bad.push({ row, ...bad });
      return;
    }
    if (this.#header === undefined) {
      this.#header = headerOf(fields, this.#file, this.#limits);
      return;
    }
    const { names, kept } = this.#header;
    if (fields.length < names.length || fields.slice(names.length).some((field) => field.trim() !== "")) {
      const counts = `${fields.length} fields, the header ${names.length}`;
      const why = ` does not fit the header (it has ${counts})`;
      this.#bad.push({ row, what: "their fields do not fit the header", why });
      this.#limits.count({});
    } else {
      const value = Object.fromEntries(kept.map(([name, field]) => [name, fields[field] ?? ""]));
      this.#rows.push({ row, value });
      this.#limits.count(value);
    }
  }

  #notTextIn(row: number, next: number): typeof NOT_UTF8 | undefined {
    for (const [at, what] of this.#notText) if (at >= row && at < next) return what;
    return undefined;
  }
}

function requireText(line: Buffer, file: string): void {
  if (line.includes(0) || /^(\xFF\xFE|\xFE\xFF)/.test(line.toString("latin1", 0, 2))) decodeText(line, file);
}

function headerOf(fields: readonly string[], file: string, limits: RowLimits): Header {
  if (fields.length > MOST_COLUMNS) {
    const advice = `At most ${MOST_COLUMNS.toLocaleString("en-US")} are read: leave out those that are not needed.`;
    throw new ModelError("input", `${file} has ${fields.length.toLocaleString("en-US")} columns. ${advice}`);
  }
  const names = fields.map((name) => name.trim());
  const used = new Map<string, number>();
  for (const [i, name] of names.entries()) if (limits.uses(name) && !used.has(name)) used.set(name, i);
  return { names, kept: [...used] };
}

function whatIs({ code, message }: CsvError): Pick<BadRow, "what" | "why"> {
  if (code === "CSV_QUOTE_NOT_CLOSED" || code === "CSV_INVALID_CLOSING_QUOTE")
    return { what: "a quote that is opened there is not closed", why: " opens a quote that is not closed" };
  if (code === "CSV_MAX_RECORD_SIZE") return TOO_LONG;
  const why = message.replace(/:? {0,9}(on|at|opening at)? line \d+.*$/s, "");
  return { what: "not valid CSV", why: ` is not valid CSV (${why})` };
}

function repeated(names: readonly string[], file: string): string[] {
  const times = new Map<string, number>();
  for (const name of names) times.set(name, (times.get(name) ?? 0) + 1);
  return [...times]
    .filter(([name, count]) => name !== "" && count > 1)
    .slice(0, 10)
    .map(([name, count]) => `${file}: the column "${name}" stands there ${count} times; the first is used.`);
}
