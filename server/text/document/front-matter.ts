/** Front matter: the YAML, TOML or JSON that a text begins with, between its marks. */
import type { Block } from "./block.ts";
import { plainBlock } from "./block.ts";
import { normalized } from "./source.ts";

/** Front matter that is longer is taken for text. */
const MOST_UNITS = 200_000;

/**
 * The front matter of a normalized text, or undefined.
 * @returns a block named yaml, toml or json; its content stands between the marks
 */
export function frontMatterOf(text: string): Block | undefined {
  const start = text.startsWith(" ---") || text.startsWith(" +++") ? 1 : 0; // where a byte order mark was
  const [, mark] = /^(---|\+\+\+)[ \t]*\n/.exec(text.slice(start, start + 100)) ?? [];
  if (mark !== undefined) return between(text, start, mark);
  return text[start] === "{" ? jsonAt(text, start) : undefined;
}

/**
 * The YAML between the lines of dashes that any text begins with, and where the text goes on; undefined where there is
 * none.
 */
export function yamlOf(text: string): { start: number; end: number; bodyStart: number } | undefined {
  const block = frontMatterOf(normalized(text));
  if (block?.name !== "yaml" || block.content === undefined) return undefined;
  return { ...block.content, bodyStart: block.end };
}

function between(text: string, start: number, mark: string): Block | undefined {
  const first = text.indexOf("\n", start) + 1;
  for (let line = first; line < text.length && line - start < MOST_UNITS; ) {
    const at = text.indexOf("\n", line);
    const stop = at < 0 ? text.length : at;
    const content = text.slice(line, stop).trimEnd();
    if (content === mark || (mark === "---" && content === "...")) {
      // "---", a blank line and prose up to another "---" are two thematic breaks.
      const matter = text.slice(first, line);
      if (mark === "---" && /^[ \t]*\n/.test(matter) && !isYaml(matter)) return undefined;
      const name = mark === "---" ? "yaml" : "toml";
      return plainBlock("frontMatter", start, Math.min(stop + 1, text.length), {
        name,
        content: { start: first, end: line },
      });
    }
    line = stop + 1;
  }
  return undefined;
}

/** Whether every line may be one of YAML's: a key, an item, a comment, or a line that goes on. */
function isYaml(content: string): boolean {
  const lines = content.split("\n").filter((line) => line.trim() !== "");
  const [head] = lines;
  if (head === undefined) return true;
  return /^\s*(#|-\s|[\w"'$@.[{<&!*-][^\n]*?:(\s|$)|[{[%])/.test(head);
}

function jsonAt(text: string, start: number): Block | undefined {
  if (!/^\{(?:[ \t]*\n|\s*")/.test(text.slice(start, start + 200))) return undefined;
  const at = text.slice(start, start + MOST_UNITS).search(/\n\}[ \t]*(\n|$)/);
  if (at < 0) return undefined;
  const stop = start + at + 2;
  try {
    JSON.parse(text.slice(start, stop));
  } catch {
    return undefined;
  }
  const end = text.indexOf("\n", stop);
  return plainBlock("frontMatter", start, end < 0 ? text.length : end + 1, {
    name: "json",
    content: { start, end: stop },
  });
}
