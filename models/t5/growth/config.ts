/** The configuration of a grown model. */
import { ModelError } from "../../errors.ts";
import { configJson, parseConfig, type T5Config } from "../config.ts";
import { refuseFairseq } from "../fairseq/config.ts";

/** The sizes of a grown model; those that are absent stay. */
export interface GrownSizes {
  /** Layers of both stacks, unless `decoderLayers` is given. */
  readonly layers?: number;
  readonly decoderLayers?: number;
  readonly dModel?: number;
  readonly dFf?: number;
  readonly heads?: number;
}

/**
 * The configuration of the larger model. The width of a head stays, and the epsilon of the norms shrinks as D grows:
 * the mean square of copied channels is smaller.
 * @throws ModelError "input" that names a size that would shrink, or when none would grow; "config" when one is beyond
 *   any T5's
 */
export function grownConfig(from: T5Config, sizes: GrownSizes): T5Config {
  refuseFairseq(from, "Growing", "Grow another model.");
  if (from.firstLayers !== null) {
    throw new ModelError(
      "input",
      "This model's first layers are narrower than the others (first_layers in config.json), and cannot grow with them. Grow another model.",
    );
  }
  const named = [
    ["--layers", "layers", from.numLayers, sizes.layers],
    ["--decoder-layers", "layers in the decoder", from.numDecoderLayers, sizes.decoderLayers ?? sizes.layers],
    ["--d-model", "as the model's width", from.dModel, sizes.dModel],
    ["--d-ff", "as the feed-forward width", from.dFf, sizes.dFf],
    ["--heads", "heads", from.numHeads, sizes.heads],
  ] as const;
  for (const [option, what, before, after] of named) {
    if (after === undefined || after >= before) continue;
    throw new ModelError(
      "input",
      `${option} ${after} is fewer than before: the model has ${before} ${what}. Name at least ${before}, or leave ${option} out.`,
    );
  }
  if (named.every(([, , before, after]) => after === undefined || after === before)) {
    throw new ModelError(
      "input",
      `Nothing would grow. Name a larger size: --layers (now ${from.numLayers}), --decoder-layers (${from.numDecoderLayers}), --d-model (${from.dModel}), --d-ff (${from.dFf}) or --heads (${from.numHeads}).`,
    );
  }
  const dModel = sizes.dModel ?? from.dModel;
  const grown: T5Config = {
    ...from,
    dModel,
    dFf: sizes.dFf ?? from.dFf,
    numHeads: sizes.heads ?? from.numHeads,
    numLayers: sizes.layers ?? from.numLayers,
    numDecoderLayers: sizes.decoderLayers ?? sizes.layers ?? from.numDecoderLayers,
    layerNormEpsilon: (from.layerNormEpsilon * from.dModel) / dModel,
  };
  return parseConfig(configJson(grown)); // refuses what no T5 has
}
