/** What runs on the device that was asked for, and on the CPU from the moment that device fails; and whether a device works at all. */
import { defined } from "../../../base/defined.ts";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { createGraphBuilder } from "../../../models/graph/builder.ts";
import * as ops from "../../../models/graph/ops.ts";
import { type Device, type DeviceProbe, type OnFallback, plainReason } from "../device.ts";
import { createSession, float32, float32Data, knownDevices, slowNotice } from "./session.ts";

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
 * @throws what opening throws, unless it is a device's failure
 */
export async function openOnDevice<T extends { dispose(): Promise<void> }>(
  device: Device,
  open: (device: Device) => Promise<T>,
  onFallback: OnFallback,
): Promise<OnDevice<T>> {
  let now = device;
  /** Undefined after a failure that left nothing: the next use opens it. */
  let opened: T | undefined = await open(device).catch((error: unknown) => onCpu(error));

  function isDeviceFailure(error: unknown): error is ModelError {
    return now !== "cpu" && error instanceof ModelError && error.code === "runtime";
  }

  /** Opens it on the CPU. @throws the error, when it tells of no failing device */
  async function onCpu(error: unknown): Promise<T> {
    if (!isDeviceFailure(error)) throw error;
    onFallback(now, plainReason(error.message));
    now = "cpu";
    return open("cpu");
  }

  return {
    get device() {
      return now;
    },
    async use(work) {
      opened ??= await open(now);
      const used = opened;
      try {
        return await work(used);
      } catch (error) {
        if (!isDeviceFailure(error)) throw error;
        opened = undefined;
        // It has failed already: what its end says helps nobody.
        await used.dispose().catch(() => undefined);
        opened = await onCpu(error);
        return work(opened);
      }
    },
    dispose: async () => opened?.dispose(),
  };
}

/** Multiplies two small matrices on a device, to see whether it can. */
export async function probeDevice(device: Device): Promise<DeviceProbe> {
  if (!knownDevices().includes(device)) return { known: false };
  try {
    const g = createGraphBuilder();
    const product = ops.matmul(g, g.input("x", "float32", ["N", 2]), g.constant("float32", [2, 2], [1, 2, 3, 4]));
    const session = await createSession(g.build("probe", { product }), {
      folder: ".",
      threads: 1,
      spin: false,
      device,
    });
    const made = float32Data((await session.run({ x: float32(Float32Array.of(1, 10), [1, 2]) }))["product"]);
    await session.dispose();
    if (made[0] !== 31 || made[1] !== 42) return { known: true, failure: "it computed wrong numbers" };
    return { known: true, ...defined({ note: device === "cpu" ? slowNotice : undefined }) };
  } catch (error) {
    return { known: true, failure: plainReason(reason(error)) };
  }
}

/** @throws ModelError "runtime" when the device does not compute */
export async function requireDevice(device: Device): Promise<void> {
  const { known, failure } = await probeDevice(device);
  if (!known) throw new ModelError("runtime", "ONNX Runtime as it is installed here does not know it.");
  if (failure !== undefined) throw new ModelError("runtime", failure);
}
