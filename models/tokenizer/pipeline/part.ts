/**
 * Reads the parts of a tokenizer.json. The pipeline follows huggingface/tokenizers (Rust) and is our own because
 * @huggingface/tokenizers carries out only some of what a part may say (flags of added tokens, character maps, split
 * behaviors) and ignores the rest; what it does as the reference does, translating patterns, is taken from it.
 */
import { ReplaceNormalizer } from "@huggingface/tokenizers";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../errors.ts";
import { slowBecause } from "./pattern-cost.ts";

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

/**
 * Checks that a part is not nested deeply and consists of few parts, as those of published tokenizers do.
 * @throws ModelError "tokenizer" otherwise
 */
export function requireSmall(part: Part, place: string): void {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: part, depth: 0 }];
  let parts = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MOST_DEPTH) throw unsupported(`its ${place} is nested more than ${MOST_DEPTH} levels deep`);
    parts += 1;
    if (parts > MOST_PARTS) throw unsupported(`its ${place} has more than ${MOST_PARTS} parts`);
    for (const inner of Object.values(value)) open.push({ value: inner, depth: depth + 1 });
  }
}

const MOST_DEPTH = 16;
const MOST_PARTS = 1000;

/**
 * Applies steps one after another.
 * @throws ModelError "tokenizer" when they make a text many times longer
 */
export function inTurn<T>(steps: readonly ((value: T) => T)[], lengthOf: (value: T) => number, place: string) {
  return (value: T): T => {
    const most = MOST_GROWTH * lengthOf(value) + ALWAYS;
    return steps.reduce((changed, step) => {
      const next = step(changed);
      if (lengthOf(next) > most) throw unsupported(`its ${place} makes a text more than ${MOST_GROWTH} times longer`);
      return next;
    }, value);
  };
}

/**
 * Replaces what a pattern matches.
 * @throws ModelError "tokenizer" when that makes a text many times longer
 */
export function replacer(pattern: RegExp, content: string, place: string): (text: string) => string {
  return (text) => {
    let room = MOST_GROWTH * text.length + ALWAYS;
    return text.replace(pattern, () => {
      room -= content.length;
      if (room < 0) throw unsupported(`its ${place} makes a text more than ${MOST_GROWTH} times longer`);
      return content;
    });
  };
}

/** A character's compatible spelling has up to 18, and a byte's up to 6. */
const MOST_GROWTH = 32;
const ALWAYS = 1000;

/** A field that is a text. */
export function textField(part: Part, key: string, place: string, otherwise?: string): string {
  const value = part[key] ?? otherwise;
  if (typeof value === "string" && (value.length <= MOST_TEXT || key === "precompiled_charsmap")) return value;
  if (typeof value === "string")
    throw unsupported(`its ${place} of type ${String(part["type"])} has a ${key} of more than ${MOST_TEXT} characters`);
  throw unsupported(`its ${place} of type ${String(part["type"])} has no ${key}`);
}

const MOST_TEXT = 1000;

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
    const compiled = translated === null ? undefined : new RegExp(translated.source, "gu");
    const why = compiled && slowBecause(source, compiled.source);
    if (why !== undefined) throw new Error(`it ${why}, which may take hours`);
    if (compiled !== undefined) return compiled;
  } catch (error) {
    throw unsupported(`its ${place} has the pattern ${shown(source)} (${reason(error)})`, error);
  }
  throw unsupported(`its ${place} has the pattern ${shown(source)}`);
}

function shown(pattern: string): string {
  return JSON.stringify(pattern.length > MOST_SHOWN ? `${pattern.slice(0, MOST_SHOWN)}…` : pattern);
}

const MOST_SHOWN = 100;

/** A pattern that matches the text itself. */
export function literal(text: string): RegExp {
  return new RegExp(escaped(text), "gu");
}

/** The text as the source of a regular expression. */
export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
