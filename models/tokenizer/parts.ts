/** A model's input in parts, so that names of tokens in a person's text stay text. */
import { ModelError } from "../errors.ts";
import type { EncodeOptions, Tokenizer } from "./tokenizer.ts";

/** A part of the encoder's input. */
export type InputPart =
  /**
   * Text to tokenize. `continues`: it follows the previous part without white space, so its first word gets no "▁"
   * (for text after a gap that ends inside a word or before punctuation; also allowed for text that begins with white
   * space). `special`: names of tokens in it, such as `<extra_id_0>`, are those tokens; otherwise they are ordinary
   * text.
   */
  | { readonly kind: "text"; readonly text: string; readonly continues?: boolean; readonly special?: boolean }
  /** Sentinel `<extra_id_N>`. */
  | { readonly kind: "sentinel"; readonly index: number }
  /** One token by its id. */
  | { readonly kind: "token"; readonly id: number };

/**
 * Token ids of the parts in order, between the tokens that stand around every text; the one way from text to what a
 * model reads. Text parts that adjoin are encoded as one text.
 * @throws ModelError "tokenizer" when a sentinel is not in the vocabulary
 */
export function encodeInput(
  tokenizer: Tokenizer,
  parts: readonly InputPart[],
  maxTokens = Number.POSITIVE_INFINITY,
): number[] {
  const { after } = tokenizer.frame;
  return [...encodeParts(tokenizer, parts).slice(0, Math.max(0, maxTokens - after.length)), ...after];
}

/**
 * Token ids of the parts in order, after the tokens that precede every text, without those that follow it.
 * @throws ModelError "tokenizer" when a sentinel is not in the vocabulary
 */
export function encodeParts(tokenizer: Tokenizer, parts: readonly InputPart[]): number[] {
  return [...tokenizer.frame.before, ...encodePieces(tokenizer, parts)];
}

/**
 * Token ids of the parts in order, without those around a text.
 * @throws ModelError "tokenizer" when a sentinel is not in the vocabulary
 */
export function encodePieces(tokenizer: Tokenizer, parts: readonly InputPart[]): number[] {
  const ids: number[] = [];
  for (const part of joinedText(parts)) {
    if (part.kind === "token") ids.push(part.id);
    else if (part.kind === "sentinel") ids.push(sentinel(tokenizer, part.index));
    else for (const id of tokenizer.encode(part.text, part)) ids.push(id);
  }
  return ids;
}

/** Token ids of what a model should write, with names of special tokens as tokens; ends with eos in any case. */
export function encodeTarget(tokenizer: Tokenizer, text: string): number[] {
  const before = tokenizer.beforeTarget ?? tokenizer.frame.before;
  const pieces = encodePieces(tokenizer, [{ kind: "text", text, special: true }]);
  const ids = [...before, ...pieces, ...tokenizer.frame.after];
  return ids.at(-1) === tokenizer.eosId ? ids : [...ids, tokenizer.eosId];
}

/**
 * Parts of a prefix and the text that it stands before. A prefix that ends without white space gets a space.
 * @param special whether names of special tokens are tokens in the text, too, as they are in the prefix
 */
export function prefixedText(prefix: string, text: string, special = false): InputPart[] {
  if (prefix.trim() === "") return [{ kind: "text", text, special }];
  const head = /\s$/u.test(prefix) ? prefix : `${prefix} `;
  return [
    { kind: "text", text: head, special: true },
    { kind: "text", text, special },
  ];
}

/** A part; names of special tokens may be tokens in its beginning only. */
export type JoinedPart = Exclude<InputPart, { kind: "text" }> | ({ kind: "text"; text: string } & EncodeOptions);

/** The parts, those of text that adjoin as one: names of tokens are read up to the end of the part that allows it. */
export function joinedText(parts: readonly InputPart[]): JoinedPart[] {
  const result: JoinedPart[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    const special = part.kind === "text" && (part.special ?? false);
    if (part.kind !== "text" || last?.kind !== "text" || part.continues === true) {
      result.push(part.kind === "text" ? { ...part, special } : part);
    } else if (last.special === special || (last.special === true && !special)) {
      const shared = last.special === special ? special : { before: last.text.length };
      result[result.length - 1] = { ...last, text: last.text + part.text, special: shared };
    } else if (special === false) {
      result[result.length - 1] = { ...last, text: last.text + part.text };
    } else result.push({ ...part, special });
  }
  return result;
}

function sentinel(tokenizer: Tokenizer, index: number): number {
  const id = tokenizer.sentinelIds[index];
  if (id !== undefined) return id;
  throw new ModelError(
    "tokenizer",
    `The vocabulary has ${tokenizer.sentinelIds.length} sentinels, but <extra_id_${index}> was requested. Fill fewer gaps in one pass, or use a model with more sentinels.`,
  );
}
