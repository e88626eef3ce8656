/** Texts as the document model reads them: their prose, and pairs from their headings and front matter. */
import { ModelError } from "../../../models/errors.ts";
import { lineNumbers } from "../../text/document/source.ts";
import { type ProseBlock, proseBlocks, readDocument } from "../../text/document.ts";
import { type FrontMatter, frontMatterIn, frontMatterValues, keyIn } from "../../text/front-matter.ts";
import { writeProse } from "../../text/written-prose.ts";
import type { Document, Pair } from "./dataset.ts";

/** Sections of fewer words say too little to be titled. */
const LEAST_WORDS = 20;

/** Pairs from a text, or why there are none. */
export type FromText = { readonly pairs: readonly Pair[] } | { readonly why: string };

/** The prose of a text, with headings and list marks as the model is given them; empty where it has none. */
export async function proseOf(text: string, name: string): Promise<string> {
  return writeProse(proseBlocks((await readDocument(text, name)).blocks)).text;
}

/** Each heading as the title of the prose beneath it, up to the next heading. */
export async function sectionPairs({ source, text }: Document): Promise<FromText> {
  const blocks = proseBlocks((await readDocument(text, source)).blocks);
  const headings = blocks.flatMap(({ block }, i) => (block.kind === "heading" ? [i] : []));
  const rowOf = lineNumbers(text);
  const pairs = headings.flatMap((at, i): Pair[] => {
    const { block, prose } = blocks[at] as ProseBlock;
    const input = writeProse(blocks.slice(at + 1, headings[i + 1] ?? blocks.length)).text;
    const row = rowOf(block.start);
    return words(input) < LEAST_WORDS ? [] : [{ source, input, target: prose.text, file: source, row }];
  });
  if (pairs.length > 0) return { pairs };
  return { why: headings.length === 0 ? "no headings" : `no section of ${LEAST_WORDS} words below a heading` };
}

/** The description (or summary) in a text's front matter, as the summary of its prose. */
export async function descriptionPairs({ source, text }: Document): Promise<FromText> {
  const matter = frontMatterIn(text);
  if (matter === undefined) return { why: "no front matter" };
  const described = descriptionIn(matter);
  if ("why" in described) return described;
  const input = await proseOf(text, source);
  if (words(input) < LEAST_WORDS) return { why: `fewer than ${LEAST_WORDS} words of prose` };
  const at = matter.source.search(new RegExp(`^[ \\t{]*["']?${described.key}["']?[ \\t]*[:=]`, "m"));
  const row = lineNumbers(text)(matter.start + Math.max(0, at));
  return { pairs: [{ source, input, target: described.description, file: source, row }] };
}

function descriptionIn(
  matter: FrontMatter,
): { readonly key: string; readonly description: string } | { readonly why: string } {
  try {
    const values = frontMatterValues(matter);
    const key = keyIn(values, ["description", "summary"]);
    const value = key === undefined ? undefined : values[key];
    const description = typeof value === "string" || typeof value === "number" ? String(value) : "";
    const line = description.replace(/\s+/g, " ").trim();
    return key === undefined || line === ""
      ? { why: "no description in their front matter" }
      : { key, description: line };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { why: "their front matter is not valid" };
  }
}

function words(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}
