/**
 * The parts that METRO's pre-training adds to a model: a generator, which fills masked places, and a detector, which
 * finds what it replaced. Neither is kept after the training.
 * @see Gong et al. 2023, "Model-Generated Pretraining Signals Improves Zero-Shot Generalization of Text-to-Text
 *   Transformers"; models/t5_metro/model.py of gonglinyuan/metro_t0
 */
import type { T5Config } from "../config.ts";
import { encoderShapes } from "../weights.ts";

/** The tokens that the pre-training knows apart. */
export interface MetroTokens {
  /** Stands in masked places. */
  readonly mask: number;
  /** Those that never replace another at random: sentinels, the end, padding. */
  readonly special: readonly number[];
}

/** The detector's tensors, [1, D] and [1]. */
export const DETECTOR = { weight: "detector.weight", bias: "detector.bias" } as const;

/** A generator as an encoder: with a third of the model's layers, as METRO-T0 Base has 4 beside 12. */
export function generatorConfig(config: T5Config): T5Config {
  return { ...config, numLayers: Math.max(1, Math.round(config.numLayers / 3)) };
}

/** The name that a tensor of the generator has beside the model's; they share the embedding. */
export function generatorName(name: string): string {
  return name === "shared.weight" ? name : name.replace(/^encoder\./, "generator.");
}

/** The generator's tensors without the embedding, under their names as an encoder's. */
export function generatorShapes(config: T5Config): Map<string, readonly number[]> {
  const shapes = encoderShapes(generatorConfig(config));
  shapes.delete("shared.weight");
  return shapes;
}

/** The tensors that are learned beside a model's, by name. */
export function metroShapes(config: T5Config): Map<string, readonly number[]> {
  const generator = [...generatorShapes(config)].map(([name, shape]) => [generatorName(name), shape] as const);
  return new Map([...generator, [DETECTOR.weight, [1, config.dModel]], [DETECTOR.bias, [1]]]);
}
