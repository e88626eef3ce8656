/** What commit 2aa7aaf stored is read without loss, and what a later version stored is left alone. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { initialState, savedOf } from "../client/panel/view/state.ts";
import { configurationProperties, parseSettings } from "../protocol/settings.ts";
import { keepMeasurement, readMeasurements } from "../server/catalog/measurements.ts";
import { placesOf } from "../server/catalog/store.ts";
import { createSummaryCache } from "../server/features/read/summary-cache.ts";
import { readRecord } from "../server/runs/folder.ts";

const FIXTURE = "test/fixtures/upgrades/storage";
const folder = mkdtempSync(join(tmpdir(), "spanfill-upgrades-"));
after(() => rmSync(folder, { recursive: true }));
const places = placesOf({ SPANFILL_MODELS: join(folder, "models") });
const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));

test("summaries of an earlier version stay when this one adds to them", async () => {
  const file = join(folder, "summaries.json");
  copyFileSync(join(FIXTURE, "summaries.json"), file);
  const before: [string, string][] = json(file);
  const cache = createSummaryCache({ file });
  await cache.keep("disk");
  cache.set(["a new text"], { n: 1 });
  await cache.flush();
  const since = new Map<string, string>(json(file));
  assert.equal(since.size, before.length + 1);
  for (const [key, value] of before) assert.equal(since.get(key), value);
});

test("summaries of a later version are named and left alone", async () => {
  const file = join(folder, "later.json");
  writeFileSync(file, JSON.stringify({ version: 2, entries: {} }));
  const cache = createSummaryCache({ file });
  await assert.rejects(cache.keep("disk"), /later\.json is of a newer version of Spanfill and is left alone/);
  cache.set(["a"], { n: 1 });
  await cache.flush();
  await cache.keep("memory");
  assert.deepEqual(json(file), { version: 2, entries: {} });
});

test("measurements of other versions stay when this one adds to them", async () => {
  const file = join(places.own, "..", "measurements.json");
  mkdirSync(places.own, { recursive: true });
  const [earlier] = json(join(FIXTURE, "measurements.json"));
  const later = { ...earlier, method: 99, watts: 3 };
  writeFileSync(file, JSON.stringify([earlier, later]));
  assert.deepEqual(await readMeasurements(places), []);
  const other = { ...earlier, id: "other" };
  await keepMeasurement(places, other);
  assert.deepEqual(json(file), [earlier, later, { ...other, method: 2 }]);
  await keepMeasurement(places, earlier);
  assert.deepEqual(json(file), [later, { ...other, method: 2 }, { ...earlier, method: 2 }]);
});

test("a run's description of an earlier version is read, one of a later version is not taken for a run of this one", async () => {
  const record = {
    ...{ id: "r", title: "Run", startedAt: "2026-01-01T00:00:00Z", out: join(places.own, "r"), launchedMs: 1 },
    request: json("test/fixtures/upgrades/training/run/.training/request.json"),
  };
  const path = join(places.own, ".runs", "r", "run.json");
  mkdirSync(join(places.own, ".runs", "r"), { recursive: true });
  writeFileSync(path, JSON.stringify(record));
  assert.equal((await readRecord(places, "r"))?.title, "Run");
  writeFileSync(path, JSON.stringify({ ...record, version: 2 }));
  assert.equal(await readRecord(places, "r"), undefined);
  assert.equal(json(path).version, 2);
});

test("the panel's page of an earlier version comes back with everything chosen, and stays so", () => {
  const saved = json(join(FIXTURE, "panel-state.json"));
  const { version, kept } = savedOf(initialState(saved));
  const { task: purpose, ...needs } = saved.kept.needs;
  assert.deepEqual(JSON.parse(JSON.stringify(kept)), { ...saved.kept, needs: { ...needs, purpose } });
  assert.equal(version, saved.version);
  assert.deepEqual(savedOf(initialState({ version, kept })).kept, kept);
});

test("a page that a later version stored is not taken for this one's", () => {
  const saved = json(join(FIXTURE, "panel-state.json"));
  assert.deepEqual(initialState({ ...saved, version: 2 }), initialState());
});

test("each setting of an earlier version still exists, and takes the value that it had there", () => {
  const earlier: Record<string, unknown> = json(join(FIXTURE, "settings.json"));
  const bare = Object.fromEntries(
    Object.entries(earlier).map(([name, value]) => [name.slice("spanfill.".length), value]),
  );
  const { settings, problems } = parseSettings(bare);
  assert.deepEqual(problems, []);
  const defaults = configurationProperties();
  for (const [name, value] of Object.entries(bare)) {
    assert.deepEqual(settings[name as keyof typeof settings], value, name);
    assert.notDeepEqual(defaults[`spanfill.${name}`]?.["default"], value, name);
  }
});
