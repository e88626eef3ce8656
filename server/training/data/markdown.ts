/** Pairs from Markdown files: a heading of each section, and front matter's description of each text. */
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

/** What a text's front matter says of it (`description`, or `summary`), as its summary. */
export function frontMatterPairs({ source, text }: Document): Pair[] {
  const [whole = "", head = ""] = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---\r?\n/.exec(text) ?? [];
  const input = text.slice(whole.length).trim();
  const lines = head.split(/\r?\n/);
  const at = lines.findIndex((line) => /^(description|summary):/.test(line));
  const [, said = ""] = /^\w+:\s*(.*)$/.exec(lines[at] ?? "") ?? [];
  // A block (">" or "|") goes on in indented lines.
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => !/^\s+\S/.test(line));
  const block = /^[>|][+-]?$/.test(said) ? rest.slice(0, end < 0 ? rest.length : end).join(" ") : said;
  const target = block
    .replace(/^(["'])(.*)\1$/, "$2")
    .replace(/\s+/g, " ")
    .trim();
  if (at < 0 || target === "" || words(input) < LEAST_WORDS) return [];
  return [{ source, input, target, file: source, row: at + 2 }];
}

function words(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}
