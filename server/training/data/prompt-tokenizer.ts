/** A tokenizer that knows the tokens of a soft prompt, so that a prompt is a prefix that any reader can write. */
import * as z from "zod";
import { ModelError } from "../../../models/errors.ts";

/** A tokenizer.json and the prompt's tokens in it. */
export interface PromptTokenizer {
  readonly json: object;
  /** `<prompt_0>`, `<prompt_1>`, ... */
  readonly names: readonly string[];
  /** Their ids begin here, where the vocabulary ended. */
  readonly firstId: number;
}

/**
 * Adds a prompt's tokens behind a tokenizer's vocabulary.
 * @param json tokenizer.json
 * @throws ModelError "tokenizer" when it is of another kind than T5's, or has such tokens already
 */
export function promptTokenizer(json: unknown, tokens: number): PromptTokenizer {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw new ModelError(
      "tokenizer",
      "A soft prompt needs a unigram vocabulary (model.type Unigram in tokenizer.json), as T5 has it. Choose --method lora.",
    );
  }
  const { added_tokens: added, model } = parsed.data;
  const names = Array.from({ length: tokens }, (_, i) => `<prompt_${i}>`);
  if (added.some(({ content }) => names.includes(content))) {
    throw new ModelError(
      "tokenizer",
      "The model has a soft prompt already. Choose --method full or lora to train it further.",
    );
  }
  const firstId = Math.max(model.vocab.length, ...added.map(({ id }) => id + 1));
  const promptTokens = names.map((content, i) => ({
    id: firstId + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  return { json: { ...parsed.data, added_tokens: [...added, ...promptTokens] }, names, firstId };
}

const schema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string() })),
  // Files older than the types have none.
  model: z.looseObject({ type: z.literal("Unigram").default("Unigram"), vocab: z.array(z.unknown()) }),
});
