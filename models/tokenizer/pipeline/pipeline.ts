/** The pipeline of a tokenizer.json: added tokens, normalizer, pre-tokenizer, model, decoder, post-processor. */
import * as z from "zod";
import { furtherSpecial, NO_SETTINGS } from "../special-tokens.ts";
import { type AddedToken, createTokenFinder, type SpecialRange } from "./added-tokens.ts";
import { createDecoder } from "./decoders.ts";
import { type Frame, readFrame } from "./frame.ts";
import { createNormalizer, type Normalizer } from "./normalizers.ts";
import { type Part, partAt, requireSmall, unsupported } from "./part.ts";
import { createPreTokenizer } from "./pre-tokenizers.ts";
import { createStartLength } from "./start-length.ts";
import { createVocabulary } from "./subwords.ts";

/** Encodes and decodes as huggingface/tokenizers does. */
export interface Pipeline {
  /** Ids of a text, without what a post-processor adds. */
  encode(text: string, options: { readonly continues: boolean; readonly special: SpecialRange }): number[];
  decode(ids: readonly number[], keepSpecial: boolean): string;
  readonly added: readonly AddedToken[];
  readonly idOf: ReadonlyMap<string, number>;
  readonly pieces: readonly string[];
  readonly unknown: number | undefined;
  /** The tokens that the post-processor puts around a text; undefined without one. */
  readonly frame: Frame | undefined;
}

const addedToken = z.looseObject({
  id: z.int().nonnegative(),
  content: z.string(),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().optional(),
  special: z.boolean().default(false),
});
const file = z.looseObject({ added_tokens: z.array(addedToken).nullish() });

/**
 * Creates the pipeline.
 * @param json a parsed tokenizer.json, in the current layout or in the older one whose model has no type
 * @param settings what files beside it say of tokens
 * @throws ModelError "tokenizer" that names the part which cannot be carried out
 */
export function createPipeline(json: unknown, settings = NO_SETTINGS): Pipeline {
  const whole = partAt(json, "content");
  const modelPart = whole && partAt(whole["model"], "model");
  if (whole === null || modelPart === null) throw unsupported("it has no model");
  const parsed = file.safeParse(whole);
  if (!parsed.success) throw unsupported("an entry of its added_tokens has no id and content", parsed.error);
  const listed = (parsed.data.added_tokens ?? []).map((token) => ({
    ...token,
    normalized: token.normalized ?? !token.special,
  }));
  const reserved = reservedNames([...listed, ...settings.added]);
  const { model, idOf, pieces, standard } = createVocabulary(modelPart, reserved);
  const known = [...listed, ...standardTokens(listed, pieces, standard), ...settings.added];
  const added = withSpecial(numbered(known, idOf, pieces.length), settings, idOf, pieces.length);
  for (const { content, id } of added) {
    idOf.set(content, id);
    pieces[id] = content;
  }
  const part = (key: string) => {
    const found = partAt(whole[key], key);
    if (found !== null) requireSmall(found, key);
    return found;
  };
  const normalizerPart = part("normalizer");
  const normalize = normalizerPart === null ? (text: string) => text : createNormalizer(normalizerPart);
  const startLength = normalizerPart === null ? () => 1 : createStartLength(normalizerPart);
  const steps = stepsOf(normalize, startLength, part("pre_tokenizer"), added);
  // Tokens that are looked for in the normalized text read as they stand there.
  const shown = new Map<number, string>();
  for (const { content, id, normalized } of added) if (normalized) shown.set(id, normalize(content));
  const decoderPart = part("decoder");
  const decode = decoderPart === null ? undefined : createDecoder(decoderPart);
  const specialNames = new Set(added.filter(({ special }) => special).map(({ content }) => content));
  const framePart = part("post_processor");
  return {
    encode(text, options) {
      const ids: number[] = [];
      for (const section of steps(text, options)) {
        if (typeof section === "number") ids.push(section);
        else for (const id of model.ids(section)) ids.push(id);
      }
      return ids;
    },
    decode(ids, keepSpecial) {
      const tokens: string[] = [];
      for (const id of ids) {
        const piece = shown.get(id) ?? pieces[id];
        if (piece !== undefined && (keepSpecial || !specialNames.has(piece))) tokens.push(piece);
      }
      return decode === undefined ? tokens.join(" ") : decode(tokens).join("");
    },
    added,
    idOf,
    pieces,
    unknown: model.unknown,
    frame: framePart === null ? undefined : readFrame(framePart, idOf),
  };
}

type Steps = (text: string, options: { continues: boolean; special: SpecialRange }) => Iterable<number | string>;

/** From a text to words and the ids of added tokens. */
function stepsOf(
  normalize: Normalizer,
  startLengthOf: (text: string) => number,
  preTokenizerPart: Part | null,
  added: readonly AddedToken[],
): Steps {
  const preTokenize = preTokenizerPart === null ? undefined : createPreTokenizer(preTokenizerPart);
  const asksForStart = preTokenizerPart !== null && JSON.stringify(preTokenizerPart).includes('"first"');
  const findAsWritten = createTokenFinder(added.filter(({ normalized }) => !normalized));
  const later = added.filter(({ normalized }) => normalized);
  const findNormalized = later.length === 0 ? undefined : createTokenFinder(later, normalize);
  return function* (text, { continues: joins, special }) {
    const follows = joins && /^[^\s▁]/u.test(text);
    for (const { from, to, id } of findAsWritten(text, special)) {
      if (id !== undefined) {
        yield id;
        continue;
      }
      const written = text.slice(from, to);
      const normalized = normalize(written);
      if (normalized === "") continue;
      const atStart = from === 0 && (asksForStart || follows) ? startLengthOf(written) : 0;
      // Places of a normalized text are not those of the text; names in it count by where it begins.
      const sections = findNormalized?.(normalized, special, from) ?? [{ from: 0, to: normalized.length }];
      for (const section of sections) {
        if (section.id !== undefined) {
          yield section.id;
          continue;
        }
        const startLength = Math.max(0, atStart - section.from);
        const continues = section.from === 0 && startLength > 0 && follows;
        const stretch = { text: normalized.slice(section.from, section.to), startLength, continues };
        if (preTokenize === undefined) yield stretch.text;
        else for (const word of preTokenize([stretch])) yield word.text;
      }
    }
  };
}

/** Names of special tokens, which text never spells, but those that stand for whole words only. */
function reservedNames(tokens: readonly AddedToken[]): Set<string> {
  const neverSpelled = tokens.filter(({ special, single_word: inWords }) => special && !inWords);
  return new Set(neverSpelled.map(({ content }) => content));
}

/** The tokens, and those for names that only the settings call special. @param size number of pieces */
function withSpecial(
  known: readonly AddedToken[],
  settings: typeof NO_SETTINGS,
  idOf: ReadonlyMap<string, number>,
  size: number,
): AddedToken[] {
  const next = known.reduce((next, { id }) => Math.max(next, id + 1), size);
  const isKnown = (name: string) => idOf.has(name) || known.some(({ content }) => content === name);
  return [...known, ...furtherSpecial(settings, isKnown, next)];
}

/**
 * Added tokens with the ids that they get, whatever the file says: that of a piece of the same name, or the next.
 * @see add_tokens
 */
function numbered(tokens: readonly AddedToken[], pieces: ReadonlyMap<string, number>, size: number): AddedToken[] {
  const known = new Map<string, AddedToken>();
  let next = size;
  for (const token of tokens) {
    if (token.content === "" || known.has(token.content)) continue;
    const id = pieces.get(token.content) ?? next;
    if (id >= next) next = id + 1;
    known.set(token.content, { ...token, id });
  }
  return [...known.values()];
}

/** T5's own special pieces, which some files list only as pieces. */
function standardTokens(
  listed: readonly AddedToken[],
  pieces: readonly string[],
  standard: readonly number[],
): AddedToken[] {
  const known = new Set(listed.map(({ content }) => content));
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return standard.flatMap((id) => {
    const content = pieces[id] ?? "";
    return known.has(content) ? [] : [{ id, content, ...flags }];
  });
}
