/** Rows of files as they are read, and those of JSON. */
import { reason } from "../../../../base/reason.ts";
import { MOST_COLUMNS, type RowLimits } from "./row-limits.ts";

/** A row of any file as it was read: its place, and its columns. */
export interface RawRow {
  /** From 1; of JSON lines and tables the line it begins on. */
  readonly row: number;
  readonly value: Readonly<Record<string, unknown>>;
}

/** A row that cannot be used. */
export interface BadRow {
  readonly row: number;
  /** The reason that several rows may have in common, after "N rows left out: ". */
  readonly what: string;
  /** The problem of this row, after its number. */
  readonly why: string;
}

/** The rows of a file, and those that could not be read. */
export interface ReadRows {
  readonly rows: readonly RawRow[];
  readonly bad: readonly BadRow[];
  /** The columns that rows have, as they come; those of JSON only up to a limit. */
  readonly columns: readonly string[];
  /** Further notes for a person, in sentences. */
  readonly notes?: readonly string[];
}

/** The objects of JSON lines, blank ones left out. */
export function parseLines(texts: Iterable<string>, limits?: RowLimits): ReadRows {
  const objects = new ObjectRows(limits);
  let row = 0;
  for (const line of texts) {
    row += 1;
    objects.addLine(line, row);
    if (objects.isFull) break;
  }
  return objects;
}

/** Rows that are objects, as they come. */
export class ObjectRows implements ReadRows {
  readonly rows: RawRow[] = [];
  readonly bad: BadRow[] = [];
  readonly #columns = new Set<string>();
  readonly #limits: RowLimits | undefined;

  /** @param limits of what is kept; without them, everything is */
  constructor(limits?: RowLimits) {
    this.#limits = limits;
  }

  get columns(): readonly string[] {
    return [...this.#columns];
  }

  get isFull(): boolean {
    return this.#limits?.rows === 0;
  }

  /** Adds the object of a line of JSON, if it is not blank. */
  addLine(line: string, row: number): void {
    if (line.trim() === "") return;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      this.addBad({ row, what: "not JSON", why: ` is not JSON (${reason(error)})` });
      return;
    }
    this.add(value, row);
  }

  /** Adds a row. */
  add(value: unknown, row: number): void {
    if (!isObject(value)) {
      this.addBad({ row, what: "not JSON objects", why: " is not a JSON object" });
      return;
    }
    const limits = this.#limits;
    const columns = Object.keys(value);
    for (const column of columns) if (this.#columns.size < MOST_COLUMNS) this.#columns.add(column);
    const used = limits === undefined ? columns : columns.filter((column) => limits.uses(column));
    const fields = used.length === columns.length ? value : Object.fromEntries(used.map((name) => [name, value[name]]));
    this.rows.push({ row, value: fields });
    limits?.count(fields);
  }

  /** Adds a row that cannot be used. */
  addBad(bad: BadRow): void {
    this.bad.push(bad);
    this.#limits?.count({});
  }
}

/** A line that is not UTF-8. */
export const NOT_UTF8: Omit<BadRow, "row"> = { what: "not UTF-8", why: " is not UTF-8; save the file as UTF-8" };

/** A line that is longer than any row. */
export const TOO_LONG: Omit<BadRow, "row"> = {
  what: "longer than 16 MB",
  why: " is longer than 16 MB. Is a quote or a line end missing",
};

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
