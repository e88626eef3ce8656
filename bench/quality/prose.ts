/** The training text as the model meets it in use: the document model's prose, with headings and list marks. */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { proseOf } from "../../server/features/read/prose.ts";

/** A row of docs-corpus-2.jsonl (models/recipes/README.md). */
interface CorpusRow {
  readonly source: string;
  readonly format: string;
  readonly text: string;
}

/**
 * Reads JSON lines of `source`, `format` (a file's ending, or "commit") and `text` from standard input, and writes
 * them with the prose of each text; rows without prose are left out, and counted by format at the end.
 */
export async function writeProse(): Promise<void> {
  const counts = new Map<string, { rows: number; kept: number; from: number; to: number }>();
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    const { source, format, text } = JSON.parse(line) as CorpusRow;
    const language = format === "commit" ? "git-commit" : format;
    const prose = await proseOf(text, language);
    const count = counts.get(format) ?? { rows: 0, kept: 0, from: 0, to: 0 };
    counts.set(format, count);
    count.rows += 1;
    count.from += text.length;
    if (prose === undefined) continue;
    count.kept += 1;
    count.to += prose.length;
    if (!process.stdout.write(`${JSON.stringify({ source, format, text: prose })}\n`))
      await once(process.stdout, "drain");
  }
  for (const [format, { rows, kept, from, to }] of counts)
    console.error(`${format}: ${kept} of ${rows} documents, ${to} of ${from} characters`);
}
