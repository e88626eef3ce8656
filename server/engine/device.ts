/** The devices that a model can run on, and how they are spoken of; what runs on them is on-device.ts. */

/** By the names of ONNX Runtime's execution providers. */
export const DEVICES = ["cpu", "webgpu", "dml", "coreml", "cuda"] as const;
export type Device = (typeof DEVICES)[number];

/** How people call them. */
export const DEVICE_NAMES: Readonly<Record<Device, string>> = {
  cpu: "CPU",
  webgpu: "WebGPU",
  dml: "DirectML",
  coreml: "CoreML",
  cuda: "CUDA",
};

/** Whether a device can compute. */
export interface DeviceProbe {
  /** Whether this build of the runtime knows it. */
  readonly known: boolean;
  /** The runtime's words on why it does not compute; absent where it does. */
  readonly failure?: string;
}

/** A sentence that tells people that a device failed and the CPU works in its place. */
export function fallbackNotice(device: Device, why: string): string {
  return `${DEVICE_NAMES[device]} failed, so the CPU does its work: ${plainReason(why)}. "spanfill devices" and Devices in the panel tell what it needs.`;
}

/** The runtime's words without the places in its source that they come from. */
export function plainReason(text: string): string {
  const [said = text] = text.trim().split("\n", 1);
  return said.replace(/\/\S+:\d+ .* was false\. /, "").replace(/[.:\s]+$/, "");
}
