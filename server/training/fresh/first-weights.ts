/** First weights: seeded random numbers as large as the architectures' papers and code draw them. */
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { LM_HEAD, tensorShapes } from "../../../models/t5/weights.ts";

/**
 * First weights, by the seed: T5's, and what other architectures have beside them.
 * @see T5PreTrainedModel._init_weights, transformers modeling_t5.py; that of modeling_switch_transformers.py; the
 *   initializer of talking heads' mixing, mesh_tensorflow/layers.py; causal_depthwise_conv of primer/t5_models.py
 */
export function freshWeights(config: T5Config, seed: number): Map<string, Float32Array<ArrayBuffer>> {
  return new Map(drawWeights(config, seed));
}

/** Draws them one by one. @yields name and values of each tensor */
export function* drawWeights(config: T5Config, seed: number): Iterable<[string, Float32Array<ArrayBuffer>]> {
  for (const [i, [name, shape]] of [...tensorShapes(config)].entries()) {
    const values = new Float32Array(shape.reduce((product, axis) => product * axis, 1));
    const distance = /_conv_(\d+)\.weight$/.exec(name)?.[1];
    if (distance !== undefined) values.fill(distance === "0" ? 0.5 : 0.5 / config.convolution);
    else if (name.endsWith("norm.weight")) values.fill(1);
    else if (!name.endsWith(".bias"))
      fillNormal(values, deviationOf(name, shape, config), seededRandom(mixSeeds(seed, i)));
    yield [name, values];
  }
}

/** Rows of a linear layer's weights are as wide as its input. */
function deviationOf(name: string, [, width = 1]: readonly number[], { dModel: D, dKv: K }: T5Config): number {
  if (name === "shared.weight" || name === LM_HEAD || name.endsWith(".router.classifier.weight")) return 1;
  if (name.endsWith("relative_attention_bias.weight") || name.includes(".experts.")) return D ** -0.5;
  return (name.endsWith(".q.weight") ? width * K : width) ** -0.5;
}

/** Box and Muller's method, two values at a time. */
function fillNormal(values: Float32Array, deviation: number, random: () => number): void {
  for (let at = 0; at < values.length; at += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    values[at] = radius * Math.cos(angle);
    if (at + 1 < values.length) values[at + 1] = radius * Math.sin(angle);
  }
}
