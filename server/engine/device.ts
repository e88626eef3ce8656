/** The devices that a model can run on, and the reports of their failures; see on-device.ts for running on them. */

/** Devices, by the names of ONNX Runtime's execution providers; and an inference server. */
export const DEVICES = ["cpu", "webgpu", "dml", "coreml", "cuda", "server"] as const;
export type Device = (typeof DEVICES)[number];

/** Called when a device fails and the CPU takes its place; `why` is a sentence without its final period. */
export type OnFallback = (device: Device, why: string) => void;

/** Whether a device can compute. */
export interface DeviceProbe {
  /** Whether this build of the runtime supports it. */
  readonly known: boolean;
  /** The runtime's message on why it does not compute; absent if it does. */
  readonly failure?: string;
  /** A sentence for people on how it computes; absent if there is nothing to report. */
  readonly note?: string;
}

/** The runtime's message without locations in its source code. */
export function plainReason(text: string): string {
  const [message = text] = text.trim().split("\n", 1);
  return message
    .replace(/^ONNX Runtime could not load the \w+ graph: /, "")
    .replace(/\/\S{1,300}:\d{1,9} .{0,300} was false\. /, "")
    .replace(/(?<![.:\s])[.:\s]+$/, "");
}
