/** The devices that a model can run on, as settings, the panel and people name them. */

/** By the names of ONNX Runtime's execution providers. */
export const DEVICES = ["cpu", "webgpu", "dml", "coreml", "cuda"] as const;
export type Device = (typeof DEVICES)[number];

/** How people call them; wasm is the CPU where the engine runs as WebAssembly. */
export const DEVICE_NAMES: Readonly<Record<Device | "wasm", string>> = {
  cpu: "CPU",
  webgpu: "WebGPU",
  dml: "DirectML",
  coreml: "CoreML",
  cuda: "CUDA",
  wasm: "WebAssembly",
};

/** A device as it was found on this machine. */
export interface DeviceReport {
  readonly device: Device;
  /** `missing`: something has to be installed, or the system has no such thing. `failed`: it is there, but does not compute. */
  readonly state: "usable" | "missing" | "failed";
  /** What it is, or why it cannot be used and how to get it. */
  readonly detail: string;
}

/** What a model is to run on, and why. */
export interface DeviceChoice {
  readonly device: Device;
  readonly reason: string;
}

/** A sentence that tells people that a device failed and the CPU works in its place. */
export function fallbackNotice(device: Device, why: string): string {
  return `${DEVICE_NAMES[device]} failed, so the CPU does its work: ${why}. "spanfill devices", and Devices in the panel, tell what it needs.`;
}
