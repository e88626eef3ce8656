/** A comparison of two models, as the command prints it and the panel shows it. */

/** The similarity of two models' states after a layer; 1 where they are the same but for rotation and scale. */
export interface LayerSimilarity {
  readonly stack: "encoder" | "decoder";
  /** Layers of the first model before these states, 0 for the embedding. */
  readonly layer: number;
  /** The layer of the second model at the same share of its depth. */
  readonly other: number;
  /** Null where one model's states are the same for all tokens. */
  readonly cka: number | null;
  /** Absent for the embedding, and where inputs of one model are none of the other's. */
  readonly stir?: StirSimilarity;
}

/** The similarity of one model's states of a text and of inputs that the other model cannot tell from that text. */
export interface StirSimilarity {
  /** The first model's states, of inputs that are the same to the second. */
  readonly first: number | null;
  /** The second model's states, of inputs that are the same to the first. */
  readonly second: number | null;
  /**
   * The distance that was left when the search for such inputs ended, as a share of the states; the larger one. Far
   * from 0, the values above say little.
   */
  readonly left: number | null;
}

/** The loss of a token, in nats, with a perturbed input; `kind` is null for the text as it is. */
export interface PerturbedLoss {
  readonly kind: string | null;
  readonly first: number;
  readonly second: number;
}

/** A comparison. */
export interface Comparison {
  readonly first: string;
  readonly second: string;
  /** Examples and tokens of the states, both stacks. */
  readonly examples: number;
  readonly tokens: number;
  readonly layers: readonly LayerSimilarity[];
  readonly losses: readonly PerturbedLoss[];
  /** Notes for a person. */
  readonly notes: readonly string[];
}
