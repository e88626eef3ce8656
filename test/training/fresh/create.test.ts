/** New models: first weights as transformers draws them (make_first_weights.py), and refusals by name. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { parseConfig } from "../../../models/t5/config.ts";
import { type CreateRequest, createModel } from "../../../server/training/fresh/create.ts";
import { freshWeights } from "../../../server/training/fresh/first-weights.ts";
import { readWeights } from "../../../server/training/step/learner.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const vocabulary = randomModelFolder();
const folder = mkdtempSync(join(tmpdir(), "spanfill-create-"));
after(() => {
  vocabulary.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Drawn {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** By tensor, over twelve models. */
  readonly rootMeanSquares: Readonly<Record<string, number>>;
}

describe("first weights", () => {
  const drawn: readonly Drawn[] = JSON.parse(readFileSync("test/fixtures/parity/first_weights.json", "utf8"));
  for (const { name, config, rootMeanSquares } of drawn) {
    it(`are as large as transformers draws them: ${name}`, () => {
      const models = Array.from({ length: 4 }, (_, seed) => freshWeights(parseConfig(config), seed));
      // transformers 5 ties the heads of new models, whatever their configuration says.
      const names = [...(models[0]?.keys() ?? [])].filter((key) => key !== "lm_head.weight");
      assert.deepEqual(names.sort(), Object.keys(rootMeanSquares).sort());
      for (const [key, expected] of Object.entries(rootMeanSquares)) {
        const values = models.flatMap((weights) => [...(weights.get(key) ?? [])]);
        const found = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
        // Two samples of that many normal values.
        const sampled = 5 / Math.sqrt(values.length);
        assert.ok(Math.abs(found / expected - 1) < sampled, `${key}: ${found} instead of ${expected}`);
      }
    });
  }

  it("of Primer's convolutions are 1/2 for the token itself, and shares of 1/2 for those before it", () => {
    const config = { ...drawn[0]?.config, feed_forward_proj: "squared-relu", depthwise_conv_width: 3 };
    const weights = freshWeights(parseConfig(config), 0);
    const taps = [0, 1, 2].map((i) => weights.get(`decoder.block.1.layer.0.SelfAttention.k_conv_${i}.weight`)?.[5]);
    assert.deepEqual(
      taps,
      [1 / 2, 1 / 6, 1 / 6].map((tap) => Math.fround(tap)),
    );
  });
});

const SHAPE = { model_type: "t5", d_model: 32, d_ff: 64, d_kv: 16, num_heads: 2, num_layers: 2 };
const written = (name: string, json: unknown): string => {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, typeof json === "string" ? json : JSON.stringify(json));
  return path;
};
const request = (more: Partial<CreateRequest>): CreateRequest => ({
  ...{ seed: 1, vocabulary: vocabulary.directory },
  ...more,
});

describe("a created model", () => {
  it("has the shape that was asked for, the vocabulary's tokens, and other weights for another seed", async () => {
    const config = written("primer", { ...SHAPE, feed_forward_proj: "squared-relu", depthwise_conv_width: 3 });
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    await createModel(request({ config, out: one }));
    await createModel(request({ config, out: two, seed: 2 }));
    const [first, second] = [await readWeights(one), await readWeights(two)];
    const { vocabSize, convolution, feedForward, numLayers } = first.config;
    const known = parseConfig(JSON.parse(readFileSync(join(vocabulary.directory, "config.json"), "utf8")));
    assert.deepEqual([vocabSize, convolution, feedForward, numLayers], [known.vocabSize, 3, "squared-relu", 2]);
    assert.notDeepEqual(first.weights.get("shared.weight"), second.weights.get("shared.weight"));
  });

  const refused: readonly [why: string, more: () => Partial<CreateRequest>, message: RegExp][] = [
    ["neither a file nor a name", () => ({}), /either a --config file or a --shape/],
    ["both", () => ({ config: written("both", SHAPE), shape: "tiny" }), /either a --config file or a --shape/],
    ["a file that is not there", () => ({ config: join(folder, "none.json") }), /none\.json cannot be read/],
    ["a file that is not JSON", () => ({ config: written("text", "{d_model") }), /text\.json is not JSON/],
    ["another architecture", () => ({ config: written("bert", { ...SHAPE, model_type: "bert" }) }), /bert/],
    ["a vocabulary that does not fit", () => ({ config: written("few", { ...SHAPE, vocab_size: 90 }) }), /90 tokens/],
    [
      "an even width of convolutions",
      () => ({ config: written("even", { ...SHAPE, depthwise_conv_width: 2 }) }),
      /must be odd/,
    ],
    ["a name that is no shape", () => ({ shape: "enormous" }), /There is no shape "enormous"/],
    ["a place that is taken", () => ({ shape: "tiny-nl1-dm16", out: vocabulary.directory }), /with other files in it/],
  ];
  for (const [why, more, message] of refused) {
    it(`is refused: ${why}`, async () => {
      const error = await createModel(request({ out: join(folder, "refused"), ...more() })).then(
        () => assert.fail("it was created"),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof ModelError, String(error));
      assert.match(error.message, message);
    });
  }
});
