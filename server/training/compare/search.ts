/** The search for inputs that have the same states as a text. */
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import type { Batch } from "../../../models/t5/batch.ts";
import type { StatePlace } from "../../../models/t5/representation.ts";
import type { Embedded, StateGap, StateModel } from "./states.ts";

/** The rules of a search's steps. */
export const SEARCHES = ["adam", "normalized"] as const;

/** One of {@link SEARCHES}. */
export type Search = (typeof SEARCHES)[number];

/** How inputs are searched. */
export interface SearchOptions {
  readonly steps: number;
  /**
   * `adam`: Adam's steps on half the squared distance, which shrink to nothing by a cosine; the nearest inputs as a
   * whole count. `normalized`: each token's gradient of the rows' mean distance, brought to one length; each token's
   * nearest input counts.
   */
  readonly search: Search;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Embedded tokens of the stack to begin at; normal numbers of the embedding's size by default. */
  readonly start?: Float32Array<ArrayBuffer>;
}

/** Adam's constants; the rate is a share of the embedding's size. */
const [RATE, BETA1, BETA2] = [0.1, 0.9, 0.99];
/** The authors' step of 0.5, as a share of the length of their normal numbers: three channels of 32 by 32. */
const STRIDE = 0.5 / Math.sqrt(3 * 32 * 32);

/** A search's inputs: moves them by their gap, and keeps the nearest. */
interface Walk {
  /** Takes the gap of `x`, and moves x. */
  take(x: Float32Array<ArrayBuffer>, gap: StateGap, step: number): void;
  nearest(): Float32Array<ArrayBuffer>;
}

/**
 * Finds embedded tokens of a place's stack whose states there are those of the batch's tokens.
 * @returns the nearest ones, and the distance of their states that is left, as a share of the wanted states
 * @throws DOMException AbortError when the signal is aborted
 * @see attacker.py, attack_steps.py (UnconstrainedStep, but for the range of pixels) and losses.py of stir-invariance
 *   for `normalized`
 */
export async function inputsLike(
  model: StateModel,
  batch: Batch,
  place: StatePlace,
  { steps, search, seed, signal, start }: SearchOptions,
): Promise<{ readonly embedded: Embedded; readonly left: number }> {
  const embedded = model.embed(batch);
  const size = rootMeanSquare(embedded[place.stack]);
  const x = start?.slice() ?? normal(embedded[place.stack].length, size, seed);
  const walk = search === "adam" ? adamWalk(x.length, size, steps) : normalizedWalk(model.config.dModel, size);
  const distance = await model.openDistance(batch, place, search === "adam" ? "squared" : "rows");
  try {
    for (let step = 1; step <= steps + 1; step += 1) {
      signal.throwIfAborted();
      walk.take(x, await distance.at({ ...embedded, [place.stack]: x }), step);
    }
    const found = { ...embedded, [place.stack]: walk.nearest() };
    return { embedded: found, left: (await distance.at(found)).left };
  } finally {
    await distance.dispose();
  }
}

function adamWalk(count: number, size: number, steps: number): Walk {
  const [first, second] = [new Float64Array(count), new Float64Array(count)];
  let best = { x: new Float32Array(), left: Number.POSITIVE_INFINITY };
  return {
    take(x, { left, gradient }, step) {
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
    },
    nearest: () => best.x,
  };
}

function normalizedWalk(width: number, size: number): Walk {
  const stride = STRIDE * Math.sqrt(width) * size;
  let best: { readonly x: Float32Array<ArrayBuffer>; readonly rows: Float64Array } | undefined;
  return {
    take(x, { rows, gradient }) {
      best ??= { x: x.slice(), rows: rows.map(() => Number.POSITIVE_INFINITY) };
      for (const [row, apart] of rows.entries()) {
        const [from, to] = [row * width, (row + 1) * width];
        if (apart < (best.rows[row] ?? 0)) {
          best.rows[row] = apart;
          best.x.set(x.subarray(from, to), from);
        }
        let squares = 0;
        for (let i = from; i < to; i += 1) squares += (gradient[i] ?? 0) ** 2;
        const scale = stride / (Math.sqrt(squares) + 1e-10);
        for (let i = from; i < to; i += 1) x[i] = (x[i] ?? 0) - scale * (gradient[i] ?? 0);
      }
    },
    nearest: () => best?.x ?? new Float32Array(),
  };
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
