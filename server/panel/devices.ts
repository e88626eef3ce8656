/** The devices of this machine: which are usable, what the others lack and how to get it. */
import { availableParallelism, cpus } from "node:os";
import { reason } from "../../base/reason.ts";
import { DEVICE_NAMES, DEVICES, type Device, type DeviceChoice, type DeviceReport } from "../../protocol/devices.ts";
import type { DeviceProbe } from "../engine/device.ts";

/**
 * Probes a device in a separate process, because a bad driver may end it.
 * @see RemoteEngine
 */
interface Prober {
  probe(device: Device): Promise<DeviceProbe>;
}

/** Probes every device, one after another. */
export async function findDevices(engine: Prober, platform = process.platform): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const device of DEVICES) {
    const probe = await engine.probe(device).catch((error: unknown): DeviceProbe => {
      return { known: true, failure: reason(error) };
    });
    reports.push({ device, ...judged(device, probe, platform) });
  }
  return reports;
}

/** The choice, adapted to the devices found on this machine. */
export function settled(choice: DeviceChoice, reports: readonly DeviceReport[]): DeviceChoice {
  const { device, reason } = choice;
  const state = reports.find((report) => report.device === device)?.state;
  if (device === "cpu" || state === undefined || state === "usable") return choice;
  const how = state === "missing" ? "is missing" : "fails";
  return { device: "cpu", reason: `${DEVICE_NAMES[device]} ${how} (${reason}), so the CPU does its work` };
}

function judged(
  device: Device,
  { known, failure, note }: DeviceProbe,
  platform: NodeJS.Platform,
): Pick<DeviceReport, "state" | "detail"> {
  if (known && failure === undefined) return { state: "usable", detail: note ?? USABLE[device]() };
  if (!known) return { state: "missing", detail: ELSEWHERE[device](platform) };
  const lacking = failure === undefined ? undefined : LACKS[device]?.(failure, platform);
  if (lacking !== undefined) return { state: "missing", detail: lacking };
  return {
    state: "failed",
    detail:
      device === "server"
        ? `${failure}. The CPU takes its place until then.`
        : `It does not compute: ${failure}. Updating its driver may help; the CPU takes its place until then.`,
  };
}

const accelerated = () => "Runs the float32 weights, whatever the precision. Measure it beside the CPU.";
const USABLE: Readonly<Record<Device, () => string>> = {
  cpu: () => `${cpus()[0]?.model.trim() ?? process.arch}, ${availableParallelism()} cores`,
  webgpu: accelerated,
  dml: accelerated,
  coreml: accelerated,
  cuda: accelerated,
  server: accelerated,
};

const NOT_BUILT_IN = `The engine for ${process.platform}-${process.arch} was built without it.`;

/** Explanations for a device that the runtime does not support. */
const ELSEWHERE: Readonly<Record<Device, (platform: NodeJS.Platform) => string>> = {
  cpu: () => "No engine can be loaded here. Reinstall Spanfill.",
  webgpu: () => `${NOT_BUILT_IN} Windows, macOS on Apple's processors and x64 Linux have it.`,
  dml: (platform) => (platform === "win32" ? NOT_BUILT_IN : "It is a part of Windows."),
  coreml: (platform) => (platform === "darwin" ? NOT_BUILT_IN : "It is a part of macOS."),
  cuda: (platform) =>
    platform === "linux" ? NOT_BUILT_IN : "The engine supports it only on x64 Linux; WebGPU uses the same card.",
  server: () =>
    "None is set: in an editor, the setting spanfill.server.url holds the address; elsewhere SPANFILL_SERVER, and SPANFILL_SERVER_TOKEN the token (docs/serving.md).",
};

/** Detects in an error that something is not installed; undefined if it does not say so. */
const LACKS: Partial<Readonly<Record<Device, (failure: string, platform: NodeJS.Platform) => string | undefined>>> = {
  webgpu: (failure, platform) =>
    /adapter/i.test(failure) ? `No graphics adapter was found. ${GRAPHICS[platform] ?? ""}`.trim() : undefined,
  cuda: (failure) => (/shared library|cannot open|libcu/i.test(failure) ? CUDA : undefined),
};

const GRAPHICS: Partial<Readonly<Record<NodeJS.Platform, string>>> = {
  linux:
    "It takes Vulkan: the loader and the driver of the graphics card (Debian and Ubuntu: apt install libvulkan1 mesa-vulkan-drivers; NVIDIA's driver brings its own). In a container, the card must be passed on to it.",
  win32: "It takes a graphics card with Direct3D 12 and an up-to-date driver.",
  darwin: "It takes a Mac with Metal, and no remote session without graphics.",
};

const CUDA =
  "Its libraries do not come with Spanfill. With an NVIDIA card, its driver, CUDA 12 and cuDNN 9 installed, ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node (in the folder of Spanfill's sources) gets them.";
