/** Which device suits a model best. */
import { DEVICE_NAMES, type Device, type DeviceChoice } from "../../protocol/devices.ts";
import type { Measurement } from "../../protocol/panel/models.ts";
import type { Precision } from "../engine/engine.ts";

/**
 * Chooses a model's device: the requested one, or the fastest of those measured with it.
 * @param measurements of this model; only the CPU runs int8, so other devices compete in float32
 */
export function chooseDevice(
  requested: Device | "auto",
  precision: Precision,
  measurements: readonly Measurement[],
): DeviceChoice {
  if (requested !== "auto") return { device: requested, reason: "as the settings say" };
  // Text goes to a server only where that is asked for.
  const here = measurements.filter(({ device }) => device !== "server");
  const rivals = here.filter((measured) => measured.device !== "cpu" || measured.precision === precision);
  const ofCpu = rivals.find(({ device }) => device === "cpu");
  const [best] = rivals.toSorted((a, b) => typicalMs(a) - typicalMs(b));
  if (best === undefined) return { device: "cpu", reason: `nothing was measured with this model in ${precision}` };
  if (ofCpu === undefined)
    return { device: "cpu", reason: `the CPU was not measured in ${precision} to compare it with` };
  if (rivals.length === 1) return { device: "cpu", reason: "no other device was measured with this model" };
  const others = rivals.filter((rival) => rival !== best);
  const slower = others.map((rival) => `${DEVICE_NAMES[rival.device]} ${Math.round(typicalMs(rival))} ms`).join(", ");
  const reason = `the fastest as measured: ${Math.round(typicalMs(best))} ms for 512 tokens in and 64 out; ${slower}`;
  return { device: best.device, reason };
}

/** Milliseconds for 512 tokens in and 64 out. */
function typicalMs({ firstTokenMs, tokensPerSecond }: Measurement): number {
  return firstTokenMs + 64_000 / tokensPerSecond;
}
