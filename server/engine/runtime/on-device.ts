/** Runs work on the requested device, or on the CPU once that device has failed; and probes devices. */
import { defined } from "../../../base/defined.ts";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { createGraphBuilder } from "../../../models/graph/builder.ts";
import * as ops from "../../../models/graph/ops.ts";
import { type Device, type DeviceProbe, type OnFallback, plainReason } from "../device.ts";
import { createSession, float32, float32Data, knownDevices, slowNotice } from "./session.ts";

/** Something opened on a device, such as a runner. */
export interface OnDevice<T> {
  /** The current device. */
  readonly device: Device;
  /**
   * Runs work; if the device fails during it, repeats the work from the beginning on the CPU.
   * @returns the work's result
   */
  use<R>(work: (opened: T) => Promise<R>): Promise<R>;
  dispose(): Promise<void>;
}

/**
 * Opens something on a device, or else on the CPU.
 * @param open called again for the CPU if the device fails
 * @throws what opening throws, unless the device failed
 */
export async function openOnDevice<T extends { dispose(): Promise<void> }>(
  device: Device,
  open: (device: Device) => Promise<T>,
  onFallback: OnFallback,
): Promise<OnDevice<T>> {
  let now = device;
  /** Undefined after a failure; the next use opens it. */
  let opened: T | undefined = await open(device).catch((error: unknown) => onCpu(error));

  function isDeviceFailure(error: unknown): error is ModelError {
    return now !== "cpu" && error instanceof ModelError && error.code === "runtime";
  }

  /**
   * Opens it on the CPU.
   * @throws the error, unless it means that the device failed
   */
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
        // It has failed already, so errors of its disposal do not matter.
        await used.dispose().catch(() => undefined);
        opened = await onCpu(error);
        return work(opened);
      }
    },
    dispose: async () => opened?.dispose(),
  };
}

/** Multiplies two small matrices on a device to check that it works. */
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
    const values = float32Data((await session.run({ x: float32(Float32Array.of(1, 10), [1, 2]) }))["product"]);
    await session.dispose();
    if (values[0] !== 31 || values[1] !== 42) return { known: true, failure: "it computed wrong numbers" };
    return { known: true, ...defined({ note: device === "cpu" ? slowNotice : undefined }) };
  } catch (error) {
    return { known: true, failure: plainReason(reason(error)) };
  }
}

/**
 * Checks that a device works.
 * @throws ModelError "runtime" when it does not
 */
export async function requireDevice(device: Device): Promise<void> {
  const { known, failure } = await probeDevice(device);
  if (!known) throw new ModelError("runtime", "The installed ONNX Runtime does not support it.");
  if (failure !== undefined) throw new ModelError("runtime", failure);
}
