/** The second unseen set: raw files in seven formats, commit messages and programs, which nothing is trained on. */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import * as z from "zod";

/** A document of the set. */
export type RawDocument = z.output<typeof rawDocument>;

const rawDocument = z.object({
  /** `owner/repo:path`, `npm:package@version/path` or `python:version/path`. */
  source: z.string(),
  license: z.string(),
  /** The ending of the file's name, or `commit`. */
  format: z.enum(["md", "mdx", "rst", "adoc", "tex", "commit", "ts", "js", "py"]),
  /** Whether the text stands as it was written; otherwise links and tags were taken out. */
  raw: z.boolean(),
  title: z.string().optional(),
  /** Written by the document's authors; taken out of its text. */
  summary: z.string().optional(),
  text: z.string(),
});

/** JSON lines of the set, written by models/recipes/second-set.py. */
export const secondSetPath = "bench/data/second-set.jsonl.br";

/** All documents of the set. */
export function readSecondSet(): RawDocument[] {
  const lines = brotliDecompressSync(readFileSync(secondSetPath)).toString("utf8").trimEnd().split("\n");
  return lines.map((line) => rawDocument.parse(JSON.parse(line)));
}
