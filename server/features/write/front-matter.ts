/** Writes a title or a description where a Markdown document has its own: in its front matter, or as its heading. */
import { isMap, isScalar, parseDocument, stringify } from "yaml";
import { ModelError } from "../../../models/errors.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { yamlOf } from "../../text/document/front-matter.ts";
import { type SummarizeOptions, summarize } from "../read/summarize.ts";
import type { Summary } from "../read/summary.ts";

/** What can be written about a document. */
export type Field = "title" | "description";

/** A replacement in a document; offsets in UTF-16 units. */
export interface FieldEdit {
  readonly start: number;
  readonly end: number;
  readonly newText: string;
}

/**
 * What the model would write.
 * @throws ModelError "input" when there is no text but the front matter; what the model throws
 */
export async function proposeField(
  context: { readonly model: LoadedModel; readonly maxContextTokens: number },
  { text, field }: { readonly text: string; readonly field: Field },
  options: SummarizeOptions,
): Promise<Summary> {
  const body = text.slice(yamlOf(text)?.bodyStart ?? 0);
  const { model, maxContextTokens } = context;
  const style = field === "title" ? "title" : "sentence";
  return summarize({ model }, { text: body, language: "markdown", style, maxContextTokens }, options);
}

/**
 * The edit that puts a value there: the front matter's key, everything else in it as it was; without front matter a
 * title is the first heading, and a description begins a front matter.
 * @throws ModelError "input" when the front matter is no YAML mapping
 */
export function fieldEdit(text: string, field: Field, value: string): FieldEdit {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const line = value.replace(/\s+/g, " ").trim();
  const matter = yamlOf(text);
  if (matter === undefined) {
    if (field === "title") return headingEdit(text, line, newline);
    const yaml = stringify({ [field]: line }, { lineWidth: 0 }).trimEnd();
    return { start: 0, end: 0, newText: ["---", yaml, "---", "", ""].join(newline) };
  }
  const source = text.slice(matter.start, matter.end);
  const document = parseDocument(source);
  const [error] = document.errors;
  if (error !== undefined || (document.contents !== null && !isMap(document.contents))) {
    const why = error === undefined ? "it is no list of keys" : error.message.split("\n")[0];
    throw new ModelError("input", `The front matter is not valid YAML: ${why} Mend it, then try again.`);
  }
  const written = stringify(line, { lineWidth: 0 }).trimEnd();
  const pair = document.contents?.items.find(({ key }) => isScalar(key) && key.value === field);
  const range = isScalar(pair?.key) ? pair.key.range : undefined;
  if (pair === undefined || !range) {
    const before = source === "" || source.endsWith("\n") ? "" : newline;
    return { start: matter.end, end: matter.end, newText: `${before}${field}: ${written}${newline}` };
  }
  // From after the key to the value's end, comments after it left alone; a block's last line break is its own.
  const valueEnd = hasRange(pair.value) ? pair.value.range[1] : range[1];
  const end = source.slice(0, valueEnd).replace(/\s+$/, "").length;
  const colon = source.indexOf(":", range[1]);
  return { start: matter.start + colon + 1, end: matter.start + Math.max(end, colon + 1), newText: ` ${written}` };
}

/**
 * The first heading of the first level gets the title; where there is none before the first paragraph, one is put on
 * top.
 */
function headingEdit(text: string, title: string, newline: string): FieldEdit {
  const [whole, mark = ""] = /^(\s*#[ \t]+)[^\r\n]*/.exec(text) ?? [];
  if (whole === undefined) return { start: 0, end: 0, newText: `# ${title}${newline}${newline}` };
  return { start: mark.length, end: whole.length, newText: title };
}

function hasRange(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}
