/**
 * How much of the words of real documents the document model shows, beside what each format's own tool shows
 * (test/fixtures/prose-view/make.py).
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as z from "zod";
import { proseBlocks, proseText, readDocument, type TextDocument } from "../../server/text/document.ts";
import { printTable } from "../support/table.ts";

const DOCUMENTS = "test/fixtures/prose-view/documents.json.gz";

const documentsSchema = z.array(
  z.object({
    source: z.string(),
    commit: z.string(),
    path: z.string(),
    license: z.string(),
    isPiece: z.boolean(),
    text: z.string(),
    reference: z.string(),
  }),
);

/** Words that two texts have in common, in order, and the words of each. */
export interface Agreement {
  readonly name: string;
  readonly format: string;
  readonly common: number;
  readonly ofReference: number;
  readonly ofOurs: number;
}

/** A document of the fixture, or a piece of one, with the words that its format's own tool shows. */
export type ReferenceDocument = z.output<typeof documentsSchema>[number];

/** The documents of the fixture. */
export function readReferenceDocuments(): ReferenceDocument[] {
  return documentsSchema.parse(JSON.parse(gunzipSync(readFileSync(DOCUMENTS)).toString("utf8")));
}

/** The agreement of each document. */
export async function proseViewAgreements(documents: readonly ReferenceDocument[]): Promise<Agreement[]> {
  return Promise.all(
    documents.map(async ({ source, path, text, reference }) => {
      const format = path.slice(path.lastIndexOf(".") + 1);
      const [theirs, ours] = [wordsOf(reference), wordsOf(shownText(text, await readDocument(text, path)))];
      const common = commonWords(theirs, ours);
      return { name: `${source} ${path}`, format, common, ofReference: theirs.length, ofOurs: ours.length };
    }),
  );
}

/** The agreements summed by format. */
export function byFormat(agreements: readonly Agreement[]): (Agreement & { readonly documents: number })[] {
  const formats = [...new Set(agreements.map(({ format }) => format))].sort();
  return formats.map((format) => {
    const own = agreements.filter((one) => one.format === format);
    const sum = (of: (one: Agreement) => number) => own.reduce((total, one) => total + of(one), 0);
    return {
      ...{ name: format, format, documents: own.length, common: sum(({ common }) => common) },
      ...{ ofReference: sum(({ ofReference }) => ofReference), ofOurs: sum(({ ofOurs }) => ofOurs) },
    };
  });
}

/** Prints the agreements by format, and those of all documents or of those below 98%. */
export async function benchProseView({ all }: { readonly all?: boolean }): Promise<void> {
  const agreements = await proseViewAgreements(readReferenceDocuments());
  const row = ({ name, common, ofReference, ofOurs }: Agreement) => [
    name,
    `${ofReference}`,
    percent(common / ofReference),
    percent(common / ofOurs),
  ];
  const head = ["", "words", "of the reference", "of ours"];
  const shown = agreements.filter(
    ({ common, ofReference, ofOurs }) => all === true || common < 0.98 * Math.max(ofReference, ofOurs),
  );
  if (shown.length > 0) printTable([head, ...shown.map(row)]);
  const formats = byFormat(agreements).map((one) => row({ ...one, name: `${one.format}, ${one.documents} documents` }));
  printTable([head, ...formats]);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)}%`;
}

/** The prose of a document without LaTeX's short formulas, which the view writes out and the references leave out. */
function shownText(text: string, document: TextDocument): string {
  if (document.format !== "latex") return proseText(document);
  return proseBlocks(document.blocks)
    .map(({ prose }) => [...prose.text].filter((_, i) => text[prose.starts[i] ?? 0] !== "$").join(""))
    .join("\n\n");
}

function wordsOf(text: string): string[] {
  return text.replaceAll("’", "'").match(/[\p{L}\p{M}\p{N}_]+/gu) ?? [];
}

/**
 * The length of the longest common subsequence, a bit for each word.
 * @see Hyyrö, "Bit-parallel LCS-length computation revisited" (2004)
 */
export function commonWords(left: readonly string[], right: readonly string[]): number {
  const places = new Map<string, bigint>();
  for (const [i, word] of left.entries()) places.set(word, (places.get(word) ?? 0n) | (1n << BigInt(i)));
  const full = (1n << BigInt(left.length)) - 1n;
  let open = full;
  for (const word of right) {
    const found = open & (places.get(word) ?? 0n);
    open = ((open + found) | (open - found)) & full;
  }
  let common = 0;
  for (let rest = full & ~open; rest > 0n; rest >>= 32n) common += ones(Number(rest & 0xffffffffn));
  return common;
}

function ones(bits: number): number {
  return bits.toString(2).replaceAll("0", "").length;
}
