/** The figures of a comparison of two models, as the page shows them. */
import type { Comparison, LayerSimilarity, PerturbedLoss } from "../../../../../protocol/comparison.ts";

/** The similarity after a layer of each stack; undefined where a stack is shallower, null where it cannot be told. */
export interface LayerRow {
  readonly layer: number;
  readonly encoder: number | null | undefined;
  readonly decoder: number | null | undefined;
}

/** Both stacks beside each other, from the embedding on. */
export function layerRows(layers: Comparison["layers"]): readonly LayerRow[] {
  const at = (stack: LayerSimilarity["stack"], layer: number) =>
    layers.find((each) => each.stack === stack && each.layer === layer)?.cka;
  const numbers = [...new Set(layers.map(({ layer }) => layer))].toSorted((a, b) => a - b);
  return numbers.map((layer) => ({ layer, encoder: at("encoder", layer), decoder: at("decoder", layer) }));
}

/** The least similar layer behind the embedding; undefined where all are the same as far as the page shows. */
export function mostMoved(layers: Comparison["layers"]): LayerSimilarity | undefined {
  const [least] = layers
    .filter(({ layer, cka }) => layer > 0 && cka !== null && cka < 0.9995)
    .toSorted((a, b) => (a.cka ?? 1) - (b.cka ?? 1));
  return least;
}

/** A loss as it is, or what a perturbation adds to it. */
export function costOf(losses: Comparison["losses"], loss: PerturbedLoss, model: "first" | "second"): string {
  const plain = losses.find(({ kind }) => kind === null);
  if (loss.kind === null || plain === undefined) return loss[model].toFixed(3);
  const cost = loss[model] - plain[model];
  return `${cost < 0 ? "−" : "+"}${Math.abs(cost).toFixed(3)}`;
}
