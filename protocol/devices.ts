/** The devices that a model can run on, and their names in settings, in the panel and for people. */
import { english, type Translate } from "../base/translate.ts";

/** Devices, by the names of ONNX Runtime's execution providers; and an inference server, to which the text goes. */
export const DEVICES = ["cpu", "webgpu", "dml", "coreml", "cuda", "server"] as const;
export type Device = (typeof DEVICES)[number];

/** Display names; "wasm" is the CPU when the engine runs as WebAssembly. */
export const DEVICE_NAMES: Readonly<Record<Device | "wasm", string>> = {
  cpu: "CPU",
  webgpu: "WebGPU",
  dml: "DirectML",
  coreml: "CoreML",
  cuda: "CUDA",
  server: "Server",
  wasm: "WebAssembly",
};

/** A device's availability on this machine. */
export interface DeviceReport {
  readonly device: Device;
  /**
   * `missing`: something must be installed, or the system has no such device. `failed`: present, but it does not
   * compute.
   */
  readonly state: "usable" | "missing" | "failed";
  /** A description of the device, or why it cannot be used and how to enable it. */
  readonly detail: string;
}

/** The device that a model will run on, and why. */
export interface DeviceChoice {
  readonly device: Device;
  readonly reason: string;
}

/** A sentence for people: a device failed, and the CPU takes its place. */
export function fallbackNotice(device: Device, why: string, t: Translate = english): string {
  return t(
    '{0} failed, so the CPU takes its place: {1}. "spanfill devices", and Devices in the panel, show what it needs.',
    DEVICE_NAMES[device],
    why,
  );
}
