/**
 * Devices that fail: at load, in the middle of a request, and with their process; and WebGPU itself where a machine has
 * it.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { plainReason } from "../../../server/engine/device.ts";
import type { GenerateRequest } from "../../../server/engine/engine.ts";
import { createLocalEngine } from "../../../server/engine/process/local.ts";
import { createRemoteEngine } from "../../../server/engine/process/remote.ts";
import { openOnDevice, probeDevice } from "../../../server/engine/runtime/on-device.ts";
import { rankedTokens } from "../../../server/engine/search/candidates.ts";
import { generate } from "../../../server/engine/search/generate.ts";
import { built } from "../../support/built.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { scriptedRunner } from "../../support/models/scripted-runner.ts";

const folder = randomModelFolder({ layers: 2 });
const scripts = mkdtempSync(join(tmpdir(), "spanfill-device-"));
after(() => {
  folder.dispose();
  rmSync(scripts, { recursive: true, force: true });
});

const V = 40;
/** Counts up from 2. */
const counting = (tokens: readonly number[]) =>
  Array.from({ length: V }, (_, token) => (token === 1 + tokens.length ? 3 : 0));
const lost = () => new ModelError("runtime", "ONNX Runtime failed in the greedy graph: the device was lost.");

/** A scripted model on a device whose second chunk of tokens fails. */
async function failingInTheMiddle(failure: () => Error) {
  const notices: string[] = [];
  const disposed: string[] = [];
  const place = await openOnDevice(
    "webgpu",
    async (device) => {
      let chunks = 0;
      const runner = scriptedRunner(V, counting, 0, () => {
        chunks += 1;
        if (device !== "cpu" && chunks === 2) throw failure();
      });
      return { ...runner, dispose: async () => void disposed.push(device) };
    },
    (device, why) => notices.push(`${device}: ${why}`),
  );
  const config = { padTokenId: 0, eosTokenId: 1, decoderStartTokenId: 0 };
  const heard: number[] = [];
  const ask = () =>
    place.use(async (runner) => {
      const model = { runner, config, decode: String, commonTokens: rankedTokens([0, 1], [], V) };
      const onTokens = (ids: readonly number[]) => heard.push(ids.length);
      return generate(model, { inputs: [[4, 1]], maxNewTokens: 9 }, { onTokens });
    });
  return { place, notices, disposed, heard, ask };
}

test("a device that fails in the middle of a request: the CPU answers that request, and the next ones", async () => {
  const { place, notices, disposed, heard, ask } = await failingInTheMiddle(lost);
  assert.equal(place.device, "webgpu");
  for (const _ of [1, 2]) assert.deepEqual((await ask()).sequences[0]?.[0]?.ids, [2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.equal(place.device, "cpu");
  assert.deepEqual(notices, ["webgpu: ONNX Runtime failed in the greedy graph: the device was lost"]);
  assert.deepEqual(disposed, ["webgpu"], "its memory is freed, the CPU's is in use");
  assert.deepEqual(heard.slice(0, 3), [1, 1, heard[2]], "the text is streamed anew from its beginning");
});

test("an error that is not the device's is not taken for one", async () => {
  const { place, notices, ask } = await failingInTheMiddle(() => new ModelError("input", "too long"));
  await assert.rejects(ask(), /too long/);
  assert.equal(place.device, "webgpu");
  assert.deepEqual(notices, []);
});

test("a CPU that could not take over once is tried again by the next request", async () => {
  let opened = 0;
  const disposed: string[] = [];
  const place = await openOnDevice(
    "webgpu",
    async (device) => {
      opened += 1;
      if (opened === 2) throw new ModelError("memory", "The model takes more than is free.");
      return { device, dispose: async () => void disposed.push(device) };
    },
    () => undefined,
  );
  const ask = () =>
    place.use(async ({ device }) => {
      if (device !== "cpu") throw lost();
      return device;
    });
  await assert.rejects(ask(), { code: "memory" });
  assert.equal(await ask(), "cpu");
  assert.deepEqual([opened, disposed], [3, ["webgpu"]]);
  await place.dispose();
  assert.deepEqual(disposed, ["webgpu", "cpu"]);
});

test("a failure of the CPU itself is told", async () => {
  const open = () => Promise.reject<{ dispose(): Promise<void> }>(lost());
  await assert.rejects(openOnDevice("cpu", open, assert.fail), /device was lost/);
});

const REQUESTS: readonly Omit<GenerateRequest, "inputs">[] = [
  { maxNewTokens: 8, bannedTokens: [1] },
  { maxNewTokens: 8, bannedTokens: [1], noRepeatNgramSize: 2 },
  { maxNewTokens: 6, numBeams: 3, numReturnSequences: 2 },
  { maxNewTokens: 6, bannedTokens: [1], shortlist: 50 },
];

test("WebGPU gives the CPU's tokens in float32; without an adapter the CPU does, and says so", {
  timeout: 300_000,
}, async (t) => {
  const { failure } = await probeDevice("webgpu");
  t.diagnostic(failure ?? "on a real adapter");
  const notices: string[] = [];
  const engine = createLocalEngine((device, why) => notices.push(`${device}: ${why}`));
  try {
    const { directory } = folder;
    const near = await engine.load({ directory, precision: "float32" });
    const far = await engine.load({ directory, precision: "float32", device: "webgpu" });
    assert.equal(near.info.device, "cpu");
    assert.equal(far.info.device, failure === undefined ? "webgpu" : "cpu");
    assert.deepEqual(notices, failure === undefined ? [] : [`webgpu: ${failure}`], "at load, and once");
    for (const request of REQUESTS) {
      // Of two lengths, so that the shorter one is masked.
      const inputs = [
        [5, 9, 30, 1],
        [7, 1],
      ];
      const [expected, made] = [
        await near.generate({ ...request, inputs }),
        await far.generate({ ...request, inputs }),
      ];
      const ids = (all: typeof made) => all.sequences.map((row) => row.map((sequence) => sequence.ids));
      assert.deepEqual(ids(made), ids(expected), JSON.stringify(request));
    }
    const [expected, made] = [await near.score([5, 9, 1], [7, 1]), await far.score([5, 9, 1], [7, 1])];
    assert.ok(Math.abs(made.total - expected.total) < 1e-3, `${made.total}, on the CPU ${expected.total}`);
  } finally {
    await engine.dispose();
  }
});

test("int8 that was asked for stays int8 on the CPU, also in place of a device that is not there", async () => {
  const engine = createLocalEngine();
  const { info } = await engine.load({ directory: folder.directory, precision: "int8", device: "coreml" });
  const { known } = await probeDevice("coreml");
  assert.deepEqual([info.device, info.precision], known ? ["coreml", "float32"] : ["cpu", "int8"]);
  await engine.dispose();
});

test("a device that takes its process with it: the CPU of the next process answers, and the device is not tried again", async () => {
  const path = join(scripts, "dies.mjs");
  const script = `
    process.on("message", ({ id, type, model }) => {
      if (model.device !== "cpu" && type === "generate") { console.error("segmentation fault"); process.exit(139); }
      const value = type === "load" ? { device: model.device, parameters: 1 } : { sequences: [], device: model.device };
      process.send({ type: "result", id, value });
    });
    process.on("disconnect", () => process.exit());`;
  writeFileSync(path, script);
  const notices: string[] = [];
  const engine = createRemoteEngine({
    childPath: path,
    onFallback: (device, why) => notices.push(`${device}: ${why}`),
  });
  try {
    const model = await engine.load({ directory: ".", precision: "float32", device: "webgpu" });
    const request = { inputs: [[1]], maxNewTokens: 1 };
    for (const _ of [1, 2]) assert.equal(Reflect.get(await model.generate(request), "device"), "cpu");
    assert.equal(notices.length, 1);
    assert.match(notices[0] ?? "", /^webgpu: .*exit code 139.*segmentation fault/);
    const onCpu = await engine.load({ directory: ".", precision: "float32", device: "cpu" });
    assert.equal(onCpu.info.device, "cpu");
  } finally {
    await engine.dispose();
  }
});

test("the engine's process tells its parent of a device that failed, and probes without a model", async () => {
  const notices: string[] = [];
  const engine = createRemoteEngine({ childPath: built("child.js"), onFallback: (device) => notices.push(device) });
  try {
    assert.deepEqual(await engine.probe("cpu"), { known: true });
    const model = await engine.load({ directory: folder.directory, precision: "float32", device: "dml" });
    const { known } = await engine.probe("dml");
    assert.deepEqual([model.info.device, notices], known ? ["dml", []] : ["cpu", ["dml"]]);
  } finally {
    await engine.dispose();
  }
});

test("the runtime's words are told without the places in its source", () => {
  const raw =
    "ONNX Runtime could not load the probe graph: /onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No supported adapters\n";
  assert.equal(plainReason(raw), "Failed to get a WebGPU adapter: No supported adapters");
});
