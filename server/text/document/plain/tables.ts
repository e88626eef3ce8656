/** Tells tables of comma-separated and other delimited values from prose. */

/** Rows that are looked at. */
const MOST_ROWS = 60;
const MOST_UNITS = 40_000;
/** Words of a cell that is not a sentence's part. */
const FEW_WORDS = 6;

/** Whether a text is rows of one number of columns. Quoted cells may hold marks and line ends. */
export function isDelimited(text: string): boolean {
  const head = text.slice(0, MOST_UNITS);
  return ["\t", ";", ",", "|"].some((mark) => isTable(rowsOf(head, mark), mark));
}

interface Row {
  readonly cells: readonly string[];
  /** Whether a mark is followed by a blank, as prose has it. */
  readonly isSpaced: boolean;
}

function isTable(rows: readonly Row[], mark: string): boolean {
  const [first] = rows;
  if (first === undefined || rows.length < 3) return false;
  const columns = first.cells.length;
  if (columns < 2 || rows.some(({ cells }) => cells.length !== columns)) return false;
  if (mark === "\t") return true;
  if (rows.every(({ isSpaced }) => !isSpaced)) return true;
  const isShort = ({ cells }: Row) => cells.every((cell) => cell.trim().split(/\s+/).length <= FEW_WORDS);
  return columns >= 3 && rows.filter(isShort).length > 0.8 * rows.length;
}

/** The rows of a text's beginning, without empty lines and the one that is cut. */
function rowsOf(text: string, mark: string): Row[] {
  const rows: Row[] = [];
  let cells: string[] = [];
  let isSpaced = false;
  let start = 0;
  const endRow = (end: number) => {
    cells.push(text.slice(start, end));
    if (cells.length > 1 || (cells[0] ?? "").trim() !== "") rows.push({ cells, isSpaced });
    [cells, isSpaced] = [[], false];
  };
  for (let at = 0; at < text.length && rows.length < MOST_ROWS; at++) {
    const unit = text[at];
    if (unit === '"' && at === start) at = endOfQuoted(text, at);
    else if (unit === mark) {
      cells.push(text.slice(start, at));
      start = at + 1;
      isSpaced ||= text[start] === " ";
    } else if (unit === "\n") {
      endRow(at);
      start = at + 1;
    }
  }
  if (start < text.length && text.length < MOST_UNITS && rows.length < MOST_ROWS) endRow(text.length);
  return rows;
}

/** The place of the quotation mark that closes a cell; of one that is not closed, the one that opens it. */
function endOfQuoted(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    if (text[at + 1] !== '"') return at;
    at += 1;
  }
  return open;
}
