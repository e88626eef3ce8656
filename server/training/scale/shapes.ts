/** Shapes by their names in the Scale Efficiently paper: a size, and what differs from it, such as tiny-nl4. */

import { table } from "../../../base/table.ts";
import { ModelError } from "../../../models/errors.ts";
import { configJson, parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { LM_HEAD, tensorShapes } from "../../../models/t5/weights.ts";
import { readCatalog } from "../../catalog/published.ts";

/** A named shape. */
export interface NamedShape {
  readonly name: string;
  readonly config: T5Config;
}

/** The changes that parts of a name stand for. @see Tay et al., "Scale Efficiently" (arXiv 2109.10686), table 2 */
const PARTS: Readonly<Record<string, (n: number) => Partial<T5Config>>> = table({
  nl: (n) => ({ numLayers: n, numDecoderLayers: n }),
  el: (n) => ({ numLayers: n }),
  dl: (n) => ({ numDecoderLayers: n }),
  dm: (n) => ({ dModel: n }),
  ff: (n) => ({ dFf: n }),
  nh: (n) => ({ numHeads: n }),
  kv: (n) => ({ dKv: n }),
});

/** The sizes that a name may begin with. */
const SIZES = ["tiny", "mini", "small", "base"] as const;

/** The parts of a shape that belong to its vocabulary. */
type Vocabulary = Pick<T5Config, "vocabSize" | "padTokenId" | "eosTokenId" | "decoderStartTokenId">;

/**
 * A shape by its name, with the vocabulary of a model.
 * @throws ModelError "input" when the name is none, "config" when a size is beyond any T5's
 */
export async function shapeOf(name: string, vocabulary: Vocabulary): Promise<NamedShape> {
  const [size = "", ...parts] = name.split("-");
  const { models } = await readCatalog();
  const published = models.find(({ id }) => id === `google/t5-efficient-${size}`);
  const changes = parts.map((part) => {
    const [, kind = "", count] = /^([a-z]{2})([1-9]\d{0,4})$/.exec(part) ?? [];
    return PARTS[kind]?.(Number(count));
  });
  if (published === undefined || !SIZES.some((known) => known === size) || changes.includes(undefined)) {
    throw new ModelError(
      "input",
      `There is no shape "${name}". Write a size (${SIZES.join(", ")}) and what differs from it: nl for layers, el and dl for those of the encoder and the decoder, dm, ff, nh and kv for widths and heads, as in tiny-nl4 or mini-dm256-ff512.`,
    );
  }
  const { vocabSize, padTokenId, eosTokenId, decoderStartTokenId } = vocabulary;
  const own = { vocabSize, padTokenId, eosTokenId, decoderStartTokenId, dropoutRate: 0 };
  // Sizes that no T5 has are refused as in any configuration.
  return { name, config: parseConfig(configJson(Object.assign({ ...published.config, ...own }, ...changes))) };
}

/** The sizes that predictions are made for beside those that were measured. */
export const PREDICTED: readonly string[] = [
  ...["tiny-nl1", "tiny-nl2", "tiny", "tiny-nl8", "mini", "mini-nl8", "small", "small-nl12", "base"],
];

/** Parameters without the embedding, the output layer and the position biases, as the papers on scaling laws count. */
export function sizeOf(config: T5Config): number {
  let count = 0;
  for (const [name, shape] of tensorShapes(config)) {
    if (name === "shared.weight" || name === LM_HEAD || name.endsWith("relative_attention_bias.weight")) continue;
    count += shape.reduce((product, axis) => product * axis, 1);
  }
  return count;
}
