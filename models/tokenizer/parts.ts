/** A model's input in parts, so that names of tokens in a person's text stay text. */
import { ModelError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

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
 * Token ids of the parts in order, after the vocabulary's initial token if it has one, without eos.
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
    `The vocabulary has ${tokenizer.sentinelIds.length} sentinels, but <extra_id_${index}> was requested. Fill fewer gaps in one pass, or use a model with more sentinels.`,
  );
}
