/** Primer's convolutions in a configuration. */
import { ModelError } from "../../errors.ts";

/**
 * Refuses convolutions that Primer does not have.
 * @param otherKeys whether other architectures' keys are set
 * @throws ModelError "config" for an even width, or other attention
 */
export function refuseConvolution(
  config: { readonly convolution: number; readonly longAttention: unknown; readonly experts: unknown },
  otherKeys: boolean,
): void {
  const { convolution: width } = config;
  if (width === 0) return;
  const advice = "Take the config.json that came with the weights.";
  if (width % 2 === 0)
    throw new ModelError(
      "config",
      `config.json gives depthwise_conv_width as ${width}; it must be odd, 3 in Primer. ${advice}`,
    );
  if (otherKeys || config.longAttention !== null || config.experts !== null)
    throw new ModelError(
      "config",
      `config.json asks for depthwise_conv_width together with another architecture's keys, which no Primer has. ${advice}`,
    );
}
