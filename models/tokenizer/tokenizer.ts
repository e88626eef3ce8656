/** Text to token ids and back, for any T5 vocabulary in a tokenizer.json. */
import { ModelError } from "../errors.ts";
import { fromModelText, toModelText } from "./layout.ts";
import type { AddedToken, SpecialRange } from "./pipeline/added-tokens.ts";
import type { Frame } from "./pipeline/frame.ts";
import { escaped, unsupported } from "./pipeline/part.ts";
import { createPipeline, type Pipeline } from "./pipeline/pipeline.ts";
import { NO_SETTINGS, sentinelIdsOf, specialId, type TokenizerSettings } from "./special-tokens.ts";
import { WORD_START } from "./unigram.ts";

/** Options of encoding a text. */
export interface EncodeOptions {
  /** Whether the text follows without white space, so that its first word gets no "▁". Default false. */
  readonly continues?: boolean;
  /**
   * Whether names of special tokens in the text (`<extra_id_0>`, `</s>`) are those tokens, or up to where. Default
   * false: they are text.
   */
  readonly special?: SpecialRange;
}

/** A vocabulary, with encoding and decoding. */
export interface Tokenizer {
  /** Token ids of a text, without eos; characters without a piece become unkId. */
  encode(text: string, options?: EncodeOptions): number[];
  /** Text of ids, without special tokens unless `keepSpecial`. Ids outside the vocabulary are left out. */
  decode(ids: readonly number[], options?: { readonly keepSpecial?: boolean }): string;
  /** The piece of an id ("▁" for a space); undefined outside the vocabulary. */
  pieceOf(id: number): string | undefined;
  /** The largest id plus one. */
  readonly size: number;
  /** Tokens around every text: `</s>` behind it, in CodeT5 also `<s>` before it. */
  readonly frame: Frame;
  /** Tokens before a target; where absent, those before every text (METRO-T0's `<s>` stands before inputs only). */
  readonly beforeTarget?: readonly number[];
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

/**
 * Creates a tokenizer from a parsed tokenizer.json, of any kind that huggingface/tokenizers reads.
 * @param settings what the files beside it say
 * @throws ModelError "tokenizer" when a part cannot be carried out, or it has no end token
 */
export function createTokenizer(json: unknown, settings: TokenizerSettings = NO_SETTINGS): Tokenizer {
  const pipeline = createPipeline(json, settings);
  const { idOf, pieces, added } = pipeline;
  const special = added.filter((token) => token.special);
  const lengthMarks = lengthMarksOf(added);
  const spellsLayout = isBytes(pipeline) || added.some((token) => token.content === "\n" && !token.special);
  // The built-in models' vocabularies, which alone have such marks, were trained on texts that were spelled anew.
  const spells = spellsLayout && lengthMarks.length > 0;
  // Sentinels absorb the space before them, so that " <" cannot become one piece.
  const names = special.map((token) => escaped(token.content));
  const spaceBeforeSpecial = new RegExp(` (?=${names.join("|")})`, "g");
  const unkId = pipeline.unknown ?? specialId("unk_token", settings, idOf) ?? 0;
  const eosId = specialId("eos_token", settings, idOf);
  if (eosId === undefined) throw unsupported("it has no </s>, and no file beside it names its end token");
  return {
    encode: (text, { continues = false, special = false } = {}) => {
      const spelled = spells ? toModelText(text) : text;
      const shown = spells && special !== false ? spelled.replace(spaceBeforeSpecial, "") : spelled;
      return shown === "" ? [] : pipeline.encode(shown, { continues, special });
    },
    decode: (ids, { keepSpecial = false } = {}) => {
      if (ids.length === 0) return "";
      const text = pipeline.decode(ids, keepSpecial);
      return spells ? fromModelText(text) : text;
    },
    pieceOf: isBytes(pipeline) ? (id) => pieces[id]?.replaceAll("Ġ", WORD_START) : (id) => pieces[id],
    size: pieces.length,
    // T5's own files add </s> even where they do not say so.
    frame: pipeline.frame ?? { before: [], after: isBytes(pipeline) ? [] : [eosId] },
    eosId,
    padId: specialId("pad_token", settings, idOf) ?? unkId,
    unkId,
    sentinelIds: sentinelIdsOf(idOf),
    lengthMarks,
    promptIds: special.filter((token) => /^<prompt_\d+>$/.test(token.content)).map((token) => token.id),
    spellsLayout,
  };
}

/** Whether the pieces are of bytes, so that every text can be spelled. */
function isBytes({ idOf }: Pipeline): boolean {
  return idOf.has("Ġ") && idOf.has("Ċ");
}

function lengthMarksOf(added: readonly AddedToken[]): { leastWords: number; id: number }[] {
  return added
    .map((token) => ({ leastWords: Number(/^<length_(\d+)>$/.exec(token.content)?.[1]), id: token.id }))
    .filter((mark) => !Number.isNaN(mark.leastWords))
    .sort((a, b) => a.leastWords - b.leastWords);
}

const ADVICE =
  "This tokenizer has another vocabulary: take tokenizer.json or spiece.model from the model's own repository.";

/**
 * Checks that a model has a row for each id of a tokenizer, and for those that it puts around a text.
 * @param rows of the model's embedding
 * @throws ModelError "tokenizer" when ids exceed it
 */
export function checkRows({ size, frame, beforeTarget = [] }: Tokenizer, rows: number): void {
  if (size > rows) {
    throw new ModelError(
      "tokenizer",
      `The tokenizer's ids go up to ${size - 1}, but the model has ${rows} tokens. ${ADVICE}`,
    );
  }
  const bad = [...frame.before, ...frame.after, ...beforeTarget].find(
    (id) => !Number.isInteger(id) || id < 0 || id >= rows,
  );
  if (bad === undefined) return;
  throw new ModelError(
    "tokenizer",
    `The tokenizer puts the token ${bad} around texts, but the model's tokens go from 0 to ${rows - 1}. ${ADVICE}`,
  );
}

/**
 * Checks that a tokenizer has the model's vocabulary.
 * @param vocabSize rows of the model's embedding; usually a few more than the tokenizer has (28 in T5)
 * @param eosTokenId the model's end of sequence, if its configuration names it
 * @throws ModelError "tokenizer" when ids exceed the embedding, much of it would be unused, or the end tokens differ
 */
export function checkVocabulary(tokenizer: Tokenizer, vocabSize: number, eosTokenId = tokenizer.eosId): void {
  checkRows(tokenizer, vocabSize);
  if (vocabSize - tokenizer.size > Math.max(1024, vocabSize / 10)) {
    throw new ModelError(
      "tokenizer",
      `The tokenizer has ${tokenizer.size} tokens and the model ${vocabSize}. ${ADVICE}`,
    );
  }
  if (tokenizer.eosId !== eosTokenId) {
    throw new ModelError(
      "tokenizer",
      `The tokenizer's </s> has id ${tokenizer.eosId}, but the model's configuration says ${eosTokenId}. ${ADVICE}`,
    );
  }
}
