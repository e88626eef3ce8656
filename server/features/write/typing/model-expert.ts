/** The model as an expert on words: asked once for each word, with as few runs of its encoder as possible. */
import type { LoadedModel, WordChance } from "../../../engine/engine.ts";
import { gapPrefix, modeOfPlace } from "../denoiser-mode.ts";
import type { DocumentWords } from "./document-words.ts";
import { createEncodedTexts } from "./encoded-text.ts";
import type { WordPlace } from "./word-place.ts";

/** The services that a prediction needs. */
export interface PredictorContext {
  readonly model: LoadedModel;
  /** Identifies the document whose words are counted. */
  readonly document: string;
  /** Whether the text is English, which the experts know; otherwise the model is asked alone. */
  readonly english: boolean;
  readonly maxTokens: number;
  /** Whether the document's own words are counted. */
  readonly countsDocument: boolean;
  /** The words of the workspace, if they count as well. */
  readonly workspace?: DocumentWords | undefined;
}

/** Words to weigh, and what the other experts say for each. */
export interface WordsInQuestion {
  readonly words: readonly string[];
  readonly besides: readonly number[];
}

/** Asks models about words. */
export interface ModelExpert {
  /**
   * The chances of words at a place and of the model's own; undefined when the signal aborts.
   * @throws what the model throws
   */
  ask(
    context: PredictorContext,
    place: WordPlace,
    words: WordsInQuestion,
    signal: AbortSignal,
  ): Promise<readonly WordChance[] | undefined>;
  /** In the time that a word's letters take, encodes the text for the words after it, where that is due. */
  encodeAhead(context: PredictorContext, place: WordPlace): void;
}

/** Creates an expert that has encoded nothing yet. */
export function createModelExpert(): ModelExpert {
  const encodedTexts = createEncodedTexts();
  /** Documents whose text is being encoded ahead. */
  const encoding = new Set<string>();
  return {
    async ask({ model, document, english, maxTokens }, place, { words, besides }, signal) {
      const request = {
        ...encodedTexts.at(document, place),
        ...{ after: place.after, maxTokens, words, besides },
        prefix: gapPrefix(model.info, modeOfPlace(place.after)),
        continues: /\S$/.test(place.before),
        ownWords: OWN_WORDS,
        ...(english ? { mostRead: MOST_READ } : { mostRead: MOST_READ_ALONE, ownRounds: OWN_ROUNDS }),
      };
      const chances = await model.wordChances(request, { signal });
      return chances.cancelled ? undefined : chances.words.filter(({ word }) => word.length > 1);
    },
    encodeAhead({ model, document, maxTokens }, place) {
      const before = encodedTexts.next(document, place);
      if (before === undefined || encoding.has(document)) return;
      encoding.add(document);
      const { after } = place;
      const prefix = gapPrefix(model.info, modeOfPlace(after));
      model
        .wordChances({ before, after, maxTokens, words: [], prefix })
        .then(({ cancelled }) => {
          if (!cancelled) encodedTexts.encoded(document, place, before);
        })
        // The next word's own request meets the same error and reports it.
        .catch(() => undefined)
        .finally(() => encoding.delete(document));
    },
  };
}

/** Words whose tokens the model reads to their end: the likeliest by all experts, which more would not change. */
const MOST_READ = 16;
/** The same, where the model is asked alone. */
const MOST_READ_ALONE = 60;
/** Words that the model proposes. */
const OWN_WORDS = 20;
/** Tokens by which they may be longer than one, where the model is asked alone. */
const OWN_ROUNDS = 3;
