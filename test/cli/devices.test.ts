import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { DeviceChoice, DeviceReport } from "../../protocol/devices.ts";
import type { Measurement } from "../../protocol/panel/models.ts";
import { commandLine, type WatchedRun } from "../support/command-line.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-devices-"));
const model = randomModelFolder();
after(() => {
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Told {
  readonly devices: readonly DeviceReport[];
  readonly measurements: readonly Measurement[];
  readonly choice: DeviceChoice;
}

const { watch } = commandLine(folder, { SPANFILL_MODELS: join(folder, "own"), SPANFILL_CACHE: join(folder, "cache") });

test("devices tells what there is, measures it, and remembers", { timeout: 300_000 }, async () => {
  const told = async (...more: string[]): Promise<Told & WatchedRun> => {
    const run = await watch(["devices", "--model", model.directory, "--json", ...more]);
    assert.equal(run.code, 0, run.stderr);
    return { ...JSON.parse(run.stdout), ...run };
  };
  const first = await told();
  assert.deepEqual(
    first.devices.map(({ device }) => device),
    ["cpu", "webgpu", "dml", "coreml", "cuda", "server"],
  );
  assert.equal(first.devices[0]?.state, "usable");
  assert.deepEqual(first.measurements, []);
  const { measurements: measured, sent } = await told("--measure", "--threads", "3");
  assert.match(sent.join(), /"threads":3/);
  const usable = first.devices.filter(({ state }) => state === "usable").length;
  assert.equal(measured.length, usable + 1, "the CPU in two precisions");
  assert.ok(measured.every(({ tokensPerSecond, firstTokenMs }) => tokensPerSecond > 1 && firstTokenMs > 0));
  const then = await told();
  assert.deepEqual(then.measurements, measured);
  const { code, stdout } = await watch(["devices", "--model", model.directory]);
  assert.equal(code, 0);
  assert.match(stdout, /^CPU +usable +.+ cores$/m);
  assert.match(stdout, /^CPU +int8 +load \d+ ms, first token .* tokens\/s/m);
  assert.match(stdout, /--device auto runs .* on /);
});

test("--device with one that is not there: the CPU's answer, and on stderr why and how to get it", async () => {
  const absent = process.platform === "win32" ? "coreml" : "dml";
  const run = (device: string) =>
    watch(["generate", "--model", model.directory, "-i", "the of", "--device", device, "--precision", "float32"]);
  const [cpu, other] = [await run("cpu"), await run(absent)];
  assert.deepEqual([cpu.code, cpu.stderr.includes("failed")], [0, false]);
  assert.deepEqual([other.code, other.stdout], [0, cpu.stdout]);
  assert.match(other.stderr, /^spanfill: \w+ failed, so the CPU takes its place: .*spanfill devices/m);
  const wrong = await run("gpu");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Allowed choices are auto, cpu, webgpu/);
});
