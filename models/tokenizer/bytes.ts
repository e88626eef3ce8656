/** ByT5's vocabulary: the bytes of UTF-8. */
import { createTokenFinder } from "./pipeline/added-tokens.ts";
import { furtherSpecial, NO_SETTINGS, type TokenizerSettings } from "./special-tokens.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * Creates ByT5's tokenizer, which needs no file. Its ids are those of transformers' ByT5Tokenizer except for
 * `<extra_id_N>` in a text. That is the sentinel that the model was trained with: bytes counted down from the last
 * (258), where transformers gives ids beyond them, which no training text contained.
 * @param settings tokens that the files beside the model add
 * @see ByT5Tokenizer, transformers tokenization_byt5.py; section 3.1 of the ByT5 paper (arXiv 2105.13626) for the
 * sentinels
 */
export function createByteTokenizer(settings: TokenizerSettings = NO_SETTINGS): Tokenizer {
  const encoder = new TextEncoder();
  const append = (text: string, ids: number[]) => {
    for (const byte of encoder.encode(text)) ids.push(byte + FIRST_BYTE);
  };
  const { later, beyondBytes, size } = addedTokens(settings);
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const named = NAMES.map((content, id) => ({ ...flags, id, content, lstrip: true, rstrip: true }));
  const sentinel = (i: number) => ({ ...flags, id: PAST_BYTES - 1 - i, content: `<extra_id_${i}>` });
  const sentinels = Array.from({ length: 100 }, (_, i) => sentinel(i));
  const find = createTokenFinder([...named, ...sentinels, ...later]);
  const laterById = new Map(later.map((token) => [token.id, token]));
  return {
    encode(text, { special = false } = {}) {
      const ids: number[] = [];
      for (const { from, to, id } of find(text, special))
        if (id === undefined) append(text.slice(from, to), ids);
        else ids.push(id);
      return ids;
    },
    decode(ids, options = {}) {
      let text = "";
      let run: number[] = [];
      const flush = () => {
        text += characters(run);
        run = [];
      };
      for (const id of ids) {
        const token = laterById.get(id);
        if (id >= FIRST_BYTE && id < PAST_BYTES) run.push(id - FIRST_BYTE);
        else if (token !== undefined) {
          if (token.special && options.keepSpecial !== true) continue;
          flush();
          text += token.content;
        } else if (options.keepSpecial === true) {
          flush();
          text += NAMES[id] ?? `<extra_id_${id - PAST_BYTES}>`;
        }
      }
      flush();
      return text;
    },
    pieceOf(id) {
      const token = laterById.get(id);
      if (token !== undefined) return token.content;
      if (id < 0 || id >= PAST_BYTES + beyondBytes) return undefined;
      if (id >= PAST_BYTES) return `<extra_id_${id - PAST_BYTES}>`;
      return NAMES[id] ?? (id === SPACE ? "▁" : String.fromCharCode(id - FIRST_BYTE));
    },
    size,
    frame: { before: [], after: [1] },
    padId: 0,
    eosId: 1,
    unkId: 2,
    sentinelIds: SENTINEL_IDS,
    lengthMarks: [],
    promptIds: [],
    spellsLayout: true,
  };
}

/** Tokens besides bytes and sentinels, the number of sentinels beyond the bytes, and the vocabulary's size. */
function addedTokens(settings: TokenizerSettings) {
  const listed = settings.added.filter((token) => !isSentinel(token) && !NAMES.includes(token.content));
  const beyondBytes = settings.added.filter(isSentinel).length || (settings.extraIds ?? 125);
  const next = listed.reduce((size, { id }) => Math.max(size, id + 1), PAST_BYTES + beyondBytes);
  const isKnown = (content: string) =>
    isSentinel({ content }) || NAMES.includes(content) || listed.some((token) => token.content === content);
  const later = [...listed, ...furtherSpecial(settings, isKnown, next)];
  return { later, beyondBytes, size: Math.max(next, (later.at(-1)?.id ?? 0) + 1) };
}

function isSentinel({ content }: { readonly content: string }): boolean {
  return /^<extra_id_\d+>$/.test(content);
}

/** The text of bytes; those that do not form a character are dropped, as in transformers. */
function characters(bytes: readonly number[]): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes)).replaceAll("\uFFFD", "");
}

const NAMES = ["<pad>", "</s>", "<unk>"];
const FIRST_BYTE = NAMES.length;
const PAST_BYTES = FIRST_BYTE + 256;
const SPACE = FIRST_BYTE + 0x20;
/**
 * Only the first of the hundred sentinels, which are bytes that UTF-8 never uses. The others are parts of characters
 * and could not be distinguished.
 */
const SENTINEL_IDS = Array.from({ length: 11 }, (_, index) => PAST_BYTES - 1 - index);
