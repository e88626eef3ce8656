/** The encoder runs once for the same input, and what it made is freed when others need the room. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalEngine } from "../../../server/engine/process/local.ts";
import { cachingEncoder } from "../../../server/engine/runtime/encoder-cache.ts";
import { fakeModel } from "../../support/models/fake-model.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { scriptedRunner } from "../../support/models/scripted-runner.ts";

const { config } = fakeModel(() => "").info;
/** Of one token: 8 hidden values and a layer's keys and values of 2 heads of 4. */
const TOKEN_BYTES = 4 * (8 + 2 * 2 * 4);

test("the last rows that fit are encoded once; older ones are freed, and all of them at the end", async () => {
  const runner = scriptedRunner(10, () => new Float32Array(10));
  const cached = cachingEncoder(runner, config, 6 * TOKEN_BYTES);
  const encode = async (...ids: number[]) => (await cached.encode([ids])).dispose();
  const count = () => runner.calls.filter((call) => call.startsWith("encode")).length;
  await encode(1, 2, 3);
  await encode(4, 5, 6);
  await encode(1, 2, 3);
  assert.deepEqual([count(), runner.alive()], [2, 2]);
  await encode(7);
  assert.deepEqual([count(), runner.alive()], [3, 2], "the least recently used one is gone");
  await encode(1, 2, 3);
  assert.equal(count(), 3);
  await encode(4, 5, 6);
  assert.equal(count(), 4);
  // Several rows are remembered together, as many as they are.
  for (let i = 0; i < 2; i++) (await cached.encode([[1], [2, 3]])).dispose();
  assert.equal(count(), 5);
  // What never fits, padding included, is the caller's to free, as without a cache.
  const large = await cached.encode([[1, 2, 3, 4, 5, 6, 7]]);
  const batch = await cached.encode([[1, 2, 3, 4], [2]]);
  const before = runner.alive();
  large.dispose();
  batch.dispose();
  assert.equal(runner.alive(), before - 2);
  await cached.dispose();
  assert.equal(runner.alive(), 0);
});

test("rows are encoded anew for each adapter, and remembered with it", async () => {
  const runner = scriptedRunner(10, () => new Float32Array(10));
  const cached = cachingEncoder(runner, config, 9 * TOKEN_BYTES);
  const [one, other] = [0, 1].map(() => ({ slots: new Map(), inputs: new Map() }));
  for (const adapter of [undefined, one, other, undefined, one, other])
    await cached.encode([[1, 2]], undefined, adapter);
  assert.equal(runner.calls.filter((call) => call.startsWith("encode")).length, 3);
  await cached.dispose();
});

test("a search from a remembered encoding gives what it gave before, greedy and with beams", async () => {
  const folder = randomModelFolder();
  const engine = createLocalEngine();
  try {
    const model = await engine.load({ directory: folder.directory, precision: "float32", threads: 1 });
    const input = [5, 9, 14, 33, 21, 1];
    const ask = async (numBeams: number, last = 1) => {
      const request = { inputs: [[...input.slice(0, -1), last]], maxNewTokens: 8, numBeams };
      return (await model.generate(request)).sequences[0]?.[0]?.ids;
    };
    const first = await ask(1);
    const beams = await ask(3);
    await ask(1, 7);
    assert.deepEqual(await ask(1), first);
    assert.deepEqual(await ask(3), beams);
    const fresh = createLocalEngine();
    const other = await fresh.load({ directory: folder.directory, precision: "float32", threads: 1 });
    const made = await other.generate({ inputs: [input], maxNewTokens: 8, numBeams: 3 });
    assert.deepEqual(made.sequences[0]?.[0]?.ids, beams);
    await fresh.dispose();
  } finally {
    await engine.dispose();
    folder.dispose();
  }
});
