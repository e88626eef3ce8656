/**
 * Moves the size of a layer's outlying input channels into its weights: the layer before makes a channel smaller by a
 * factor, and the layer's column grows by it, so the model computes the same. Without this one large channel takes the
 * few levels of int8 from all others.
 * @see SmoothQuant (Xiao et al. 2023), and equalization across layers (Nagel et al. 2019)
 */
import type { T5Config } from "../t5/config.ts";
import { isGated } from "../t5/feed-forward.ts";
import type { PlannedTensor } from "./plan.ts";

/**
 * The published tensors whose rows make the input channels of a planned layer; the first one takes the factors. A
 * norm's weight, an attention's values, or the products of the feed-forward layer's first half (ReLU passes a factor,
 * and so does a gate's linear side). Empty where no single tensor can take them.
 */
export function producersOf(config: T5Config, { name, form }: PlannedTensor): string[] {
  if (config.fairseq !== null) return []; // its norms make the residual stream, and its layers' biases stay
  const [, layer, module, part] = /^(.*\.layer\.\d+)\.(\w+)\.(\w+)$/.exec(name) ?? [];
  if (name === "lm_head") return ["decoder.final_layer_norm.weight"];
  if (form === "float" || layer === undefined) return [];
  const inner = (each: string) => `${layer}.${module}.${each}.weight`;
  switch (part) {
    case "wo":
      if (config.feedForward === "squared-relu") return []; // which does not pass a factor as it is
      return isGated(config.feedForward) ? [inner("wi_1"), inner("wi_0")] : [inner("wi")];
    case "o": // a head that all share would need one factor for all of them
      return config.sharedHeads || config.sharedKeyValue ? [] : [inner("v")];
    case "qkv":
    case "wi":
      return [`${layer}.layer_norm.weight`];
    case "q": // the self-attention's norm feeds k and v too
      return module === "EncDecAttention" ? [`${layer}.layer_norm.weight`] : [];
    default: // the encoder's last norm is read by every layer of the decoder, and its output is a result
      return [];
  }
}

/**
 * The factor of each input channel of a layer: the square root of how far it stands out from the usual one, by less
 * what its weights fall short. Undefined where none stands out.
 * @param sizes size of each channel, [K], in any unit
 * @param weight float32 [N, K]
 */
export function channelFactors(sizes: Float32Array, weight: Float32Array): Float32Array | undefined {
  const K = sizes.length;
  const size = median(sizes);
  if (!sizes.some((each) => each / size >= OUTLYING)) return undefined; // as nearly always, without reading the weights
  const columns = new Float32Array(K);
  for (let begin = 0; begin < weight.length; begin += K) {
    for (let k = 0; k < K; k += 1) columns[k] = Math.max(columns[k] ?? 0, Math.abs(weight[begin + k] ?? 0));
  }
  const column = median(columns);
  const factors = sizes.map((each, k) => {
    const relative = each / size;
    const own = (columns[k] ?? 0) / column;
    const factor = own === 0 ? relative : Math.sqrt(relative / own); // where it is 0, nothing reads the channel
    return relative >= OUTLYING && factor >= OUTLYING && factor < 1e9 ? factor : 1;
  });
  return factors.every((factor) => factor === 1) ? undefined : factors;
}

/** Channels below this multiple of the usual size stay as they are: trained layers vary that much. */
const OUTLYING = 4;

/** The middle one of the values that are not zero. */
function median(values: Float32Array): number {
  const sorted = values.filter((value) => value > 0).sort();
  return sorted[sorted.length >> 1] ?? 1;
}
