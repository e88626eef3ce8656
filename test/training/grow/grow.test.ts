/** Growth: the same function where that is claimed, gradients by finite differences, and refusals by name. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { seededRandom } from "../../../models/random.ts";
import { parseConfig } from "../../../models/t5/config.ts";
import { grownConfig } from "../../../models/t5/growth/config.ts";
import { growthOperator } from "../../../models/t5/growth/operator.ts";
import { openGrowth } from "../../../server/training/grow/apply.ts";
import { type GrowRequest, growModel } from "../../../server/training/grow/grow.ts";
import { writeTrainedWeights } from "../../../server/training/run/results/trained-model.ts";
import { readWeights } from "../../../server/training/step/learner.ts";
import { memoryOver } from "../../../server/training/step/parameter-memory.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-grow-"));
const made: { dispose(): void }[] = [];
after(() => {
  for (const model of made) model.dispose();
  rmSync(folder, { recursive: true, force: true });
});
/** Weights as after training: larger ones saturate attention, which then magnifies rounding. */
const modelOf = async (more: object): Promise<string> => {
  const model = randomModelFolder({ layers: 2, width: 32, seed: 3, more });
  made.push(model);
  const random = seededRandom(2);
  const { config, weights } = await readWeights(model.directory);
  for (const [name, values] of weights)
    for (const [i, value] of values.entries()) values[i] = /norm/.test(name) ? 0.5 + random() : 0.2 * value;
  await writeTrainedWeights(model.directory, config, weights);
  return model.directory;
};

let count = 0;
const request = (more: Partial<GrowRequest>): GrowRequest => ({
  ...{ method: "net2net", learn: 0, lr: 1e-3, batchSize: 4, seed: 1, threads: 1 },
  out: join(folder, `grown-${count++}`),
  ...more,
});
const watch = { signal: new AbortController().signal, onStep: () => undefined };
const LARGER = { layers: 5, dModel: 48, dFf: 96, heads: 3 };

/** Architectures whose widths grow by rules of their own. */
const ARCHITECTURES: Readonly<Record<string, object>> = {
  "T5 1.0": {},
  "T5 1.1": { feed_forward_proj: "gated-gelu", tie_word_embeddings: false },
  "tied, not scaled": { scale_decoder_outputs: false },
  "untied and scaled": { tie_word_embeddings: false, scale_decoder_outputs: true },
  umT5: { model_type: "umt5", feed_forward_proj: "gated-gelu" },
  "shared keys and values": { shared_kv: true },
  "one head of keys": { num_memory_heads: 1 },
  "talking heads": { talking_heads: true },
  LongT5: { model_type: "longt5", encoder_attention_type: "transient-global", local_radius: 7, global_block_size: 4 },
  "a large epsilon": { layer_norm_epsilon: 0.5 },
};

describe("a grown model", () => {
  for (const [name, more] of Object.entries(ARCHITECTURES)) {
    it(`computes the same, in all sizes at once (${name})`, async () => {
      const { difference, parameters } = await growModel(await modelOf(more), request(LARGER), watch);
      assert.ok(difference < 1e-5, `${difference}`);
      assert.ok(parameters.after > 2 * parameters.before);
    });
  }

  it("has the sizes that were asked for, one at a time too", async () => {
    const base = await modelOf({});
    for (const sizes of [
      { layers: 3 },
      { decoderLayers: 4 },
      { dModel: 64 },
      { dModel: 33 },
      { dFf: 65 },
      { heads: 5 },
    ]) {
      const { out, difference } = await growModel(base, request(sizes), watch);
      assert.ok(difference < 1e-5, `${JSON.stringify(sizes)}: ${difference}`);
      const config = parseConfig(JSON.parse(readFileSync(join(out, "config.json"), "utf8")));
      const { numLayers, numDecoderLayers, dModel, dFf, numHeads } = config;
      const asked = { layers: 2, decoderLayers: sizes.layers ?? 2, dModel: 32, dFf: 64, heads: 2, ...sizes };
      assert.deepEqual({ layers: numLayers, decoderLayers: numDecoderLayers, dModel, dFf, heads: numHeads }, asked);
    }
  });

  it("has its layers where the method says", async () => {
    const { config } = await readWeights(await modelOf({}));
    const larger = grownConfig(config, { layers: 5 });
    const sources = (method: "stack" | "interpolate") => {
      const { values } = growthOperator(config, larger, method, 1).matrices.get(
        "encoder.block.*.layer.1.DenseReluDense.wo.weight depth",
      ) ?? { values: new Float32Array() };
      return Array.from({ length: 5 }, (_, layer) => values.subarray(2 * layer, 2 * layer + 2).indexOf(1));
    };
    assert.deepEqual(sources("stack"), [0, 1, 0, 1, 0]);
    assert.deepEqual(sources("interpolate"), [0, 0, 0, 1, 1]);
    const { difference } = await growModel(await modelOf({}), request({ layers: 5, method: "stack" }), watch);
    assert.ok(difference > 1e-3, "stacking is another function");
  });

  it("has copies that learn apart: their shares differ", async () => {
    const { out } = await growModel(await modelOf({}), request({ dFf: 128 }), watch);
    const { weights } = await readWeights(out);
    const wo = weights.get("encoder.block.0.layer.1.DenseReluDense.wo.weight") ?? assert.fail();
    assert.ok(Array.from({ length: 64 }, (_, i) => Math.abs((wo[i] ?? 0) - (wo[i + 64] ?? 0))).every((by) => by > 0));
  });
});

describe("a learned growth", () => {
  it("has the gradients of finite differences", async () => {
    const { config, weights } = await readWeights(await modelOf({ feed_forward_proj: "gated-gelu" }));
    const operator = growthOperator(config, grownConfig(config, LARGER), "net2net", 1);
    const random = seededRandom(5);
    const matrices = new Map(
      [...operator.matrices].map(([name, { values }]) => [name, values.map((value) => value + 0.1 * (random() - 0.5))]),
    );
    const growth = await openGrowth(operator, weights, matrices, { threads: 1, learns: true });
    const slopes = new Map<string, Float32Array<ArrayBuffer>>();
    for (const [name, values] of await growth.apply())
      slopes.set(
        name,
        values.map(() => random() - 0.5),
      );
    /** A loss whose gradient is known: the sum of the tensors, each value times its slope. */
    const loss = async () => {
      let sum = 0;
      for (const [name, values] of await growth.apply())
        for (const [i, value] of values.entries()) sum += value * (slopes.get(name)?.[i] ?? 0);
      return sum;
    };
    const memory = memoryOver(matrices);
    await growth.gradients(memory, (name) => slopes.get(name) ?? assert.fail());
    for (const [name, values] of matrices) {
      const at = Math.floor(random() * values.length);
      const [value = 0, step] = [values[at], 0.25];
      values[at] = value + step;
      const above = await loss();
      values[at] = value - step;
      const slope = (above - (await loss())) / (2 * step);
      values[at] = value;
      const found = memory.view(name, "gradient")[at] ?? Number.NaN;
      assert.ok(Math.abs(found - slope) < 1e-3 + 1e-3 * Math.abs(slope), `${name}: ${found}, ${slope}`);
    }
    await growth.dispose();
  });

  it("lowers the loss, and ends with the smaller model's sizes grown", async () => {
    const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
    const data = join(folder, "texts");
    mkdirSync(data);
    for (let i = 0; i < 40; i += 1)
      writeFileSync(
        join(data, `${i}.md`),
        `${Array.from({ length: 50 }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ")}.\n`,
      );
    const losses: number[] = [];
    const onStep = (_: number, loss: number) => losses.push(loss);
    const learned = request({ ...LARGER, learn: 12, data, lr: 1e-2 });
    const { difference } = await growModel(await modelOf({}), learned, { ...watch, onStep });
    assert.equal(losses.length, 12);
    assert.ok((losses.at(-1) ?? 0) < 0.9 * (losses[0] ?? 0), losses.join(" "));
    assert.ok(difference > 1e-3);
  });
});

describe("growing", () => {
  const refused: readonly [why: string, more: object, sizes: Partial<GrowRequest>, message: RegExp][] = [
    ["fewer layers", {}, { layers: 1 }, /--layers 1 is fewer than before: the model has 2 layers/],
    ["a narrower model", {}, { dModel: 16 }, /--d-model 16 .* has 32 as the model's width/],
    ["fewer heads", {}, { heads: 1 }, /--heads 1/],
    ["a narrower feed-forward layer", {}, { dFf: 8 }, /--d-ff 8/],
    ["fewer layers in the decoder", {}, { decoderLayers: 1 }, /--decoder-layers 1/],
    ["nothing", {}, { layers: 2 }, /Nothing would grow/],
    ["sizes beyond any T5's", {}, { layers: 5000 }, /num_layers/],
    [
      "narrower first layers",
      { first_layers: { num_layers: 1, num_heads: 1, d_ff: 16 } },
      { layers: 3 },
      /first_layers in config.json/,
    ],
    ["no text to learn on", {}, { layers: 3, learn: 2 }, /--data/],
  ];
  for (const [why, more, sizes, message] of refused) {
    it(`refuses ${why}`, async () => {
      const error = await growModel(await modelOf(more), request(sizes), watch).then(
        () => assert.fail("it grew"),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof ModelError, String(error));
      assert.match(error.message, message);
    });
  }
});
