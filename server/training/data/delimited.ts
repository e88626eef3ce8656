/** Rows of CSV and TSV. A row that cannot be read is named and left out; the next line begins the next row. */
import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";
import { ModelError } from "../../../models/errors.ts";
import type { BadRow, RawRow, ReadRows } from "./rows.ts";

/** No row that a person wrote is longer. */
export const MAX_ROW_BYTES = 16 * 1024 * 1024;

/** Rows that are left out one by one; a file with more has another format. */
const MOST_RESUMED = 200;

/**
 * The rows of a text of fields between delimiters.
 * @param usual the delimiter that the file's name tells; Excel's first line `sep=;` names another, and a header with
 *   semicolons only has these
 * @throws ModelError "input" when the header cannot be read
 */
export function delimitedRows(text: string, file: string, usual: "," | "\t"): ReadRows {
  const [named = "", delimiterNamed] = /^sep=(.)[ \t]*(?:\r\n|\n|\r|$)/i.exec(text) ?? [];
  const lines = linesOf(text.slice(named.length));
  const delimiter = delimiterNamed ?? usualOf(lines.texts[0] ?? "", usual);
  const { records, bad } = recordsOf(lines, delimiter, named === "" ? 1 : 2, file);
  const [header, ...rest] = records;
  if (header === undefined) return { rows: [], bad };
  const names = header.fields.map((name) => name.trim());
  const rows: RawRow[] = [];
  for (const { row, fields } of rest) {
    if (fields.slice(names.length).some((field) => field.trim() !== "") || fields.length < names.length) {
      const counts = `${fields.length} fields, the header ${names.length}`;
      bad.push({ row, what: "their fields do not fit the header", why: ` does not fit the header (it has ${counts})` });
    } else rows.push({ row, value: byName(names, fields) });
  }
  return { rows, bad: bad.toSorted((a, b) => a.row - b.row), notes: repeated(names, file) };
}

/** Advice on rows that could not be read. */
export function delimitedAdvice(usual: "," | "\t"): string {
  return `Quote fields that hold a ${usual === "," ? "comma" : "tab"} or a line end, or correct the rows.`;
}

interface Lines {
  readonly texts: readonly string[];
  readonly end: string;
}

interface Record {
  readonly row: number;
  readonly fields: readonly string[];
}

function linesOf(text: string): Lines {
  const [end = "\n"] = /\r\n|\n|\r/.exec(text) ?? [];
  return { texts: text.split(end), end };
}

function usualOf(header: string, usual: "," | "\t"): string {
  return usual === "," && !header.includes(",") && header.includes(";") ? ";" : usual;
}

function recordsOf({ texts, end }: Lines, delimiter: string, firstRow: number, file: string) {
  const records: Record[] = [];
  const bad: BadRow[] = [];
  // Lines that are done, and of those that are given to the parser.
  let done = 0;
  for (let resumed = 0; done < texts.length; resumed++) {
    let read = 0;
    try {
      parse(texts.slice(done).join(end), {
        ...{ delimiter, record_delimiter: end, relax_column_count: true, max_record_size: MAX_ROW_BYTES },
        // Tabs separate; quotes in such files are quotes.
        ...(delimiter === "\t" && { quote: null }),
        on_record: (fields: string[], { lines }: { readonly lines: number }) => {
          const isBlank = fields.length === 1 && fields[0] === "";
          if (!isBlank) records.push({ row: firstRow + done + read, fields });
          read = lines;
          return null;
        },
      });
      break;
    } catch (cause) {
      if (!(cause instanceof CsvError)) throw cause;
      const badRow = { row: firstRow + done + read, ...whatIs(cause) };
      if (records.length === 0 || resumed >= MOST_RESUMED) {
        const which = records.length === 0 ? "the header" : "this and many rows before";
        throw new ModelError("input", `${file}: row ${badRow.row}${badRow.why}: ${which} cannot be read.`, { cause });
      }
      bad.push(badRow);
      done += read + 1;
    }
  }
  return { records, bad };
}

function whatIs({ code, message }: CsvError): Pick<BadRow, "what" | "why"> {
  if (code === "CSV_QUOTE_NOT_CLOSED" || code === "CSV_INVALID_CLOSING_QUOTE")
    return { what: "a quote that is opened there is not closed", why: " opens a quote that is not closed" };
  if (code === "CSV_MAX_RECORD_SIZE")
    return { what: "longer than 16 MB", why: " is longer than 16 MB. Is a quote or a line end missing" };
  const why = message.replace(/:? *(on|at|opening at)? line \d+.*$/s, "");
  return { what: "not valid CSV", why: ` is not valid CSV (${why})` };
}

/** The fields by their columns' names; the first of those with one name. */
function byName(names: readonly string[], fields: readonly string[]): { [name: string]: string } {
  const cells = new Map<string, string>();
  for (const [i, name] of names.entries()) if (!cells.has(name)) cells.set(name, fields[i] ?? "");
  return Object.fromEntries(cells);
}

function repeated(names: readonly string[], file: string): string[] {
  const several = [...new Set(names.filter((name, i) => name !== "" && names.indexOf(name) !== i))];
  return several.map((name) => {
    const times = names.filter((other) => other === name).length;
    return `${file}: the column "${name}" stands there ${times} times; the first is used.`;
  });
}
