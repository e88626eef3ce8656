/**
 * METRO-T0's tokenizer: punctuation set apart, a SentencePiece model, and the ids of a fairseq dictionary.
 * @see tokenization_fairseq_t5.py and guoke_tokenizer.py of gonglinyuan/metro_t0
 */

import { table } from "../../base/table.ts";
import { ModelError } from "../errors.ts";
import { createTokenFinder } from "./pipeline/added-tokens.ts";
import { segmentsOfText } from "./sentencepiece/tokenizer.ts";
import { decodeModel } from "./sentencepiece.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { WORD_START } from "./unigram.ts";

/** The keys of tokenizer_config.json that it reads. */
export interface FairseqSettings {
  /** Whether texts are lowercased. */
  readonly lower: boolean;
  /** Sentinels after the dictionary, `<sen000>` and so on. */
  readonly sentinels: number;
}

const SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"] as const;
const [START, PAD, END, UNKNOWN] = [0, 1, 2, 3];

/**
 * Creates the tokenizer. A text without words has no tokens here; the original makes one unknown token of it.
 * @param model content of sp.model
 * @param dictionary content of dict.txt: a piece and its count a line
 * @throws ModelError "tokenizer" when the model is not SentencePiece's, or the dictionary not fairseq's
 */
export function createFairseqTokenizer(
  model: Uint8Array,
  dictionary: string,
  { lower, sentinels }: FairseqSettings,
): Tokenizer {
  const decoded = decodeModel(model);
  const segments = segmentsOfText(decoded, decoded.pieces);
  const unknown = decoded.trainer_spec.unk_id;
  const pieces: string[] = [...SPECIAL, ...dictionaryPieces(dictionary)];
  const first = pieces.length;
  for (let i = 0; i < sentinels; i += 1) pieces.push(`<sen${String(i).padStart(3, "0")}>`);
  const idOf = new Map(pieces.map((piece, id) => [piece, id]));
  const flags = { single_word: false, lstrip: true, rstrip: true, normalized: false, special: true };
  const isSpecial = (id: number) => id < SPECIAL.length || id >= first;
  const find = createTokenFinder(pieces.flatMap((content, id) => (isSpecial(id) ? [{ ...flags, id, content }] : [])));
  const plainIds = (text: string, prefixes: boolean): number[] => {
    const ids: number[] = [];
    let run = ""; // unknown pieces next to one another are one
    const flush = () => {
      if (run !== "") ids.push(idOf.get(run) ?? UNKNOWN);
      run = "";
    };
    const words = separated(text, lower);
    for (const [piece, id] of words === "" ? [] : segments(words, prefixes)) {
      if (id === unknown) run += piece;
      else {
        flush();
        ids.push(idOf.get(piece) ?? UNKNOWN);
      }
    }
    flush();
    return ids;
  };
  return {
    encode: (text, { continues = false, special = false } = {}) =>
      find(text, special).flatMap(({ from, to, id }) => {
        const prefixes = !(continues && from === 0 && /^\S/u.test(text));
        return id === undefined ? plainIds(text.slice(from, to), prefixes) : [id];
      }),
    decode(ids, { keepSpecial = false } = {}) {
      const kept = ids.filter((id) => id in pieces && (keepSpecial || !isSpecial(id)));
      return joined(kept.map((id) => pieces[id] ?? "").join(""));
    },
    pieceOf: (id) => pieces[id],
    size: pieces.length,
    frame: { before: [START], after: [END] },
    beforeTarget: [],
    eosId: END,
    padId: PAD,
    unkId: UNKNOWN,
    sentinelIds: Array.from({ length: sentinels }, (_, i) => first + i),
    lengthMarks: [],
    promptIds: [],
    spellsLayout: false,
  };
}

/** @throws ModelError "tokenizer" for a line that is not a piece and its count, or a piece that stands twice */
function dictionaryPieces(text: string): string[] {
  const seen = new Set<string>(SPECIAL);
  const lines = text.split("\n").map((line) => line.replace(/(?<!\s)\s+$/, ""));
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, i) => {
    const [, piece] = /^(.+) \d+$/.exec(line) ?? [];
    const wrong =
      piece === undefined ? "is not a piece and its count" : seen.has(piece) ? "repeats a piece" : undefined;
    if (piece === undefined || wrong !== undefined)
      throw new ModelError(
        "tokenizer",
        `Line ${i + 1} of dict.txt ${wrong}. Take the dict.txt that came with sp.model.`,
      );
    seen.add(piece);
    return piece;
  });
}

// Python's white space, which is what its strip and split go by.
const SEPARATORS = [28, 29, 30, 31, 133].map((code) => String.fromCharCode(code)).join("");
const SPACES = new RegExp(`[\\t-\\r${SEPARATORS}\\p{Z}]+`, "u");
const PUNCTUATION = /[\p{P}!-/:-@[-`{-~]/u;
/** Python's \b after a letter. */
const END_OF_WORD = "(?![\\p{L}\\p{N}_])";
const QUOTED = new RegExp(`' ([smdSMDtT])${END_OF_WORD}`, "gu");
const QUOTED_PAIRS = ["ll", "re", "ve", "LL", "RE", "VE"].map(
  (pair) => [new RegExp(`' ${pair}${END_OF_WORD}`, "gu"), `'${pair}${pair === pair.toUpperCase() ? " " : ""}`] as const,
);
const PLAIN: Readonly<Record<string, string>> = table({
  "‘": "'",
  "’": "'",
  "´": "'",
  "“": '"',
  "”": '"',
  "—": "-",
  "–": "-",
});

/** A text with punctuation at the ends of words set apart. @see GuokeTokenizer.encode */
function separated(text: string, lower: boolean): string {
  const plain = text
    .replaceAll("``", '"')
    .replaceAll("''", '"')
    .replace(/[‘’´“”—–]/g, (character) => PLAIN[character] ?? character);
  let line = plain.split(SPACES).filter(Boolean).flatMap(withoutPunctuation).join(" ");
  line = line.replace(QUOTED, "'$1");
  for (const [pattern, replacement] of QUOTED_PAIRS) line = line.replace(pattern, replacement);
  const words = line.split(SPACES).filter(Boolean).join(" ");
  return lower ? words.toLowerCase() : words;
}

/** A word, and the punctuation before and after it. @see _split_pre_and_post_punc */
function withoutPunctuation(word: string): string[] {
  const characters = [...word];
  const isMark = (at: number) => PUNCTUATION.test(characters[at] ?? "");
  const last = characters.length - 1;
  if (last < 1) return [word];
  let begin = 0;
  while (begin <= last && isMark(begin)) begin += 1;
  if (begin > last) return [word]; // marks only
  let end = last;
  while (isMark(end)) end -= 1;
  const part = (from: number, to: number) => characters.slice(from, to).join("");
  return [part(0, begin), part(begin, end + 1), part(end + 1, last + 1)].filter(Boolean);
}

/** Pieces as text, without the spaces before punctuation that encoding set. @see clean_up_tokenization, transformers */
function joined(pieces: string): string {
  const text = pieces.replaceAll(" ", "").replaceAll(WORD_START, " ").trim();
  const tidied = text.replaceAll(" .", ".").replaceAll(" ?", "?").replaceAll(" !", "!").replaceAll(" ,", ",");
  return ["n't", "'m", "'s", "'ve", "'re"].reduce(
    (all, ending) => all.replaceAll(` ${ending}`, ending),
    tidied.replaceAll(" ' ", "'"),
  );
}
