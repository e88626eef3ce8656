/**
 * The tokenizer of a spiece.model, with the tokens that files beside it add, as transformers' T5Tokenizer on
 * SentencePiece. There is no library for SentencePiece in JavaScript that reads its options.
 */
import { type AddedToken, createTokenFinder } from "../pipeline/added-tokens.ts";
import { byteName } from "../pipeline/byte-level.ts";
import { readCharacterMap } from "../pipeline/character-map.ts";
import { broken, decodeModel, type Piece, type SentencePieceModel, TYPE, withoutMarker } from "../sentencepiece.ts";
import { furtherSpecial, NO_SETTINGS, sentinelIdsOf, specialId, type TokenizerSettings } from "../special-tokens.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { WORD_START } from "../unigram.ts";
import { createSentencePieceNormalizer } from "./normalizer.ts";
import { createMergingSegmenter, createUnigramSegmenter, type Segmenter } from "./segment.ts";

/**
 * Creates the tokenizer.
 * @param file content of spiece.model, or what it says
 * @param settings what the files beside it say
 * @throws ModelError "tokenizer" when the bytes are not a SentencePiece model, or of a kind that T5s do not have
 */
export function createSentencePieceTokenizer(
  file: Uint8Array | SentencePieceModel,
  settings: TokenizerSettings = NO_SETTINGS,
): Tokenizer {
  const model = file instanceof Uint8Array ? decodeModel(file) : file;
  const pieces = model.pieces.map(withoutMarker);
  checkPieces(pieces, model);
  const { trainer_spec: trainer } = model;
  const added = addedTokens(model.pieces, pieces, settings);
  const names: string[] = pieces.map(({ piece }) => piece);
  for (const { id, content } of added) names[id] = content;
  // Only names that begin as those asked for below: not the thousands of ordinary pieces.
  const idOf = new Map<string, number>();
  const asked = new Set(["<", "\n", ...Object.values(settings.names)].map((name = "") => name.charCodeAt(0)));
  for (let id = 0; id < names.length; id++) {
    const name = names[id] ?? "";
    if (asked.has(name.charCodeAt(0))) idOf.set(name, id);
  }
  const eosId = specialId("eos_token", settings, idOf) ?? (trainer.eos_id >= 0 ? trainer.eos_id : undefined);
  if (eosId === undefined) throw broken("it has no </s>, and no file beside it names its end token", undefined);
  const padId = specialId("pad_token", settings, idOf) ?? (trainer.pad_id >= 0 ? trainer.pad_id : trainer.unk_id);
  const plainIds = idsOfText(model, pieces);
  const find = createTokenFinder(added);
  return {
    encode: (text, { continues = false, special = false } = {}) => {
      const follows = continues && /^[^\s▁]/u.test(text);
      const ids: number[] = [];
      for (const { from, to, id } of find(text, special)) {
        if (id !== undefined) ids.push(id);
        else {
          const stretch = text.slice(from, to);
          // Newer files put a space before the text only, not before each stretch behind a token.
          const prefixes = settings.legacy ? !(follows && from === 0) : from === 0 && !follows;
          for (const one of plainIds(stretch, prefixes)) ids.push(one);
        }
      }
      return ids;
    },
    decode: (ids, { keepSpecial = false } = {}) => decodeIds(ids, keepSpecial, { pieces, model, added }),
    pieceOf: (id) => names[id],
    size: names.length,
    frame: { before: [], after: [eosId] },
    eosId,
    padId,
    unkId: trainer.unk_id,
    sentinelIds: sentinelIdsOf(idOf),
    lengthMarks: [],
    promptIds: added.filter(({ content }) => /^<prompt_\d+>$/.test(content)).map(({ id }) => id),
    spellsLayout: idOf.has("\n"),
  };
}

function checkPieces(pieces: readonly Piece[], { trainer_spec: trainer }: SentencePieceModel): void {
  const kind = { 3: "words (WORD)", 4: "characters (CHAR)" }[trainer.model_type];
  if (kind !== undefined) throw broken(`it splits text into ${kind}, not UNIGRAM or BPE`, undefined);
  if (trainer.model_type !== 1 && trainer.model_type !== 2)
    throw broken(`it is of type ${trainer.model_type}, not Unigram (1) or BPE (2)`, undefined);
  if (pieces[trainer.unk_id]?.type !== TYPE.unknown)
    throw broken(`it has no unknown piece at id ${trainer.unk_id}`, undefined);
  for (let id = 0; id < pieces.length; id++) {
    const { type = TYPE.normal, score = 0 } = pieces[id] ?? {};
    if (!Number.isFinite(score)) throw broken("it has a piece whose score is not a number", undefined);
    if (type === TYPE.unknown && id !== trainer.unk_id)
      throw broken(`it has two unknown pieces, ${trainer.unk_id} and ${id}`, undefined);
    if (type !== TYPE.normal && !KINDS.has(type))
      throw broken(`it has a piece of type ${type} (id ${id}), which is not known`, undefined);
    if (type === TYPE.byte && !trainer.byte_fallback)
      throw broken(`it has a piece of type 6 (id ${id}), a byte, but does not spell in bytes`, undefined);
  }
}

const KINDS: ReadonlySet<number> = new Set(Object.values(TYPE));

/** The pieces of a text without special tokens, [piece, id] each; `prefixes`: it begins a word. */
export function segmentsOfText(
  { trainer_spec: trainer, normalizer_spec: spec }: SentencePieceModel,
  pieces: readonly Piece[],
): (text: string, prefixes: boolean) => ReturnType<Segmenter> {
  const normalize = createSentencePieceNormalizer({
    map: spec.precompiled_charsmap.length === 0 ? undefined : readCharacterMap(spec.precompiled_charsmap),
    addDummyPrefix: spec.add_dummy_prefix,
    removeExtraWhitespaces: spec.remove_extra_whitespaces,
    escapeWhitespaces: spec.escape_whitespaces,
    whitespaceAsSuffix: trainer.treat_whitespace_as_suffix,
    symbols: pieces.filter(({ type }) => type === TYPE.userDefined).map(({ piece }) => piece),
  });
  const create = trainer.model_type === 1 ? createUnigramSegmenter : createMergingSegmenter;
  const segment = byWords(create(pieces, trainer.unk_id), pieces, trainer.treat_whitespace_as_suffix);
  return (text, prefixes) => segment(normalize(text, prefixes));
}

/** Ids of a text without special tokens. */
function idsOfText(model: SentencePieceModel, pieces: readonly Piece[]): (text: string, prefixes: boolean) => number[] {
  const { trainer_spec: trainer } = model;
  const segments = segmentsOfText(model, pieces);
  const byteIds = new Map<string, number>();
  if (trainer.byte_fallback)
    for (const [id, { piece, type }] of pieces.entries()) if (type === TYPE.byte) byteIds.set(piece, id);
  return (text, prefixes) => {
    const ids: number[] = [];
    let afterUnknown = false;
    for (const [piece, id] of segments(text, prefixes)) {
      const isUnknown = id === trainer.unk_id;
      if (isUnknown && trainer.byte_fallback)
        for (const byte of Buffer.from(piece)) ids.push(byteIds.get(byteName(byte)) ?? trainer.unk_id);
      else if (!(isUnknown && afterUnknown)) ids.push(id);
      afterUnknown = isUnknown;
    }
    return ids;
  };
}

/** Splits at spaces first where no piece goes across them, and remembers words. */
function byWords(segment: Segmenter, pieces: readonly Piece[], suffix: boolean): Segmenter {
  let [crosses, hasSpace] = [false, false];
  for (let id = 0; id < pieces.length; id++) {
    const { piece = "", type = TYPE.control } = pieces[id] ?? {};
    const at = suffix ? piece.indexOf(WORD_START) : piece.lastIndexOf(WORD_START);
    crosses ||= type !== TYPE.control && at >= 0 && (suffix ? at < piece.length - 1 : at > 0);
    hasSpace ||= piece === WORD_START && type === TYPE.normal;
  }
  if (crosses || !hasSpace) return segment;
  const words = suffix ? /[^▁]+▁?|▁/g : /▁?[^▁]+|▁/g;
  const remembered = new Map<string, ReturnType<Segmenter>>();
  const word = (text: string): ReturnType<Segmenter> => {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const result = segment(text);
    if (text.length <= 40) {
      if (remembered.size >= 20_000) remembered.clear();
      remembered.set(text, result);
    }
    return result;
  };
  return (text) => {
    const result: ReturnType<Segmenter> = [];
    for (const part of text.match(words) ?? []) for (const piece of word(part)) result.push(piece);
    return result;
  };
}

/** Special tokens and those that the files beside the model add. */
function addedTokens(stored: readonly Piece[], pieces: readonly Piece[], settings: TokenizerSettings): AddedToken[] {
  const { added, names, extraIds, rows } = settings;
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const tokens = new Map<number, AddedToken>();
  const special: number[] = [TYPE.control, TYPE.unknown];
  let isOwn = false;
  for (let id = 0; id < pieces.length; id++) {
    const { piece = "", type = TYPE.normal } = pieces[id] ?? {};
    if (type !== TYPE.normal && special.includes(type)) tokens.set(id, { ...flags, id, content: piece });
    isOwn ||= pieces[id] !== stored[id];
  }
  // Without a word on sentinels there are 100, as long as the model has rows for them.
  const usual = isOwn || (rows !== undefined && rows < pieces.length + 100) ? 0 : 100;
  const count = isOwn ? 0 : (extraIds ?? usual);
  for (let i = 0; i < count; i++) {
    const id = pieces.length + count - 1 - i;
    tokens.set(id, { ...flags, id, content: `<extra_id_${i}>`, lstrip: true, rstrip: true });
  }
  for (const token of added) {
    const sameName = [...tokens.values()].find(({ content }) => content === token.content);
    if (sameName !== undefined) tokens.delete(sameName.id);
    tokens.set(token.id, token);
  }
  for (const name of Object.values(names)) {
    const id = name === undefined ? -1 : pieces.findIndex(({ piece }) => piece === name);
    if (name !== undefined && id >= 0 && !tokens.has(id)) tokens.set(id, { ...flags, id, content: name });
  }
  const contents = new Set([...tokens.values()].map(({ content }) => content));
  const next = [...tokens.keys()].reduce((next, id) => Math.max(next, id + 1), pieces.length);
  const isPiece = (name: string) => pieces.some(({ piece }) => piece === name);
  const further = furtherSpecial(settings, (name) => contents.has(name) || isPiece(name), next);
  return [...tokens.values(), ...further];
}

interface Decoding {
  readonly pieces: readonly Piece[];
  readonly model: SentencePieceModel;
  readonly added: readonly AddedToken[];
}

const addedById = new WeakMap<readonly AddedToken[], Map<number, AddedToken>>();

/** @see SentencePieceProcessor::Decode, sentencepiece_processor.cc; special tokens as T5Tokenizer joins them */
function decodeIds(ids: readonly number[], keepSpecial: boolean, { pieces, model, added }: Decoding): string {
  const { normalizer_spec: spec } = model;
  const byId = addedById.get(added) ?? new Map(added.map((token) => [token.id, token]));
  addedById.set(added, byId);
  const dropsFirst = spec.add_dummy_prefix || spec.remove_extra_whitespaces;
  let text = "";
  let atStart = true;
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) atStart = false;
    text += textOfBytes(bytes);
    bytes = [];
  };
  for (const id of ids) {
    const token = byId.get(id);
    const piece = pieces[id];
    if (token === undefined && piece?.type === TYPE.byte) {
      bytes.push(Number.parseInt(piece.piece.slice(3, 5), 16));
      continue;
    }
    const leftOut = !keepSpecial && token?.special === true;
    // Unlike a control piece, it does not part the bytes of a character.
    if (leftOut && piece?.type === TYPE.unknown) continue;
    flush();
    if (token !== undefined) {
      if (!leftOut) {
        text += token.content;
        atStart = true;
      }
    } else if (piece !== undefined) {
      let shown = piece.piece;
      if (atStart && dropsFirst && shown.startsWith(WORD_START)) {
        shown = shown.slice(WORD_START.length);
        if (shown !== "" || !spec.remove_extra_whitespaces) atStart = false;
      } else if (shown !== "") atStart = false;
      text += shown.replaceAll(WORD_START, " ");
    }
  }
  flush();
  return text;
}

/** Bytes as text; each byte that is not part of a character becomes U+FFFD. */
function textOfBytes(bytes: readonly number[]): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const character = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      Uint8Array.from(bytes.slice(at, at + length)),
    );
    const isWhole = [...character].length === 1 && (character !== "\uFFFD" || length === 3);
    text += isWhole ? character : "\uFFFD";
    at += isWhole && length <= bytes.length - at ? length : 1;
  }
  return text;
}
