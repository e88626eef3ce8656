/** A key of front matter set to a text, everything else in it left as it is, byte for byte. */
import { isDeepStrictEqual } from "node:util";
import { parseTree } from "jsonc-parser";
import { isMap, isScalar, type Pair, parseDocument, stringify, type YAMLMap } from "yaml";
import { ModelError } from "../../../../models/errors.ts";
import {
  type FrontMatter,
  frontMatterIn,
  frontMatterValues,
  type Matter,
  type MatterLanguage,
  tomlProgram,
} from "../../../text/front-matter.ts";
import type { FieldEdit } from "./edit.ts";

/**
 * The edit that sets a key of a text's front matter.
 * @param key as it is written there, or a new one
 * @param newline the text's line end
 * @throws ModelError "input" when the front matter is not valid, or when the value cannot be put there without changing
 *   something else
 */
export function matterEdit(text: string, matter: FrontMatter, key: string, value: string, newline: string): FieldEdit {
  const before = frontMatterValues(matter);
  const { [key]: old } = before;
  if (typeof old === "object" && old !== null && !(old instanceof Date)) {
    throw new ModelError("input", `The front matter's "${key}" holds several values, not one text. Change it by hand.`);
  }
  const { start, end, newText } = editors[matter.language](matter.source, key, value, newline);
  const edit = { start: matter.start + start, end: matter.start + end, newText };
  if (!isSetBy(edit, text, matter, { ...before, [key]: value })) {
    throw new ModelError(
      "input",
      `The front matter's "${key}" cannot be changed without changing something else there. Change it by hand.`,
    );
  }
  return edit;
}

/** Whether an edited text has the values that it should have, and the body that it had. */
function isSetBy({ start, end, newText }: FieldEdit, text: string, matter: FrontMatter, expected: Matter): boolean {
  const edited = text.slice(0, start) + newText + text.slice(end);
  const after = frontMatterIn(edited);
  if (after?.language !== matter.language || edited.slice(after.bodyStart) !== text.slice(matter.bodyStart))
    return false;
  try {
    return isDeepStrictEqual({ ...frontMatterValues(after) }, { ...expected });
  } catch (error) {
    if (error instanceof ModelError) return false;
    throw error;
  }
}

/** Front matter that holds one key. */
export function newMatter(key: string, value: string, newline: string): string {
  return ["---", `${key}: ${yamlScalar(value, false)}`, "---", "", ""].join(newline);
}

type Editor = (source: string, key: string, value: string, newline: string) => FieldEdit;

const editors: { readonly [L in MatterLanguage]: Editor } = { yaml: yamlEdit, toml: tomlEdit, json: jsonEdit };

function yamlEdit(source: string, key: string, value: string, newline: string): FieldEdit {
  const { contents } = parseDocument(source);
  const map = isMap(contents) ? contents : undefined;
  const pair = map?.items.find((item) => isScalar(item.key) && item.key.value === key);
  const keyRange = isScalar(pair?.key) ? pair.key.range : undefined;
  const written = yamlScalar(value, map?.flow === true);
  if (map !== undefined && pair !== undefined && keyRange) return yamlValueEdit(source, pair, keyRange[1], written);
  if (map?.flow === true && map.range) return flowInsertion(source, map, `${key}: ${written}`);
  const indent = " ".repeat(columnOf(source, map));
  const head = source === "" || source.endsWith("\n") ? "" : newline;
  return { start: source.length, end: source.length, newText: `${head}${indent}${key}: ${written}${newline}` };
}

/** From after the key to the value's end, comments after it left alone; a block's last line break is its own. */
function yamlValueEdit(source: string, { value }: Pair, keyEnd: number, written: string): FieldEdit {
  const between = source.indexOf(":", keyEnd);
  const hasColon = between >= 0 && source.slice(keyEnd, between).trim() === "";
  if (!hasColon) return { start: keyEnd, end: keyEnd, newText: `: ${written}` };
  const start = between + 1;
  const valueEnd = hasRange(value) ? value.range[1] : keyEnd;
  const end = Math.max(start, source.slice(0, valueEnd).trimEnd().length);
  return { start, end, newText: ` ${written}` };
}

function flowInsertion(source: string, { items, range }: YAMLMap, entry: string): FieldEdit {
  const close = source.lastIndexOf("}", range?.[1]);
  const at = source.slice(0, close).trimEnd().length;
  const comma = items.length === 0 || source[at - 1] === "," ? "" : ",";
  return { start: at, end: at, newText: `${comma}${items.length === 0 ? "" : " "}${entry}` };
}

/** The column of a map's first key. */
function columnOf(source: string, map: YAMLMap | undefined): number {
  const key = map?.items[0]?.key;
  const at = hasRange(key) ? key.range[0] : 0;
  const column = at - (source.lastIndexOf("\n", at - 1) + 1);
  return source.slice(at - column, at).trim() === "" ? column : 0;
}

/** A text as YAML 1.1 and 1.2 both read it; plain where both would. */
function yamlScalar(value: string, isFlow: boolean): string {
  const options = { lineWidth: 0 } as const;
  const plain = [stringify(value, options), stringify(value, { ...options, version: "1.1" })].map((text) =>
    text.trimEnd(),
  );
  const quoted = plain.find((text) => text !== value);
  if (isFlow && quoted === undefined && /[,[\]{}]/.test(value)) return JSON.stringify(value);
  if (quoted === undefined) return value;
  return quoted.includes("\n") || !/^["']/.test(quoted) ? JSON.stringify(value) : quoted;
}

function hasRange(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}

function tomlEdit(source: string, key: string, value: string, newline: string): FieldEdit {
  const written = JSON.stringify(value).replaceAll("\u007F", "\\u007F");
  const pairs = tomlProgram(source).body[0].body.filter((node) => node.type === "TOMLKeyValue");
  const pair = pairs.find(({ key: { keys } }) => {
    const [only, ...more] = keys;
    return more.length === 0 && only !== undefined && (only.type === "TOMLBare" ? only.name : only.value) === key;
  });
  if (pair !== undefined) return { start: pair.value.range[0], end: pair.value.range[1], newText: written };
  // Before the first table, to which it would belong otherwise.
  const last = pairs.at(-1)?.range[1];
  const line = last === undefined ? 0 : source.indexOf("\n", last) + 1;
  const at = last !== undefined && line === 0 ? source.length : line;
  const head = at === 0 || source[at - 1] === "\n" ? "" : newline;
  return { start: at, end: at, newText: `${head}${key} = ${written}${newline}` };
}

function jsonEdit(source: string, key: string, value: string, newline: string): FieldEdit {
  const properties = parseTree(source)?.children ?? [];
  const written = JSON.stringify(value);
  const old = properties.findLast(({ children }) => children?.[0]?.value === key)?.children?.[1];
  if (old !== undefined) return { start: old.offset, end: old.offset + old.length, newText: written };
  const [, indent = "  "] = /[\r\n]([ \t]+)"/.exec(source) ?? [];
  const last = properties.at(-1);
  const at = last === undefined ? source.indexOf("{") + 1 : last.offset + last.length;
  const comma = last === undefined ? "" : ",";
  return { start: at, end: at, newText: `${comma}${newline}${indent}${JSON.stringify(key)}: ${written}` };
}
