/** A model's input in parts, since names of tokens in a person's text must stay text. */
import { ModelError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A piece of the encoder's input. */
export type InputPart =
  /**
   * Text to tokenise. `continues`: it follows the part before it with no white space, so its first word gets no "▁"
   * (the text after a gap that ends inside a word or before punctuation; text that begins with white space may say so too).
   * `special`: names of tokens in it, such as `<extra_id_0>`, are those tokens; without it they are text like any other.
   */
  | { readonly kind: "text"; readonly text: string; readonly continues?: boolean; readonly special?: boolean }
  /** Sentinel `<extra_id_N>`. */
  | { readonly kind: "sentinel"; readonly index: number }
  /** One token by its id. */
  | { readonly kind: "token"; readonly id: number };

/**
 * Token ids of the parts, one after the other, with what the vocabulary begins texts with, without eos.
 * @throws ModelError "tokenizer" when a sentinel is not in the vocabulary
 */
export function encodeParts(tokenizer: Tokenizer, parts: readonly InputPart[]): number[] {
  const ids: number[] = tokenizer.bosId === undefined ? [] : [tokenizer.bosId];
  for (const part of parts) {
    if (part.kind === "token") ids.push(part.id);
    else if (part.kind === "sentinel") ids.push(sentinel(tokenizer, part.index));
    else for (const id of tokenizer.encode(part.text, part)) ids.push(id);
  }
  return ids;
}

function sentinel(tokenizer: Tokenizer, index: number): number {
  const id = tokenizer.sentinelIds[index];
  if (id !== undefined) return id;
  throw new ModelError(
    "tokenizer",
    `The vocabulary has ${tokenizer.sentinelIds.length} sentinels and <extra_id_${index}> was asked for. Fill fewer gaps in one pass, or take a model with more sentinels.`,
  );
}
