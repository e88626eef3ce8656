/** The search for inputs that have the same states as a text. */
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import type { Batch } from "../../../models/t5/batch.ts";
import type { StatePlace } from "../../../models/t5/representation.ts";
import type { Embedded, StateModel } from "./states.ts";

/** How inputs are searched. */
export interface SearchOptions {
  readonly steps: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Adam's constants; the rate is a share of the embedding's size. */
const [RATE, BETA1, BETA2] = [0.1, 0.9, 0.99];

/**
 * Finds embedded tokens of a place's stack whose states there are those of the batch's tokens: from normal numbers of
 * the embedding's size, by Adam's steps, which shrink to nothing by a cosine.
 * @returns the nearest ones, and the distance of their states that is left, as a share of the wanted states
 * @throws DOMException AbortError when the signal is aborted
 */
export async function inputsLike(
  model: StateModel,
  batch: Batch,
  place: StatePlace,
  { steps, seed, signal }: SearchOptions,
): Promise<{ readonly embedded: Embedded; readonly left: number }> {
  const embedded = model.embed(batch);
  const size = rootMeanSquare(embedded[place.stack]);
  const x = normal(embedded[place.stack].length, size, seed);
  const [first, second] = [new Float64Array(x.length), new Float64Array(x.length)];
  const distance = await model.openDistance(batch, place);
  try {
    let best = { x: x.slice(), left: Number.POSITIVE_INFINITY };
    for (let step = 1; step <= steps + 1; step += 1) {
      signal.throwIfAborted();
      const { left, gradient } = await distance.at({ ...embedded, [place.stack]: x });
      if (left < best.left) best = { x: x.slice(), left };
      const rate = (RATE * size * (1 + Math.cos((Math.PI * (step - 1)) / steps))) / 2;
      for (let i = 0; i < x.length; i += 1) {
        const slope = gradient[i] ?? 0;
        const mean = BETA1 * (first[i] ?? 0) + (1 - BETA1) * slope;
        const square = BETA2 * (second[i] ?? 0) + (1 - BETA2) * slope * slope;
        [first[i], second[i]] = [mean, square];
        const update = mean / (1 - BETA1 ** step) / (Math.sqrt(square / (1 - BETA2 ** step)) + 1e-12);
        x[i] = (x[i] ?? 0) - rate * update;
      }
    }
    return { embedded: { ...embedded, [place.stack]: best.x }, left: best.left };
  } finally {
    await distance.dispose();
  }
}

function normal(count: number, size: number, seed: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(mixSeeds(seed, count));
  return Float32Array.from(
    { length: count },
    () => size * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
