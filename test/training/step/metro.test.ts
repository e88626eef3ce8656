/**
 * METRO's losses and gradients beside its authors' criterion (test/fixtures/parity/make_metro.py), what it masks and
 * draws, and models that it does not train.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import { ModelError } from "../../../models/errors.ts";
import { seededRandom } from "../../../models/random.ts";
import { batchOf } from "../../../models/t5/batch.ts";
import { parseConfig, type T5Config } from "../../../models/t5/config.ts";
import { learnedShapes } from "../../../models/t5/lowering/trainable.ts";
import { freshWeights } from "../../../server/training/fresh/first-weights.ts";
import { prepareLearner } from "../../../server/training/step/learner.ts";
import { type Draws, maskedBatch, seededDraws } from "../../../server/training/step/masked.ts";
import { createMetroStepper } from "../../../server/training/step/metro.ts";
import { createOptimizer } from "../../../server/training/step/optimizer.ts";
import { memoryOver } from "../../../server/training/step/parameter-memory.ts";
import { type Digest, largestError, type ParityModel, parityWeights } from "../../support/models/parity-model.ts";

interface MetroCase extends Omit<ParityModel, "gradients"> {
  /** The generator's and the detector's tensors. */
  readonly beside: ParityModel["tensors"];
  readonly texts: readonly (readonly number[])[];
  readonly masks: readonly (readonly [place: number, token: number])[];
  readonly drawn: readonly number[];
  /** Numbers in 0 to 1, and the tokens that they draw from the generator's chances. */
  readonly uniform: readonly number[];
  readonly sampled: readonly number[];
  readonly loss: number;
  readonly gradients: readonly (readonly [name: string, gradient: Digest])[];
}

const cases: readonly MetroCase[] = JSON.parse(
  brotliDecompressSync(readFileSync("test/fixtures/parity/metro.json.br")).toString(),
);
const METHOD = { kind: "full", freezeEmbedding: false, metro: { mask: 89, special: [0, 1, 2, 89] } } as const;
const PLAIN = { dropoutRate: 0, threads: 1, labelSmoothing: 0, zLoss: 0 };
const same = (texts: readonly (readonly number[])[]) => texts.map((ids) => ({ input: ids, target: ids }));

describe("METRO's pre-training", () => {
  for (const { name, texts, masks, drawn, uniform, sampled, loss, gradients, ...model } of cases) {
    for (const checkpointing of [false, true])
      it(`has the loss and the gradients of its authors' criterion: ${name}${checkpointing ? ", layers computed again" : ""}`, async () => {
        const config = parseConfig(model.config);
        const all = [...parityWeights({ ...model, name }), ...parityWeights({ ...model, name, tensors: model.beside })];
        const weights = new Map(all.map(([key, values]) => [key, Float64Array.from(values)]));
        const memory = memoryOver(weights);
        const draws: Draws = {
          masks: () => masks,
          uniform: () => Float64Array.from(uniform),
          drawn(ids) {
            assert.deepEqual([...ids], sampled);
            return Int32Array.from(drawn);
          },
        };
        const learner = { method: METHOD, memory };
        const stepper = await createMetroStepper(config, weights, { ...PLAIN, checkpointing }, learner, draws);
        const found = await stepper.train([batchOf(config, same(texts))], 0);
        assert.ok(Math.abs(found.loss / loss - 1) < 1e-6, `${found.loss} instead of ${loss}`);
        assert.deepEqual(gradients.map(([key]) => key).sort(), [...memory.tensors.keys()].sort());
        for (const [key, digest] of gradients) {
          const gradient = Float64Array.from(memory.view(key, "gradient"));
          const [only = 0] = digest.values;
          // A single value has no deviation to measure by.
          const error = digest.count === 1 ? Math.abs((gradient[0] ?? 0) / only - 1) : largestError(gradient, digest);
          assert.ok(error < 1e-6, `${key}: ${error}`);
        }
        await stepper.dispose();
      });
  }

  it("adds up the gradients of batches as if they were one", async () => {
    const config = small({});
    const texts = [9, 14, 21].map((length, i) => Array.from({ length }, (_, j) => 3 + ((i * 7 + j * 5) % 80)));
    const masksOf = (rows: readonly (readonly number[])[]) =>
      rows.flatMap((_, row) =>
        [2, 5].map((at) => [row * Math.max(...rows.map((ids) => ids.length)) + at, 89] as const),
      );
    const sums: Float32Array[] = [];
    for (const cut of [[texts], texts.map((ids) => [ids])]) {
      const learner = prepareLearner(config, freshWeights(config, 1), METHOD, 1);
      let next = 0;
      const draws: Draws = {
        masks: () => masksOf(cut[next++] ?? []),
        uniform: (count) => new Float64Array(count),
        drawn: (ids) => ids.fill(40),
      };
      const stepper = await createMetroStepper(config, learner.weights, PLAIN, learner, draws);
      await stepper.train(
        cut.map((rows) => batchOf(config, same(rows))),
        0,
      );
      const values = [...learner.memory.tensors.keys()].flatMap((key) => [...learner.memory.view(key, "gradient")]);
      sums.push(Float32Array.from(values));
      await stepper.dispose();
    }
    const [whole = [], parts = []] = sums.map((values) => [...values]);
    assert.ok(whole.length > 0 && whole.every((value, i) => Math.abs(value - (parts[i] ?? 9)) < 1e-4));
  });

  it("masks 15% of the tokens: a tenth of them stay, and a tenth are replaced at random", () => {
    const config = small({});
    const { masks, uniform } = seededDraws(config, METHOD.metro);
    const batch = batchOf(config, same(Array.from({ length: 40 }, () => new Array<number>(500).fill(50))));
    const places = masks(batch, 7);
    assert.equal(new Set(places.map(([place]) => place)).size, places.length);
    assert.ok(Math.abs(places.length - 40 * 75.5) < 30, `${places.length}`);
    const shareOf = (is: (token: number) => boolean) => places.filter(([, token]) => is(token)).length / places.length;
    const shares = [shareOf((token) => token === 89), shareOf((token) => token === 50)];
    for (const [i, expected] of [0.8, 0.1].entries())
      assert.ok(Math.abs((shares[i] ?? 0) - expected) < 0.03, `${shares}`);
    assert.ok(!places.some(([, token]) => [0, 1, 2].includes(token)));
    assert.notDeepEqual(masks(batch, 8), places);
    assert.deepEqual(masks(batch, 7), places);
    assert.ok(uniform(1000, 3).every((u) => u >= 0 && u < 1));
    // The shortest text has a masked token, too.
    assert.equal(masks(batchOf(config, same([[5, 1]])), 1).length, 1);
    const replaced = maskedBatch(batch, [[3, 89]]).replace(Int32Array.of(51));
    assert.deepEqual([...replaced.isReplaced.subarray(2, 5)], [0, 1, 0]);
  });

  it("learns, and evaluates the same each time", async () => {
    const config = small({ feed_forward_proj: "squared-relu", depthwise_conv_width: 3 });
    const learner = prepareLearner(config, freshWeights(config, 2), METHOD, 2);
    const random = seededRandom(1);
    const texts = Array.from({ length: 8 }, () => {
      const first = 3 + Math.floor(40 * random());
      return Array.from({ length: 24 }, (_, i) => first + (i % 4));
    });
    const batches = [batchOf(config, same(texts))];
    const stepper = await createMetroStepper(config, learner.weights, { ...PLAIN, dropoutRate: 0.1 }, learner);
    const optimizer = createOptimizer(learner.memory, learnedShapes(config, METHOD), { kind: "adamw", weightDecay: 0 });
    const before = await stepper.evaluate(batches);
    assert.deepEqual(await stepper.evaluate(batches), before);
    for (let step = 1; step <= 60; step += 1) {
      await stepper.train(batches, step);
      optimizer.update(step, 5e-3, 1);
    }
    const after = await stepper.evaluate(batches);
    await stepper.dispose();
    assert.ok(after.nll < 0.7 * before.nll, `${before.nll}, then ${after.nll}`);
  });

  for (const [name, more] of [
    ["LongT5", { model_type: "longt5", encoder_attention_type: "local", local_radius: 3 }],
    [
      "Switch Transformer",
      { model_type: "switch_transformers", num_experts: 2, num_sparse_encoder_layers: 1, num_sparse_decoder_layers: 1 },
    ],
  ] as const) {
    it(`refuses a ${name} by name`, async () => {
      const config = small(more);
      const learner = prepareLearner(config, freshWeights(config, 1), METHOD, 1);
      const error = await createMetroStepper(config, learner.weights, PLAIN, learner).then(
        () => assert.fail("it opened"),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof ModelError, String(error));
      assert.match(error.message, new RegExp(`--objective metro does not train a ${name}`));
    });
  }
});

function small(more: object): T5Config {
  return parseConfig({
    ...{ vocab_size: 90, d_model: 16, d_ff: 24, d_kv: 8, num_heads: 2, num_layers: 3, num_decoder_layers: 2 },
    ...{ model_type: "t5", feed_forward_proj: "relu", tie_word_embeddings: true },
    ...more,
  });
}
