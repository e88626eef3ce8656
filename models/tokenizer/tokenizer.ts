/** Text to token ids and back, for any T5 vocabulary in a tokenizer.json. */
import { Tokenizer as LibraryTokenizer, PreTokenizer } from "@huggingface/tokenizers";
import * as z from "zod";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../errors.ts";
import { fromModelText, toModelText } from "./layout.ts";
import { UnigramModel, WORD_START } from "./unigram.ts";

/** Options of encoding a text. */
export interface EncodeOptions {
  /** Whether the text follows without white space, so that its first word gets no "▁". Default false. */
  readonly continues?: boolean;
  /**
   * Whether names of special tokens in the text (`<extra_id_0>`, `</s>`) are those tokens. Default false: they are
   * text.
   */
  readonly special?: boolean;
}

/** A vocabulary, with encoding and decoding. */
export interface Tokenizer {
  /** Token ids of a text, without eos; characters without a piece become unkId. */
  encode(text: string, options?: EncodeOptions): number[];
  /** Text of ids, without special tokens unless `keepSpecial`. Ids outside the vocabulary read as unknown. */
  decode(ids: readonly number[], options?: { readonly keepSpecial?: boolean }): string;
  /** The piece of an id ("▁" for a space); undefined outside the vocabulary. */
  pieceOf(id: number): string | undefined;
  /** The largest id plus one. */
  readonly size: number;
  /** The initial token of every text, if the model was trained with one (CodeT5). */
  readonly bosId?: number;
  readonly eosId: number;
  readonly padId: number;
  readonly unkId: number;
  /** Ids of `<extra_id_0>`, `<extra_id_1>`, ... up to the first missing one. */
  readonly sentinelIds: readonly number[];
  /** Length marks (`<length_8>`: a fill of at least 8 words), ascending. */
  readonly lengthMarks: readonly { readonly leastWords: number; readonly id: number }[];
  /** Ids of a soft prompt (`<prompt_0>` ...), which precede inputs and never occur in outputs. */
  readonly promptIds: readonly number[];
  /** Whether newlines have pieces. */
  readonly spellsLayout: boolean;
}

const addedToken = z.looseObject({
  id: z.int().nonnegative(),
  content: z.string().min(1),
  special: z.boolean().optional(),
});

const file = z.looseObject({
  model: z.looseObject({
    type: z.literal("Unigram").optional(),
    unk_id: z.int().nonnegative(),
    byte_fallback: z.boolean().default(false),
    vocab: z.custom<unknown[]>(Array.isArray, "must be a list of pieces"),
  }),
  added_tokens: z.array(addedToken).default([]),
  normalizer: z.unknown().default(null),
  pre_tokenizer: z.unknown().default(null),
  decoder: z.unknown().default(null),
});

type TokenizerFile = z.output<typeof file>;

/**
 * Creates a tokenizer from a parsed tokenizer.json, in the current layout or in the older one whose model has no
 * type.
 * @throws ModelError "tokenizer" when it is not a Unigram tokenizer.json or has no `</s>`
 */
export function createTokenizer(json: unknown): Tokenizer {
  const parsed = file.safeParse(json);
  if (!parsed.success) throw notATokenizer(z.prettifyError(parsed.error), parsed.error);
  const { model: unigram } = parsed.data;
  const added = withStandardTokens(parsed.data);
  const special = added.filter((token) => token.special === true);
  const reserved = new Set(special.map((token) => token.content));
  const model = new UnigramModel(unigram.vocab, unigram.unk_id, reserved, unigram.byte_fallback);
  for (const token of added) {
    model.tokens_to_ids.set(token.content, token.id);
    model.vocab[token.id] = token.content;
  }

  // The library gets a stub model, which saves 200 ms for a trie and the memory of the file's vocabulary.
  const pipeline = { ...parsed.data, added_tokens: added, model: { type: "Unigram", unk_id: 0, vocab: [["", 0]] } };
  const libraries = new Map<string, LibraryTokenizer>();
  const library = (options: EncodeOptions): LibraryTokenizer => {
    const key = `${options.special === true} ${options.continues === true}`;
    const tokenizer = libraries.get(key) ?? createLibraryTokenizer(pipeline, model, options);
    libraries.set(key, tokenizer);
    return tokenizer;
  };
  const reader = library({ special: true });
  const idOf = (content: string): number | undefined => model.tokens_to_ids.get(content);
  const spellsLayout = added.some((token) => token.content === "\n" && token.special !== true);
  // Sentinels absorb the space before them, so that " <" cannot become one piece.
  const names = special.map((token) => token.content.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const spaceBeforeSpecial = new RegExp(` (?=${names.join("|")})`, "g");

  return {
    encode: (text, options = {}) => {
      const spelled = spellsLayout ? toModelText(text) : text;
      const shown = spellsLayout && options.special === true ? spelled.replace(spaceBeforeSpecial, "") : spelled;
      return shown === "" ? [] : library(options).encode(shown, { add_special_tokens: false }).ids;
    },
    decode: (ids, options = {}) => {
      if (ids.length === 0) return "";
      const text = reader.decode([...ids], { skip_special_tokens: options.keepSpecial !== true });
      return spellsLayout ? fromModelText(text) : text;
    },
    pieceOf: (id) => model.vocab[id],
    size: model.vocab.length,
    eosId: requiredId(idOf, "</s>"),
    padId: requiredId(idOf, "<pad>"),
    unkId: unigram.unk_id,
    sentinelIds: sentinels(idOf),
    lengthMarks: added
      .map((token) => ({ leastWords: Number(/^<length_(\d+)>$/.exec(token.content)?.[1]), id: token.id }))
      .filter((mark) => !Number.isNaN(mark.leastWords))
      .sort((a, b) => a.leastWords - b.leastWords),
    promptIds: special.filter((token) => /^<prompt_\d+>$/.test(token.content)).map((token) => token.id),
    spellsLayout,
  };
}

/**
 * Checks that a tokenizer has the model's vocabulary.
 * @param vocabSize rows of the model's embedding; usually a few more than the tokenizer has (28 in T5)
 * @param eosTokenId the model's end of sequence, if its configuration names it
 * @throws ModelError "tokenizer" when ids exceed the embedding, much of it would be unused, or the end tokens differ
 */
export function checkVocabulary(tokenizer: Tokenizer, vocabSize: number, eosTokenId = tokenizer.eosId): void {
  const advice =
    "This tokenizer has another vocabulary: take tokenizer.json or spiece.model from the model's own repository.";
  if (tokenizer.size > vocabSize) {
    throw new ModelError(
      "tokenizer",
      `The tokenizer's ids go up to ${tokenizer.size - 1}, but the model has ${vocabSize} tokens. ${advice}`,
    );
  }
  if (vocabSize - tokenizer.size > Math.max(1024, vocabSize / 10)) {
    throw new ModelError(
      "tokenizer",
      `The tokenizer has ${tokenizer.size} tokens and the model ${vocabSize}. ${advice}`,
    );
  }
  if (tokenizer.eosId !== eosTokenId) {
    throw new ModelError(
      "tokenizer",
      `The tokenizer's </s> has id ${tokenizer.eosId}, but the model's configuration says ${eosTokenId}. ${advice}`,
    );
  }
}

/** The library's pipeline around our model. */
function createLibraryTokenizer(
  pipeline: Pick<TokenizerFile, "added_tokens">,
  model: UnigramModel,
  options: EncodeOptions,
): LibraryTokenizer {
  const added = pipeline.added_tokens.filter((token) => options.special === true || token.special !== true);
  try {
    const tokenizer = new LibraryTokenizer(
      { ...pipeline, post_processor: null, added_tokens: added },
      { clean_up_tokenization_spaces: false },
    );
    tokenizer.model = model;
    if (options.continues === true && tokenizer.pre_tokenizer !== null) {
      tokenizer.pre_tokenizer = new ContinuingPreTokenizer(tokenizer.pre_tokenizer);
    }
    return tokenizer;
  } catch (error) {
    throw notATokenizer(reason(error), error);
  }
}

/** The added tokens, and T5's own special pieces if the file lists them only as pieces. */
function withStandardTokens({ model, added_tokens: added }: TokenizerFile): z.output<typeof addedToken>[] {
  const listed = new Set(added.map((token) => token.id));
  const standard = /^(?:<pad>|<\/s>|<unk>|<extra_id_\d+>)$/;
  const missing: z.output<typeof addedToken>[] = [];
  for (let id = 0; id < model.vocab.length; id++) {
    const row = model.vocab[id];
    const content: unknown = Array.isArray(row) ? row[0] : undefined;
    if (typeof content !== "string" || content.charCodeAt(0) !== 60 || listed.has(id) || !standard.test(content))
      continue;
    missing.push({ id, content, special: true, normalized: false });
  }
  return [...added, ...missing];
}

/** Removes the "▁" that another pre-tokenizer put before a text that does not begin with white space. */
class ContinuingPreTokenizer extends PreTokenizer {
  private readonly inner: PreTokenizer;

  constructor(inner: PreTokenizer) {
    super();
    this.inner = inner;
  }

  override pre_tokenize_text(text: string, options?: { section_index?: number }): string[] {
    const words = this.inner.pre_tokenize_text(text, options);
    const [first = "", ...rest] = words;
    const added = options?.section_index === 0 && /^[^\s▁]/u.test(text) && first.startsWith(WORD_START);
    return added ? [first.slice(WORD_START.length), ...rest] : words;
  }
}

function sentinels(idOf: (content: string) => number | undefined): number[] {
  const ids: number[] = [];
  for (let id = idOf("<extra_id_0>"); id !== undefined; id = idOf(`<extra_id_${ids.length}>`)) ids.push(id);
  return ids;
}

function requiredId(idOf: (content: string) => number | undefined, content: string): number {
  const id = idOf(content);
  if (id !== undefined) return id;
  throw notATokenizer(`it has no ${content}`, undefined);
}

function notATokenizer(reason: string, cause: unknown): ModelError {
  return new ModelError(
    "tokenizer",
    `tokenizer.json cannot be used: ${reason}. A T5 tokenizer has a Unigram model; take tokenizer.json or spiece.model from the model's own repository.`,
    { cause },
  );
}
