import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { ModelError } from "../../models/errors.ts";
import { seededRandom } from "../../models/random.ts";
import {
  parseSentenceTable,
  type SentenceTable,
  sentenceGraph,
  type Trees,
} from "../../models/words/sentence-table.ts";
import { createSession, float32, float32Data } from "../../server/engine/runtime/session.ts";
import { wasmOpener } from "../../server/engine/runtime/session-wasm.ts";
import { FEATURES } from "../../server/features/read/sentences/features.ts";

const PATH = "models/builtin/english.sentences.gz";
const shipped = parseSentenceTable(gunzipSync(readFileSync(PATH)), PATH);

/** The sum of the leaves that a row reaches. */
function walk({ roots, feature, value, left, right }: Trees, row: Float32Array): number {
  return roots.reduce((sum, root) => {
    let at = root;
    while ((feature[at] ?? -1) >= 0) {
      const below = (row[feature[at] ?? 0] ?? 0) <= Math.fround(value[at] ?? 0);
      at = (below ? left[at] : right[at]) ?? 0;
    }
    return sum + (value[at] ?? 0);
  }, 0);
}

function rows(table: SentenceTable, count: number): Float32Array {
  const random = seededRandom(1);
  return Float32Array.from({ length: count * table.features.length }, () => Math.round(100 * random()) / 10);
}

test("the runtime's trees give what a walk through them gives, natively and as WebAssembly", async () => {
  const width = shipped.features.length;
  const features = rows(shipped, 50);
  const expected = Array.from({ length: 50 }, (_, i) =>
    walk(shipped.trees, features.subarray(i * width, (i + 1) * width)),
  );
  const graph = sentenceGraph(shipped);
  const native = await createSession(graph, { folder: process.cwd(), threads: 1, spin: false });
  const wasm = await wasmOpener()(graph, ".", 1);
  for (const session of [native, wasm]) {
    const { scores } = await session.run({ features: float32(features, [50, width]) });
    for (const [i, score] of float32Data(scores).entries()) {
      assert.ok(Math.abs(score - (expected[i] ?? 0)) < 1e-4, `row ${i}: ${score}, not ${expected[i]}`);
    }
  }
  await native.dispose();
});

test("the shipped table is small and has the features that the product computes", () => {
  assert.ok(statSync(PATH).size < 1_500_000);
  assert.deepEqual(shipped.features, FEATURES);
  assert.ok(shipped.idf.size > 10_000);
});

test("a damaged table is refused", () => {
  const whole = {
    format: "spanfill sentences 1",
    features: ["a"],
    rare: 1,
    idf: {},
    trees: { roots: [0], feature: [0, -1, -1], value: [1, 2, 3], left: [1, 0, 0], right: [2, 0, 0] },
  };
  const parsed = (table: object) => parseSentenceTable(new TextEncoder().encode(JSON.stringify(table)), "x");
  assert.equal(parsed(whole).trees.roots.length, 1);
  const { trees } = whole;
  for (const damaged of [
    {},
    { ...whole, format: "other" },
    { ...whole, trees: { ...trees, roots: [3] } },
    { ...whole, trees: { ...trees, feature: [1, -1, -1] } },
    { ...whole, trees: { ...trees, left: [0, 0, 0] } },
    { ...whole, trees: { ...trees, value: [1] } },
  ]) {
    assert.throws(() => parsed(damaged), ModelError);
  }
});
