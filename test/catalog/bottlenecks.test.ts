/** Bottleneck adapters beside their base: as AdapterHub's library computes with them, one session for all. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { seededRandom } from "../../models/random.ts";
import type { T5Config } from "../../models/t5/config.ts";
import { learnedShapes } from "../../models/t5/lowering/trainable.ts";
import { movedChannels } from "../../server/catalog/folder/int8/moved-channels.ts";
import { importModel } from "../../server/catalog/import.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { writeTrainedWeights } from "../../server/training/run/results/trained-model.ts";
import { writeTensors } from "../../server/training/run/state.ts";
import { readWeights } from "../../server/training/step/learner.ts";
import { BOTTLENECKS, bottleneckFixture, writeBottleneckBase } from "../support/models/bottleneck-fixture.ts";

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

test("an int8 base with float adapters answers nearly as in float32", async () => {
  for (const [name, { logProbs }] of Object.entries(adapters)) {
    const model = await engine.load({
      directory: base,
      adapter: join(BOTTLENECKS, name),
      precision: "int8",
      threads: 1,
    });
    const score = await model.score(input, target);
    const off = logProbs.map((expected, i) => Math.abs((score.logProbs[i] ?? 0) - expected));
    assert.ok(Math.max(...off) < 0.6, `${name}: ${score.logProbs} ${logProbs}`);
  }
});

/** Writes a LoRA of random values beside every kind of layer, as PEFT keeps it. */
async function writeLora(directory: string, config: T5Config): Promise<void> {
  const method = { kind: "lora", targets: ["q", "v", "o", "wi_0", "wo"], rank: 4, alpha: 6, dropoutRate: 0 } as const;
  const random = seededRandom(5);
  const arrays = [...learnedShapes(config, method)].map(([name, shape]) => {
    const values = Float32Array.from({ length: (shape[0] ?? 0) * (shape[1] ?? 0) }, () => random() - 0.5);
    return { name: `base_model.model.${name}`, shape, values };
  });
  await writeTensors(join(directory, "adapter_model.safetensors"), arrays, { format: "pt" });
  const json = { peft_type: "LORA", r: 4, lora_alpha: 6, use_rslora: true, alpha_pattern: { v: 9 } };
  writeFileSync(join(directory, "adapter_config.json"), JSON.stringify(json));
}

test("a LoRA beside its base answers as merged with it", async () => {
  const places = { own: join(folder, "own"), hub: join(folder, "hub") };
  const lora = join(folder, "lora");
  const { config } = (await load()).info;
  await writeLora(lora, config);
  const merged = await importModel(lora, places, { signal: new AbortController().signal, base, id: "merged" });
  const expected = await (await engine.load({ ...merged, precision: "float32", threads: 1 })).score(input, target);
  const beside = await engine.load({ directory: base, adapter: lora, precision: "float32", threads: 1 });
  const { logProbs } = await beside.score(input, target);
  const plain = await (await load()).score(input, target);
  assert.ok(
    logProbs.every((value, i) => close(value, expected.logProbs[i] ?? 0)),
    `${logProbs} ${expected.logProbs}`,
  );
  assert.ok(Math.abs(plain.total - expected.total) > 1, "it changes the answer");
});

test("a LoRA fits an int8 base whose outlying channels were moved between its layers", async () => {
  const { config, weights } = await readWeights(base);
  const outlying = join(folder, "outlying");
  cpSync(base, outlying, { recursive: true });
  for (const [name, values] of weights) {
    // A norm's channel, and rows of values and of the feed-forward layer's linear side, as trained models have them.
    if (/encoder.*layer_norm/.test(name)) values[3] = (values[3] ?? 0) * 30;
    const D = config.dModel;
    if (/encoder.*(\.v|wi_1)\.weight$/.test(name))
      for (let i = 2 * D; i < 3 * D; i += 1) values[i] = (values[i] ?? 0) * 30;
  }
  await writeTrainedWeights(outlying, config, weights);
  const lora = join(folder, "lora-outlying");
  await writeLora(lora, config);
  assert.ok((await movedChannels(outlying)).size > 4, "channels are moved");
  const totals = [];
  for (const precision of ["float32", "int8"] as const) {
    const model = await engine.load({ directory: outlying, adapter: lora, precision, threads: 1 });
    totals.push((await model.score(input, target)).logProbs);
  }
  const [exact = [], rounded = []] = totals;
  assert.ok(
    exact.every((value, i) => Math.abs(value - (rounded[i] ?? 0)) < 0.6),
    `${exact} ${rounded}`,
  );
});

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
