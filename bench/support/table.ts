/** Prints rows as a table with aligned columns. */

/**
 * Writes rows to standard output; the first is the heading. Columns after the first two are aligned to the right where
 * they are figures.
 */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  for (const [r, row] of rows.entries()) {
    const cells = row.map((cell, i) => {
      const figure = rows.slice(1).every((other) => /^[\d.%x+/-]*$/.test(other[i] ?? ""));
      return figure ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
    });
    console.log(cells.join("  ").trimEnd());
    if (r === 0) console.log(widths.map((width) => "-".repeat(width)).join("  "));
  }
}
