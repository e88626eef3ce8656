/** A comparison of two models, as the command prints it and the panel shows it. */
import * as z from "zod";

const figure = z.number().nullable();

/** The similarity of one model's states of a text and of inputs that the other model cannot tell from that text. */
const stirSchema = z.object({
  /** The first model's states, of inputs that are the same to the second. */
  first: figure,
  /** The second model's states, of inputs that are the same to the first. */
  second: figure,
  /**
   * The distance that was left when the search for such inputs ended, as a share of the states; the larger one. Far
   * from 0, the values above say little.
   */
  left: figure,
});
export type StirSimilarity = z.output<typeof stirSchema>;

/** The similarity of two models' states after a layer; 1 where they are the same but for rotation and scale. */
const layerSchema = z.object({
  stack: z.enum(["encoder", "decoder"]),
  /** Layers of the first model before these states, 0 for the embedding. */
  layer: z.number(),
  /** The layer of the second model at the same share of its depth. */
  other: z.number(),
  /** Null where one model's states are the same for all tokens. */
  cka: figure,
  /** Absent for the embedding, and where inputs of one model are none of the other's. */
  stir: stirSchema.exactOptional(),
});
export type LayerSimilarity = z.output<typeof layerSchema>;

/** The loss of a token, in nats, with a perturbed input; `kind` is null for the text as it is. */
const lossSchema = z.object({ kind: z.string().nullable(), first: z.number(), second: z.number() });
export type PerturbedLoss = z.output<typeof lossSchema>;

/** A comparison: the output of `spanfill compare --json`. */
export const comparisonSchema = z.object({
  first: z.string(),
  second: z.string(),
  /** Examples and tokens of the states, both stacks. */
  examples: z.number(),
  tokens: z.number(),
  layers: z.array(layerSchema),
  losses: z.array(lossSchema),
  /** Notes for a person. */
  notes: z.array(z.string()),
});
export type Comparison = z.output<typeof comparisonSchema>;
