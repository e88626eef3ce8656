/** The kinds of feed-forward layers in a T5. */
import { ModelError } from "../errors.ts";

/** Activation of the feed-forward layer, as `feed_forward_proj` names it. */
export type FeedForward = "relu" | "squared-relu" | "gated-gelu" | "gated-silu";

/** Whether a gate multiplies the hidden values, so that a layer has two input projections. */
export function isGated(feedForward: FeedForward): boolean {
  return feedForward.startsWith("gated-");
}

/** The names of a layer's input projections. */
export function inputProjections({ feedForward }: { readonly feedForward: FeedForward }): readonly string[] {
  return isGated(feedForward) ? ["wi_0", "wi_1"] : ["wi"];
}

/**
 * Reads the kind of feed-forward layer. `feed_forward_proj` decides, as in transformers; the two derived keys are read
 * only where it is absent.
 * @throws ModelError "config" for a kind that T5 does not have
 */
export function parseFeedForward(
  raw: {
    readonly feed_forward_proj?: string | null | undefined;
    readonly dense_act_fn?: string | null | undefined;
    readonly is_gated_act?: boolean | null | undefined;
  },
  usual: FeedForward,
): FeedForward {
  const derived = raw.dense_act_fn ? `${raw.is_gated_act ? "gated-" : ""}${raw.dense_act_fn}` : usual;
  const name = raw.feed_forward_proj ?? derived;
  switch (name) {
    case "relu":
    case "squared-relu":
    case "gated-gelu":
    case "gated-silu":
      return name;
    case "relu2": // transformers' name of the activation
      return "squared-relu";
    case "gated-gelu_new": // transformers' name for the tanh approximation, which "gated-gelu" also means
      return "gated-gelu";
    default:
      throw new ModelError(
        "config",
        `config.json asks for the feed-forward layer "${name}"; relu, squared-relu, gated-gelu and gated-silu work. Choose a model with one of these.`,
      );
  }
}
