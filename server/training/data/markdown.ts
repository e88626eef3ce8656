/** Pairs from Markdown files: a heading of each section, and front matter's description of each text. */
import { isMap, isScalar, parseDocument } from "yaml";
import { yamlOf } from "../../text/document/front-matter.ts";
import type { Document, Pair } from "./dataset.ts";

/** Sections of fewer words say too little to be titled. */
const LEAST_WORDS = 20;

/** Each heading as the title of the text beneath it, up to the next heading. Code in fences holds no headings. */
export function sectionPairs({ source, text }: Document): Pair[] {
  const pairs: Pair[] = [];
  let heading: { readonly title: string; readonly row: number } | undefined;
  let body: string[] = [];
  let fence: string | undefined;
  const close = () => {
    const input = body.join("\n").trim();
    if (heading !== undefined && words(input) >= LEAST_WORDS) {
      pairs.push({ source, input, target: heading.title, file: source, row: heading.row });
    }
    body = [];
  };
  for (const [i, line] of text.replace(/\r\n/g, "\n").split("\n").entries()) {
    const [, mark] = /^\s*(```|~~~)/.exec(line) ?? [];
    if (mark !== undefined) fence = fence === undefined ? mark : fence === mark ? undefined : fence;
    const [, title] = fence === undefined ? (/^#{1,6}\s+(.+?)\s*#*\s*$/.exec(line) ?? []) : [];
    if (title === undefined) body.push(line);
    else {
      close();
      heading = { title: title.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, ""), row: i + 1 };
    }
  }
  close();
  return pairs;
}

/** The description (or summary) in a text's front matter, as the text's summary; none where that is not valid YAML. */
export function frontMatterPairs({ source, text }: Document): Pair[] {
  const matter = yamlOf(text);
  if (matter === undefined) return [];
  const { contents, errors } = parseDocument(text.slice(matter.start, matter.end));
  const pair = isMap(contents)
    ? contents.items.find(({ key }) => isScalar(key) && SUMMARY_KEY.test(`${key}`))
    : undefined;
  const target = isScalar(pair?.value) ? `${pair.value.value ?? ""}`.replace(/\s+/g, " ").trim() : "";
  const input = text.slice(matter.bodyStart).trim();
  if (errors.length > 0 || target === "" || words(input) < LEAST_WORDS) return [];
  const keyStart = matter.start + (isScalar(pair?.key) ? (pair.key.range?.[0] ?? 0) : 0);
  return [{ source, input, target, file: source, row: text.slice(0, keyStart).split("\n").length }];
}

const SUMMARY_KEY = /^(description|summary)$/;

function words(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}
