/** What runs on the device that was asked for, and on the CPU from the moment that device fails; and whether a device works at all. */
import { ModelError } from "../../models/errors.ts";
import { createGraphBuilder } from "../../models/graph/builder.ts";
import * as ops from "../../models/graph/ops.ts";
import { type Device, type DeviceProbe, fallbackNotice, plainReason } from "./device.ts";
import { createSession, float32, float32Data, knownDevices } from "./session.ts";

/** Something that was opened on a device, such as a runner. */
export interface OnDevice<T> {
  /** Where it is now. */
  readonly device: Device;
  /** @returns what the work gives, done again from its beginning on the CPU where the device failed under it */
  use<R>(work: (opened: T) => Promise<R>): Promise<R>;
  dispose(): Promise<void>;
}

/**
 * Opens something on a device, or else on the CPU.
 * @param open is asked again, for the CPU, when the device has failed
 * @param onFallback is told in a sentence for people that the CPU does the work from now on, and why
 * @throws what opening throws, unless it is a device's failure
 */
export async function openOnDevice<T extends { dispose(): Promise<void> }>(
  device: Device,
  open: (device: Device) => Promise<T>,
  onFallback: (notice: string) => void,
): Promise<OnDevice<T>> {
  /** Opens it on the CPU. @throws the error, when it tells of no failing device */
  function instead(failed: Device, error: unknown): Promise<T> {
    if (failed === "cpu" || !(error instanceof ModelError) || error.code !== "runtime") throw error;
    onFallback(fallbackNotice(failed, error.message));
    return open("cpu");
  }
  let now = { device, opened: open(device) };
  try {
    await now.opened;
  } catch (error) {
    now = { device: "cpu", opened: instead(device, error) };
    await now.opened;
  }
  return {
    get device() {
      return now.device;
    },
    async use(work) {
      const used = now;
      try {
        return await work(await used.opened);
      } catch (error) {
        if (now === used) {
          now = { device: "cpu", opened: instead(used.device, error) };
          // It has failed already: what its end says helps nobody.
          await (await used.opened).dispose().catch(() => undefined);
        } else if (used.device === "cpu") throw error;
        return work(await now.opened);
      }
    },
    dispose: async () => (await now.opened).dispose(),
  };
}

/** Multiplies two small matrices on a device, to see whether it can. */
export async function probeDevice(device: Device): Promise<DeviceProbe> {
  if (!knownDevices().includes(device)) return { known: false };
  try {
    const g = createGraphBuilder();
    const product = ops.matmul(g, g.input("x", "float32", ["N", 2]), g.constant("float32", [2, 2], [1, 2, 3, 4]));
    const session = await createSession(g.build("probe", { product }), { folder: ".", threads: 1, spin: false, device });
    const made = float32Data((await session.run({ x: float32(Float32Array.of(1, 10), [1, 2]) }))["product"]);
    await session.dispose();
    return made[0] === 31 && made[1] === 42 ? { known: true } : { known: true, failure: "it computed wrong numbers" };
  } catch (error) {
    return { known: true, failure: plainReason(error instanceof Error ? error.message : String(error)) };
  }
}
