/** Rows to train on: texts of common words, each with one of them for a summary. */
const WORDS = "the of and to in is that it for was on are as with they be at one have this from".split(" ");

/** A text of thirty words that no other number gives. */
export function textOf(i: number): string {
  return Array.from({ length: 30 }, (_, j) => WORDS[(i * 5 + j * j) % WORDS.length]).join(" ");
}

/** Rows of texts, summaries and sources. */
export function pairRows(count: number): { text: string; summary: string; source: string }[] {
  return Array.from({ length: count }, (_, i) => ({ text: textOf(i), summary: WORDS[i] ?? "", source: `f${i}` }));
}

/** Rows as lines of JSON. */
export function asLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
