/**
 * Reads the parts of a tokenizer.json. The pipeline follows huggingface/tokenizers (Rust) and is our own because
 * @huggingface/tokenizers carries out only some of what a part may say (flags of added tokens, character maps, split
 * behaviors) and ignores the rest; what it does as the reference does, translating patterns, is taken from it.
 */
import { ReplaceNormalizer } from "@huggingface/tokenizers";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../errors.ts";

/** A part as tokenizer.json has it. */
export type Part = Readonly<Record<string, unknown>>;

/**
 * An error that names the part which cannot be carried out.
 * @param what the part and what is odd about it, as in "its normalizer has the type Nonsense"
 */
export function unsupported(what: string, cause?: unknown): ModelError {
  return new ModelError(
    "tokenizer",
    `tokenizer.json cannot be used: ${what}. Use another file of the same vocabulary, such as spiece.model, or a model whose tokenizer does without it.`,
    { cause },
  );
}

/** The part at a place, or null. @throws ModelError "tokenizer" when it is neither */
export function partAt(value: unknown, place: string): Part | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "object" && !Array.isArray(value)) return { ...value };
  throw unsupported(`its ${place} is not an object`);
}

/** The parts that a Sequence lists. */
export function partsOf(part: Part, key: string, place: string): Part[] {
  const list = part[key];
  if (!Array.isArray(list)) throw unsupported(`its ${place} of type Sequence has no list ${key}`);
  return list.map((value: unknown) => partAt(value, place)).filter((each): each is Part => each !== null);
}

/** A field that is a text. */
export function textField(part: Part, key: string, place: string, otherwise?: string): string {
  const value = part[key] ?? otherwise;
  if (typeof value === "string") return value;
  throw unsupported(`its ${place} of type ${String(part["type"])} has no ${key}`);
}

/** A field that is true or false. */
export function flag(part: Part, key: string, otherwise: boolean): boolean {
  const value = part[key];
  return typeof value === "boolean" ? value : otherwise;
}

/** A field that is a number. */
export function numberField(part: Part, key: string, place: string, otherwise?: number): number {
  const value = part[key] ?? otherwise;
  if (typeof value === "number") return value;
  throw unsupported(`its ${place} of type ${String(part["type"])} has no ${key}`);
}

/** The pattern of a Split or Replace, with the flags "gu". */
export function patternOf(part: Part, place: string): RegExp {
  const { pattern } = part;
  const text = typeof pattern === "object" && pattern !== null && "String" in pattern ? pattern.String : pattern;
  if (typeof text === "string") return literal(text);
  const source = typeof pattern === "object" && pattern !== null && "Regex" in pattern ? pattern.Regex : undefined;
  if (typeof source !== "string") throw unsupported(`its ${place} of type ${String(part["type"])} has no pattern`);
  try {
    const { pattern: translated } = new ReplaceNormalizer({
      type: "Replace",
      pattern: { Regex: source },
      content: "",
    });
    if (translated !== null) return new RegExp(translated.source, "gu");
  } catch (error) {
    throw unsupported(`its ${place} has the pattern ${JSON.stringify(source)} (${reason(error)})`, error);
  }
  throw unsupported(`its ${place} has the pattern ${JSON.stringify(source)}`);
}

/** A pattern that matches the text itself. */
export function literal(text: string): RegExp {
  return new RegExp(escaped(text), "gu");
}

/** The text as the source of a regular expression. */
export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
