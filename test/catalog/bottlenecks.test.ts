/** Bottleneck adapters beside their base: as AdapterHub's library computes with them, one session for all. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { BOTTLENECKS, bottleneckFixture, writeBottleneckBase } from "../support/bottleneck-fixture.ts";

const { input, target, adapters } = bottleneckFixture();
const folder = mkdtempSync(join(tmpdir(), "spanfill-bottleneck-"));
const base = join(folder, "base");
writeBottleneckBase(base);
const engine = createLocalEngine();
after(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});
const close = (a: number, b: number) => Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(b));
const load = (adapter?: string) =>
  engine.load({
    ...{ directory: base, precision: "float32", threads: 1 },
    ...(adapter !== undefined && { adapter: join(BOTTLENECKS, adapter) }),
  });

for (const [name, { logProbs, tokens }] of Object.entries(adapters)) {
  test(`${name}: a base with the library's adapter answers as in the library`, async () => {
    const model = await load(name);
    const score = await model.score(input, target);
    for (const [i, expected] of logProbs.entries())
      assert.ok(close(score.logProbs[i] ?? 0, expected), `${score.logProbs} ${logProbs}`);
    const { sequences } = await model.generate({ inputs: [input], maxNewTokens: 8 });
    assert.deepEqual(sequences[0]?.[0]?.ids, tokens);
  });
}

test("a base answers in turn with each adapter and without, as it did before", async () => {
  const alone = createLocalEngine();
  const plain = await (await alone.load({ directory: base, precision: "float32", threads: 1 })).score(input, target);
  await alone.dispose();
  for (let round = 0; round < 2; round += 1) {
    for (const [name, { logProbs }] of Object.entries(adapters)) {
      const [adapted, without] = [await load(name), await load()];
      const score = await adapted.score(input, target);
      assert.ok(
        logProbs.every((expected, i) => close(score.logProbs[i] ?? 0, expected)),
        name,
      );
      const now = await without.score(input, target);
      assert.ok(plain.logProbs.every((expected, i) => Math.abs((now.logProbs[i] ?? 0) - expected) < 1e-5));
    }
  }
});
