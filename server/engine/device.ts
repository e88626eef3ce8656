/** The devices that a model can run on, and what is told when one fails; what runs on them is on-device.ts. */

/** By the names of ONNX Runtime's execution providers. */
export const DEVICES = ["cpu", "webgpu", "dml", "coreml", "cuda"] as const;
export type Device = (typeof DEVICES)[number];

/** Is told that a device failed, so that the CPU does its work from now on; `why` is a sentence without its full stop. */
export type OnFallback = (device: Device, why: string) => void;

/** Whether a device can compute. */
export interface DeviceProbe {
  /** Whether this build of the runtime knows it. */
  readonly known: boolean;
  /** The runtime's words on why it does not compute; absent where it does. */
  readonly failure?: string;
  /** A sentence for people on how it computes; absent where there is nothing to say. */
  readonly note?: string;
}

/** The runtime's words without the places in its source that they come from. */
export function plainReason(text: string): string {
  const [said = text] = text.trim().split("\n", 1);
  return said
    .replace(/^ONNX Runtime could not load the \w+ graph: /, "")
    .replace(/\/\S+:\d+ .* was false\. /, "")
    .replace(/[.:\s]+$/, "");
}
