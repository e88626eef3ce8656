/**
 * Predicts the word at a place: what could stand there is weighed once, when the word begins; every letter narrows it,
 * and a word in question that the place does not know yet is added.
 */
import { LRUCache } from "lru-cache";
import type { LoadedModel } from "../../../engine/engine.ts";
import { type Weights, WordDistribution } from "./distribution.ts";
import { createDocumentWords, type DocumentWords, documentTokens } from "./document-words.ts";
import { englishWords, type WordModel } from "./english-words.ts";
import type { WordPlace } from "./word-place.ts";

/** What a prediction is made with. */
export interface PredictorContext {
  readonly model: LoadedModel;
  /** Identifies the document whose words are counted. */
  readonly document: string;
  /** Whether the text is English, which the experts know; otherwise the model is asked alone. */
  readonly english: boolean;
  readonly maxTokens: number;
}

/** Predicts words, and remembers the places of late. */
export interface Predictor {
  /**
   * The words that could stand at a place, by what its letters narrow them to; undefined when the signal aborts.
   * @throws what the model throws
   */
  words(context: PredictorContext, place: WordPlace, signal: AbortSignal): Promise<WordDistribution | undefined>;
  /** What is known of a place without asking; the words of a place's last letters may not be among it. */
  known(context: PredictorContext, place: WordPlace): WordDistribution | undefined;
}

/** Creates a predictor that remembers nothing yet. */
export function createPredictor(): Predictor {
  const documents = new LRUCache<string, DocumentWords>({ max: MOST_DOCUMENTS });
  const places = new LRUCache<string, Place>({ max: MOST_PLACES });

  async function begin(context: PredictorContext, { before, after }: WordPlace): Promise<Place> {
    const own = documents.get(context.document) ?? createDocumentWords();
    documents.set(context.document, own);
    own.update(before.slice(-MOST_COUNTED) + after.slice(0, MOST_COUNTED));
    const english = context.english ? await englishWords() : undefined;
    return placeOf(own, english, before);
  }

  const beginning = new Map<string, Promise<Place | undefined>>();

  /** A place whose words are known, apart from those that letters bring. */
  async function placeAt(context: PredictorContext, place: WordPlace, signal: AbortSignal): Promise<Place | undefined> {
    const key = keyOf(context, place);
    // A key may end the request for the run, but not the run: the next key needs the same words.
    const begun = places.get(key) ?? (await beginning.get(key));
    if (begun !== undefined || signal.aborted) return begun;
    const made = begin(context, place).then(async (here) =>
      (await ask(context, place, here, here.unknown(place.typed, true), true, signal)) ? here : undefined,
    );
    beginning.set(key, made);
    try {
      const here = await made;
      here?.asked(place.typed);
      if (here !== undefined) places.set(key, here);
      return here;
    } finally {
      beginning.delete(key);
    }
  }

  return {
    async words(context, place, signal) {
      const here = await placeAt(context, place, signal);
      if (here === undefined) return undefined;
      const { typed } = place;
      const words = here.unknown(typed, false);
      const weighed = words.filter((word) => typed.length === 1 || here.distribution.shareOf(word, typed) >= NOTABLE);
      if (weighed.length > 0 && !(await ask(context, place, here, weighed, false, signal))) return undefined;
      here.distribution.add(words.map((word) => ({ word, ...NOT_ASKED })));
      here.asked(place.typed);
      return here.distribution;
    },
    known: (context, place) => places.get(keyOf(context, place))?.distribution,
  };
}

/** Asks the model about words at a place. @returns whether it answered */
async function ask(
  { model, english, maxTokens }: PredictorContext,
  { before, after }: WordPlace,
  { distribution }: Place,
  words: readonly string[],
  own: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const request = {
    ...{ before, after, maxTokens, words, mostRead: MOST_READ },
    prefix: model.info.prefixes.infill,
    continues: /\S$/.test(before),
    ...(own ? { ownWords: OWN_WORDS, ownRounds: english ? 0 : OWN_ROUNDS } : {}),
  };
  const { words: chances, cancelled } = await model.wordChances(request, { signal });
  if (!cancelled) distribution.add(chances.filter(({ word }) => word.length > 1));
  return !cancelled;
}

/** Words whose tokens the model reads to their end. */
const MOST_READ = 60;
const MOST_DOCUMENTS = 8;
const MOST_PLACES = 128;
/** Characters on each side of the cursor whose words are counted. */
const MOST_COUNTED = 100_000;
/** Words that each expert proposes: English, the document. */
const BY_ENGLISH = 60;
const BY_DOCUMENT = 250;
/** Words that the model proposes. */
const OWN_WORDS = 20;
/** Tokens by which they may be longer than one, where the model is asked alone. */
const OWN_ROUNDS = 3;
/** Words that each expert proposes when letters are typed, by the number of letters. */
const BY_LETTERS = [0, 60, 20, 12];
/** From the second letter on, the model is asked only about words that the other experts give this share at least. */
const NOTABLE = 0.1;
const NOT_ASKED = { logProb: Number.NEGATIVE_INFINITY, endLogProb: 0, spaceLogProb: Math.log(0.75) };

const TOGETHER: Weights = { model: 0.5, english: 0.375, pairs: 0.075, words: 0.05 };
const MODEL_ALONE: Weights = { model: 1, english: 0, pairs: 0, words: 0 };

/** A place, and what was asked about it. */
interface Place {
  readonly distribution: WordDistribution;
  /** Words in question that the distribution does not have, as letters are typed. */
  unknown(typed: string, begins: boolean): string[];
  asked(typed: string): void;
}

function placeOf(own: DocumentWords, english: WordModel | undefined, before: string): Place {
  const context = english?.context(before) ?? [];
  const previous = documentTokens(before.slice(-200).split("\n").at(-1) ?? "").at(-1) ?? "";
  const distribution = new WordDistribution(english === undefined ? MODEL_ALONE : TOGETHER, (word) => ({
    english: english?.probability(context, word) ?? 0,
    pair: own.ofPair(previous, word),
    word: own.ofWord(word),
  }));
  const asked = new Set<string>();
  return {
    distribution,
    unknown(typed, begins) {
      if (english === undefined) return [];
      const words = begins
        ? [
            ...english.candidates(context, "", BY_ENGLISH).map(({ word }) => word),
            ...own.after(previous),
            ...own.frequent(BY_DOCUMENT),
          ]
        : [];
      if (typed !== "" && !asked.has(typed)) {
        const count = BY_LETTERS[typed.length] ?? BY_LETTERS.at(-1) ?? 0;
        words.push(...english.candidates(context, typed, count).map(({ word }) => word));
        words.push(...own.beginning(typed, count));
      }
      return [...new Set(words)].filter((word) => /^\p{L}/u.test(word) && word.length > 1 && !distribution.has(word));
    },
    asked: (typed) => asked.add(typed),
  };
}

/** Identifies a place by its paragraph: what changes elsewhere in the document leaves what is known of it. */
function keyOf({ model, document, english, maxTokens }: PredictorContext, { before, after }: WordPlace): string {
  const { directory, precision, device } = model.info;
  const start = before.lastIndexOf("\n\n", before.length - LEAST_AROUND);
  const end = after.indexOf("\n\n");
  const paragraph = [
    before.slice(Math.max(start, before.length - MOST_AROUND, 0)),
    after.slice(0, end < 0 ? MOST_AROUND : Math.min(MOST_AROUND, Math.max(LEAST_AROUND, end))),
  ];
  return JSON.stringify([directory, precision, device, document, english, maxTokens, ...paragraph]);
}

/** Characters before and after a place that identify it, at least and at most. */
const LEAST_AROUND = 100;
const MOST_AROUND = 2000;
