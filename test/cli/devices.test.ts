import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { DeviceChoice, DeviceReport } from "../../protocol/devices.ts";
import type { Measurement } from "../../protocol/panel/models.ts";
import { built } from "../support/built.ts";
import { randomModelFolder } from "../support/random-model.ts";

const cli = built("cli.js");
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

function spanfill(args: readonly string[], input = "") {
  const env = { ...process.env, SPANFILL_MODELS: join(folder, "own"), SPANFILL_CACHE: join(folder, "cache") };
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { env, input, encoding: "utf8" });
  return { status, stdout, stderr };
}

test("devices tells what there is, measures it, and remembers", { timeout: 300_000 }, () => {
  const told = (...more: string[]): Told => {
    const { status, stdout, stderr } = spanfill(["devices", "--model", model.directory, "--json", ...more]);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  };
  const first = told();
  assert.deepEqual(
    first.devices.map(({ device }) => device),
    ["cpu", "webgpu", "dml", "coreml", "cuda"],
  );
  assert.equal(first.devices[0]?.state, "usable");
  assert.deepEqual(first.measurements, []);
  const measured = told("--measure").measurements;
  const usable = first.devices.filter(({ state }) => state === "usable").length;
  assert.equal(measured.length, usable + 1, "the CPU in two precisions");
  assert.ok(measured.every(({ tokensPerSecond, firstTokenMs }) => tokensPerSecond > 1 && firstTokenMs > 0));
  const then = told();
  assert.deepEqual(then.measurements, measured);
  const { status, stdout } = spanfill(["devices", "--model", model.directory]);
  assert.equal(status, 0);
  assert.match(stdout, /^CPU +usable +.+ cores$/m);
  assert.match(stdout, /^CPU +int8 +load \d+ ms, first token .* tokens\/s/m);
  assert.match(stdout, /--device auto runs .* on /);
});

test("--device with one that is not there: the CPU's answer, and on stderr why and how to get it", () => {
  const absent = process.platform === "win32" ? "coreml" : "dml";
  const run = (device: string) =>
    spanfill(["generate", "--model", model.directory, "-i", "the of", "--device", device, "--precision", "float32"]);
  const [cpu, other] = [run("cpu"), run(absent)];
  assert.deepEqual([cpu.status, cpu.stderr.includes("failed")], [0, false]);
  assert.deepEqual([other.status, other.stdout], [0, cpu.stdout]);
  assert.match(other.stderr, /^spanfill: \w+ failed, so the CPU takes its place: .*spanfill devices/m);
  const wrong = run("gpu");
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /Allowed choices are auto, cpu, webgpu/);
});
