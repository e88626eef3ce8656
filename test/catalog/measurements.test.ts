/** Measurements that are kept: the newest of each kind, and none that was made in another way than today's. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { keepMeasurement, readMeasurements } from "../../server/catalog/measurements.ts";
import { placesOf } from "../../server/catalog/store.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-measurements-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const places = placesOf({ SPANFILL_MODELS: join(folder, "own") });
const file = join(folder, "measurements.json");

const made = (device: "cpu" | "webgpu", firstTokenMs: number) => ({
  ...({
    id: "m",
    precision: "float32",
    device,
    loadMs: 1,
    firstTokenMs,
    tokensPerSecond: 9,
    at: "2026-01-01T00:00:00Z",
  } as const),
});

test("a measurement takes the place of an earlier one of the same kind", async () => {
  await keepMeasurement(places, made("cpu", 8));
  await keepMeasurement(places, made("webgpu", 7));
  await keepMeasurement(places, made("cpu", 6));
  assert.deepEqual(await readMeasurements(places), [made("webgpu", 7), made("cpu", 6)]);
});

test("what was measured without the encoder, by an earlier version, is not compared with what is measured today", async () => {
  writeFileSync(file, JSON.stringify([made("webgpu", 1)]));
  assert.deepEqual(await readMeasurements(places), []);
  await keepMeasurement(places, made("cpu", 5));
  assert.deepEqual(await readMeasurements(places), [made("cpu", 5)]);
});

test("one entry that cannot be read costs no other", async () => {
  await keepMeasurement(places, made("cpu", 5));
  const kept = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify([{ id: "m" }, ...kept, null]));
  assert.deepEqual(await readMeasurements(places), [made("cpu", 5)]);
});
