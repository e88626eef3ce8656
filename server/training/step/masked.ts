/** What METRO's pre-training masks in a batch of texts, and the batch with what a generator drew for it. */
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import type { Batch } from "../../../models/t5/batch.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import type { MetroTokens } from "../../../models/t5/metro/shapes.ts";

/** The random choices of a step. */
export interface Draws {
  /** The masked places of a batch, in their order, and the token that stands in each for the generator. */
  masks(batch: Batch, seed: number): readonly (readonly [place: number, token: number])[];
  /** Uniform numbers in 0 to 1, one for each masked place: they decide what the generator draws. */
  uniform(count: number, seed: number): Float64Array;
  /** Other tokens in place of the drawn ones. */
  drawn?(drawn: Int32Array): Int32Array;
}

/** The share of a text's tokens that is masked; a tenth of those keeps its token, and a tenth gets any other. */
const MASKED = 0.15;
const [KEPT, RANDOM] = [0.1, 0.1];

/**
 * Choices by seeds. Of each text at least one token is masked.
 * @see T5MetroConfig of tasks/t5_metro.py and MaskTokensDataset of fairseq
 */
export function seededDraws({ vocabSize }: Pick<T5Config, "vocabSize">, { mask, special }: MetroTokens): Draws {
  const isSpecial = new Set(special);
  const anyToken = (random: () => number): number => {
    for (;;) {
      const id = Math.floor(random() * vocabSize);
      if (!isSpecial.has(id)) return id;
    }
  };
  return {
    masks({ extents: { S }, inputLengths, inputIds }, seed) {
      const random = seededRandom(seed);
      return inputLengths.flatMap((length, row) => {
        const count = Math.min(length, Math.max(1, Math.floor(MASKED * length + random())));
        const left = Array.from({ length }, (_, i) => i);
        const chosen = Array.from({ length: count }, (_, i) => {
          const other = i + Math.floor(random() * (length - i));
          const place = left[other] ?? 0;
          left[other] = left[i] ?? 0;
          return place;
        }).sort((a, b) => a - b);
        return chosen.map((place) => {
          const at = row * S + place;
          const kind = random();
          return [at, kind < KEPT ? (inputIds[at] ?? 0) : kind < KEPT + RANDOM ? anyToken(random) : mask] as const;
        });
      });
    },
    uniform(count, seed) {
      const random = seededRandom(mixSeeds(seed, count));
      return Float64Array.from({ length: count }, random);
    },
  };
}

/** A batch with masked places. */
export interface Masked {
  /** The generator's input. */
  readonly batch: Batch;
  /** int32 [M], in ascending order. */
  readonly places: Int32Array;
  /** int32 [B * S]: the number of each place among the masked ones, and M for the others. */
  readonly numbers: Int32Array;
  /** int32 [M], the text's tokens there. */
  readonly labels: Int32Array;
  /** Places that are not padding. */
  readonly tokenPlaces: readonly number[];
  readonly tokens: number;
  /** The model's input: other tokens in the masked places. `isReplaced` is 1 where they differ from the text's. */
  replace(tokens: Int32Array): { readonly batch: Batch; readonly N: number; readonly isReplaced: Float64Array };
}

/** A batch, the same on both sides, with tokens masked. */
export function maskedBatch(batch: Batch, masks: ReturnType<Draws["masks"]>): Masked {
  const { inputIds, inputLengths, extents } = batch;
  const places = Int32Array.from(masks, ([place]) => place);
  const numbers = new Int32Array(inputIds.length).fill(places.length);
  const tokenPlaces = inputLengths.flatMap((length, row) => Array.from({ length }, (_, i) => row * extents.S + i));
  for (const [i, place] of places.entries()) numbers[place] = i;
  const withTokens = (tokens: Iterable<number>): Int32Array => {
    const ids = inputIds.slice();
    let i = 0;
    for (const token of tokens) ids[places[i++] ?? 0] = token;
    return ids;
  };
  return {
    batch: { ...batch, inputIds: withTokens(masks.map(([, token]) => token)) },
    places,
    numbers,
    labels: Int32Array.from(places, (place) => inputIds[place] ?? 0),
    tokenPlaces,
    tokens: tokenPlaces.length,
    replace(tokens) {
      const ids = withTokens(tokens);
      const isReplaced = Float64Array.from(ids, (id, i) => Number(id !== inputIds[i]));
      return { batch: { ...batch, inputIds: ids }, N: ids.length, isReplaced };
    },
  };
}
