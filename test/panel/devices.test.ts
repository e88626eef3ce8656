import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import type { Device, DeviceReport } from "../../protocol/devices.ts";
import type { Measurement } from "../../protocol/panel/models.ts";
import type { DeviceProbe } from "../../server/engine/device.ts";
import { chooseDevice } from "../../server/panel/device-choice.ts";
import { findDevices, settled } from "../../server/panel/devices.ts";

/** Devices of a machine where probing gives what is said; nothing else is known there. */
async function found(probes: Partial<Record<Device, DeviceProbe | Error>>, platform: NodeJS.Platform) {
  const probe = async (device: Device): Promise<DeviceProbe> => {
    const said = probes[device] ?? { known: false };
    if (said instanceof Error) throw said;
    return said;
  };
  const reports = await findDevices({ probe }, platform);
  return Object.fromEntries(reports.map(({ device, state, detail }) => [device, `${state}: ${detail}`]));
}

test("tells what is missing, and how to get it on this system", async () => {
  const failure = "Failed to get a WebGPU adapter: No supported adapters";
  const linux = await found(
    {
      cpu: { known: true },
      webgpu: { known: true, failure },
      cuda: { known: true, failure: "OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library" },
    },
    "linux",
  );
  assert.match(linux["cpu"] ?? "", /^usable: .+, \d+ cores$/);
  assert.match(linux["webgpu"] ?? "", /^missing: No graphics adapter.*Vulkan.*apt install/);
  assert.match(linux["cuda"] ?? "", /^missing: .*cuDNN.*ONNXRUNTIME_NODE_INSTALL=cuda12/);
  assert.match(linux["dml"] ?? "", /^missing: .*Windows/);
  assert.match(linux["coreml"] ?? "", /^missing: .*macOS/);
  assert.match((await found({ webgpu: { known: true, failure } }, "win32"))["webgpu"] ?? "", /Direct3D 12/);
});

test("tells a device that is there but does not compute, or ends its process, from one that is missing", async () => {
  const windows = await found(
    {
      webgpu: { known: true },
      dml: { known: true, failure: "the device was removed" },
      cuda: new ModelError("process", "The engine process was ended by SIGSEGV."),
    },
    "win32",
  );
  assert.match(windows["webgpu"] ?? "", /^usable: /);
  assert.match(windows["dml"] ?? "", /^failed: .*the device was removed/);
  assert.match(windows["cuda"] ?? "", /^failed: .*SIGSEGV/);
});

test("the CPU says so where it runs as WebAssembly", async () => {
  assert.equal((await found({ cpu: { known: true, note: "Slow." } }, "linux"))["cpu"], "usable: Slow.");
});

/** That 512 tokens in and 64 out take so long. */
function timed(device: Device, precision: "int8" | "float32", ms: number): Measurement {
  const rest = { id: "m", loadMs: 1, at: "2026-01-01T00:00:00Z" };
  return { ...rest, device, precision, firstTokenMs: ms / 2, tokensPerSecond: 64_000 / (ms / 2) };
}

const CHOICES = [
  ["nothing was measured", "int8", [], "cpu", /nothing was measured/],
  ["only the CPU was", "int8", [timed("cpu", "int8", 9)], "cpu", /no other device/],
  [
    "the CPU was not",
    "int8",
    [timed("webgpu", "float32", 9), timed("cpu", "float32", 90)],
    "cpu",
    /not measured in int8/,
  ],
  [
    "the graphics card is quicker",
    "int8",
    [timed("cpu", "int8", 90), timed("webgpu", "float32", 9)],
    "webgpu",
    /: 9 ms.*CPU 90 ms/,
  ],
  [
    "the CPU is quicker in int8",
    "int8",
    [timed("cpu", "int8", 9), timed("webgpu", "float32", 20)],
    "cpu",
    /: 9 ms.*WebGPU 20 ms/,
  ],
  [
    "the graphics card is quicker than float32 on the CPU",
    "float32",
    [timed("cpu", "int8", 9), timed("cpu", "float32", 40), timed("cuda", "float32", 20)],
    "cuda",
    /: 20 ms.*CPU 40 ms/,
  ],
] as const;

for (const [when, precision, measurements, device, reason] of CHOICES) {
  test(`chooses by itself when ${when}`, () => {
    const choice = chooseDevice("auto", precision, measurements);
    assert.equal(choice.device, device);
    assert.match(choice.reason, reason);
  });
}

test("a choice that cannot be had comes to the CPU, with the reason", () => {
  const chosen = { device: "webgpu", reason: "as the settings say" } as const;
  const found = (state: DeviceReport["state"]) => [{ device: "webgpu", state, detail: "" } as const];
  assert.deepEqual(settled(chosen, found("usable")), chosen);
  const { device, reason } = settled(chosen, found("missing"));
  assert.equal(device, "cpu");
  assert.match(reason, /^WebGPU is missing \(as the settings say\)/);
  assert.match(settled(chosen, found("failed")).reason, /^WebGPU fails/);
});

test("takes the device that was asked for, whatever was measured", () => {
  assert.equal(chooseDevice("dml", "int8", [timed("cpu", "int8", 1)]).device, "dml");
});
