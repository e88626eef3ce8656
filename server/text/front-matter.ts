/** Front matter's values, read by the parsers of YAML, TOML and JSON. */

import { type AST, getStaticTOMLValue, parseTOML } from "toml-eslint-parser";
import { isMap, parseDocument } from "yaml";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";
import { frontMatterOf } from "./document/front-matter.ts";
import { normalized } from "./document/source.ts";

/** The language of front matter. */
export type MatterLanguage = "yaml" | "toml" | "json";

/** Front matter in a text; offsets in UTF-16 units. */
export interface FrontMatter {
  readonly language: MatterLanguage;
  /** Its source between the marks, with line ends LF; JSON with its braces. */
  readonly source: string;
  readonly start: number;
  readonly end: number;
  /** Where the text after it begins. */
  readonly bodyStart: number;
}

const NAMES: Readonly<Record<MatterLanguage, string>> = { yaml: "YAML", toml: "TOML", json: "JSON" };

/** The front matter that a text begins with; undefined where there is none. */
export function frontMatterIn(text: string): FrontMatter | undefined {
  const plain = normalized(text);
  const block = frontMatterOf(plain);
  const { name, content } = block ?? {};
  if (block === undefined || content === undefined) return undefined;
  if (name !== "yaml" && name !== "toml" && name !== "json") return undefined;
  return { language: name, source: plain.slice(content.start, content.end), ...content, bodyStart: block.end };
}

/**
 * The keys of front matter and their values, as its language defines them.
 * @throws ModelError "input" when it is not valid, or not a list of keys and values
 */
export function frontMatterValues({ language, source }: Pick<FrontMatter, "language" | "source">): Matter {
  try {
    return readers[language](source);
  } catch (cause) {
    throw invalid(language, reason(cause).split("\n")[0] ?? "", cause);
  }
}

/** Keys and values. */
export type Matter = Readonly<Record<string, unknown>>;

/**
 * The first of some keys that front matter has, in lower case or, as Hugo reads keys, in any.
 * @returns the key as it is written
 */
export function keyIn(values: Matter, names: readonly string[]): string | undefined {
  const keys = Object.keys(values);
  return names
    .map((name) => keys.find((key) => key === name) ?? keys.find((key) => key.toLowerCase() === name))
    .find((key) => key !== undefined);
}

const readers: { readonly [L in MatterLanguage]: (source: string) => Matter } = {
  yaml(source) {
    const document = parseDocument(source);
    const [error] = document.errors;
    if (error !== undefined) throw error;
    if (document.contents === null) return {};
    if (!isMap(document.contents)) throw new Error("it is not a list of keys.");
    return document.toJS() as Matter;
  },
  toml: (source) => getStaticTOMLValue(tomlProgram(source)) as Matter,
  json: (source) => JSON.parse(source) as Matter,
};

/** TOML as a tree with offsets. @throws where it is not valid */
export function tomlProgram(source: string): AST.TOMLProgram {
  return parseTOML(source, { tomlVersion: "1.0" });
}

function invalid(language: MatterLanguage, why: string, cause: unknown): ModelError {
  const sentence = /[.:]$/.test(why) ? why : `${why}.`;
  return new ModelError(
    "input",
    `The front matter is not valid ${NAMES[language]}: ${sentence} Correct it, then try again.`,
    { cause },
  );
}
