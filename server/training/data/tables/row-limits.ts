/** Limits of the rows that training reads, so that memory and time are bounded whatever a file holds. */

/** The longest row of a file that is read line by line. No row that a person wrote is longer. */
export const MOST_ROW_BYTES = 16 * 1024 * 1024;

/** The largest file of rows, unpacked. */
export const MOST_FILE_BYTES = 1024 * 1024 * 1024;

/** Rows of a data set: two passes over them take hours on a processor. */
const MOST_ROWS = 1_000_000;

/** Characters of a data set's columns that are used. */
const MOST_CHARACTERS = 128 * 1024 * 1024;

/** Columns that a file may have; those of the widest published tables are thousands. */
export const MOST_COLUMNS = 100_000;

/** Texts that are longer are documents by mistake; files of texts have the same limit. */
const MOST_TEXT_CHARACTERS = 2 * 1024 * 1024;

/** The reason why rows with such a text are refused. */
export const TEXT_TOO_LONG = "a text is longer than 2 million characters";

/** Whether a cell is, or holds, too long a text. */
export function isTooLong(cell: unknown): boolean {
  for (const part of partsOf(cell)) if (typeof part === "string" && part.length > MOST_TEXT_CHARACTERS) return true;
  return false;
}

/** The room that is left for reading a data set, and the columns that are used. */
export class RowLimits {
  readonly #columns: ReadonlySet<string>;
  #rows: number;
  #characters = MOST_CHARACTERS;

  /** @param columns names of the columns that may be used, in any case */
  constructor(columns: Iterable<string>, rows: number = MOST_ROWS) {
    this.#columns = new Set([...columns].map(folded));
    this.#rows = rows;
  }

  /** Whether a column may be used; the cells of others are not kept. */
  uses(column: string): boolean {
    return this.#columns.has(folded(column));
  }

  /** The rows that may still be read. */
  get rows(): number {
    return this.#characters > 0 ? this.#rows : 0;
  }

  /** Counts a row that was read. */
  count(value: Readonly<Record<string, unknown>>): void {
    this.#rows -= 1;
    for (const cell of Object.values(value)) this.#characters -= charactersOf(cell);
  }

  /** The note on a file of which only the beginning was read. */
  note(file: string, rows: number): string {
    const most = `${MOST_ROWS.toLocaleString("en-US")} rows and ${MOST_CHARACTERS >> 20} million characters`;
    return `${file}: only the first ${rows} rows are read: a data set may have ${most}.`;
  }
}

function folded(column: string): string {
  return column.trim().toLowerCase();
}

function charactersOf(cell: unknown): number {
  let sum = 0;
  for (const part of partsOf(cell)) sum += typeof part === "string" ? part.length : 16;
  return sum;
}

/** A cell and all that is in it, however deep. */
function* partsOf(cell: unknown): Generator<unknown> {
  const parts = [cell];
  while (parts.length > 0) {
    const part = parts.pop();
    yield part;
    if (typeof part === "object" && part !== null) for (const inner of Object.values(part)) parts.push(inner);
  }
}
