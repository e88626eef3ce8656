/** The similarity of two models' states, layer by layer. */
import type { Batch } from "../../../models/t5/batch.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { type StatePlace, stateName } from "../../../models/t5/representation.ts";
import { layerCount, type Stack } from "../../../models/t5/weights.ts";
import type { LayerSimilarity, StirSimilarity } from "../../../protocol/comparison.ts";
import { linearCka, type Rows } from "./cka.ts";
import { inputsLike, type Search, type SearchOptions } from "./search.ts";
import type { Embedded, StateModel } from "./states.ts";

/** How a comparison is watched and stopped. */
export interface CompareWatch {
  readonly signal: AbortSignal;
  readonly onProgress: (label: string, done: number, total: number) => void;
}

type Models = readonly [first: StateModel, second: StateModel];

/** The search for STIR; no steps for none. */
export interface StirOptions {
  readonly stirSteps: number;
  readonly stirSearch: Search;
  readonly seed: number;
}

/** Whether one model's inputs can be the other's: STIR needs one width, and layers that face each other. */
export function sameInputs(a: T5Config, b: T5Config): boolean {
  return a.dModel === b.dModel && a.numLayers === b.numLayers && a.numDecoderLayers === b.numDecoderLayers;
}

/**
 * Compares the states after each layer: by CKA, and by STIR where steps are asked for and the models' inputs can be
 * exchanged.
 * @param batches `batch` for CKA; `searched`, a smaller one, for STIR
 * @throws DOMException AbortError when the signal is aborted
 */
export async function similarities(
  [a, b]: Models,
  { batch, searched }: { readonly batch: Batch; readonly searched: Batch },
  { stirSteps: steps, stirSearch: search, seed }: StirOptions,
  { signal, onProgress }: CompareWatch,
): Promise<LayerSimilarity[]> {
  const [first, second] = [await a.states(batch, a.embed(batch)), await b.states(batch, b.embed(batch))];
  const places = (["encoder", "decoder"] as const).flatMap((stack) => facing(stack, a.config, b.config));
  const withStir = steps > 0 && sameInputs(a.config, b.config);
  const layers: LayerSimilarity[] = [];
  for (const [i, { stack, layer, other }] of places.entries()) {
    signal.throwIfAborted();
    onProgress(`Layer ${layer} of the ${stack}`, i, places.length);
    const cka = similarity(rowsAt(first, { stack, layer }), rowsAt(second, { stack, layer: other }));
    const stir =
      withStir && layer > 0
        ? await stirAt([a, b], searched, { stack, layer }, { steps, search, seed, signal })
        : undefined;
    layers.push({ ...{ stack, layer, other, cka }, ...(stir && { stir }) });
  }
  return layers;
}

/** Each layer of the first model with the one at the same share of the second one's depth. */
function facing(stack: Stack, a: T5Config, b: T5Config) {
  const [count, otherCount] = [layerCount(a, stack), layerCount(b, stack)];
  return Array.from({ length: count + 1 }, (_, layer) => ({
    ...{ stack, layer, other: Math.round((layer * otherCount) / count) },
  }));
}

/**
 * STIR in both directions: inputs are found that are the same to one model, and the other's states of them are compared
 * with those of the text.
 * @throws DOMException AbortError when the signal is aborted
 * @see Nanda et al., "Measuring Representational Robustness of Neural Networks Through Shared Invariances" (arXiv
 *   2206.11939), equation 3; stir.py of stir-invariance
 */
export async function stirAt(
  [a, b]: Models,
  batch: Batch,
  place: StatePlace,
  options: SearchOptions,
): Promise<StirSimilarity> {
  const judgedBy = async (reference: StateModel, judged: StateModel) => {
    const { embedded, left } = await inputsLike(reference, batch, place, options);
    const real = judged.embed(batch);
    // Only the stack that was searched has other inputs.
    const found = { ...real, [place.stack]: embedded[place.stack] };
    const states = async (inputs: Embedded) => rowsAt(await judged.states(batch, inputs), place);
    return { left, value: similarity(await states(real), await states(found)) };
  };
  const [first, second] = [await judgedBy(b, a), await judgedBy(a, b)];
  return { first: first.value, second: second.value, left: finite(Math.max(first.left, second.left)) };
}

function rowsAt(states: ReadonlyMap<string, Rows>, place: StatePlace): Rows {
  const rows = states.get(stateName(place));
  if (rows === undefined) throw new RangeError(`there are no states ${stateName(place)}`);
  return rows;
}

function similarity(a: Rows, b: Rows): number | null {
  return finite(linearCka(a, b));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
