/**
 * Predicts the word at a place: what could stand there is weighed once, when the word begins; every letter narrows it,
 * and a word in question that the place does not know yet is added.
 */
import { LRUCache } from "lru-cache";
import type { Weights, WordDistribution } from "./distribution.ts";
import { createDocumentWords, type DocumentWords } from "./document-words.ts";
import { englishWords } from "./english-words.ts";
import { createModelExpert, type PredictorContext } from "./model-expert.ts";
import { NOT_ASKED, type PlaceWords, placeWords, TOGETHER, WITHOUT_MODEL } from "./place-words.ts";
import { paragraphAround, type WordPlace } from "./word-place.ts";

/** Predicts words, and remembers the places of late. */
export interface Predictor {
  /**
   * The words that could stand at a place, by what its letters narrow them to; undefined when the signal aborts.
   * @throws what the model throws
   */
  words(context: PredictorContext, place: WordPlace, signal: AbortSignal): Promise<WordDistribution | undefined>;
  /** The distribution that is known without asking the model; words for the last letters typed may be missing. */
  known(context: PredictorContext, place: WordPlace): WordDistribution | undefined;
  /** The words by what the experts besides the model say, at once; undefined for text that they do not know. */
  withoutModel(context: PredictorContext, place: WordPlace): Promise<WordDistribution | undefined>;
}

/** Creates a predictor that remembers nothing yet. @param weights the experts' shares while the model answers */
export function createPredictor(weights: Weights = TOGETHER): Predictor {
  const begin = createBeginnings();
  const places = new LRUCache<string, PlaceWords>({ max: MOST_PLACES });
  const model = createModelExpert();
  const keyOf = createKeys();

  async function ask(
    context: PredictorContext,
    place: WordPlace,
    signal: AbortSignal,
  ): Promise<PlaceWords | undefined> {
    const here = await begin(context, place, weights);
    const chances = await model.ask(context, place, here.inQuestion(place.typed), signal);
    if (chances === undefined) return undefined;
    here.distribution.add(chances);
    return here;
  }

  const beginning = new Map<string, Promise<PlaceWords | undefined>>();

  /** A place whose words are known, apart from those that letters bring. */
  async function placeAt(
    context: PredictorContext,
    place: WordPlace,
    signal: AbortSignal,
  ): Promise<PlaceWords | undefined> {
    const key = keyOf(context, place);
    // A key may end the request for the run, but not the run: the next key needs the same words.
    const begun = places.get(key) ?? (await beginning.get(key));
    if (begun !== undefined || signal.aborted) return begun;
    const made = ask(context, place, signal);
    beginning.set(key, made);
    try {
      const here = await made;
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
      here.narrow(place.typed);
      if (place.typed !== "") model.encodeAhead(context, place);
      return here.distribution;
    },
    known: (context, place) => places.get(keyOf(context, place))?.distribution,
    async withoutModel(context, place) {
      if (!context.english) return undefined;
      const { distribution, inQuestion } = await begin(context, place, WITHOUT_MODEL);
      distribution.add(inQuestion(place.typed).words.map((word) => ({ word, ...NOT_ASKED })));
      return distribution;
    },
  };
}

/** Begins places with the words of their documents, which are counted as they change. */
function createBeginnings() {
  const documents = new LRUCache<string, DocumentWords>({ max: MOST_DOCUMENTS });
  return async (context: PredictorContext, { before, after }: WordPlace, weights: Weights): Promise<PlaceWords> => {
    const { document, countsDocument, workspace } = context;
    const own = (countsDocument ? documents.get(document) : undefined) ?? createDocumentWords();
    if (countsDocument) {
      documents.set(document, own);
      own.update(before.slice(-MOST_COUNTED) + after.slice(0, MOST_COUNTED));
    }
    const english = context.english ? await englishWords() : undefined;
    return placeWords({ own, workspace, english }, before, weights);
  };
}

const MOST_DOCUMENTS = 8;
const MOST_PLACES = 128;
/** Characters on each side of the cursor whose words are counted. */
const MOST_COUNTED = 100_000;

/**
 * Identifies places by their paragraphs, since what changes elsewhere in the document leaves what is known of them, and
 * by the workspace's words, which may be forgotten and learned anew.
 */
function createKeys() {
  const numbers = new WeakMap<DocumentWords, number>();
  let learned = 0;
  return (context: PredictorContext, { before, after }: WordPlace): string => {
    const { model, document, english, maxTokens, countsDocument, workspace } = context;
    if (workspace !== undefined && !numbers.has(workspace)) numbers.set(workspace, ++learned);
    const sources = [english, countsDocument, workspace && numbers.get(workspace)];
    const { directory, precision, device } = model.info;
    return JSON.stringify([directory, precision, device, document, sources, maxTokens, paragraphAround(before, after)]);
  };
}
