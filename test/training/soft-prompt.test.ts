/**
 * A soft prompt's tokens are read and never written: by our engine, nor by any other reader of the folder that is made.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { seededRandom } from "../../models/random.ts";
import { LM_HEAD } from "../../models/t5/weights.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { promptTokenizer } from "../../server/training/data/prompt-tokenizer.ts";
import { writeTrainedFolder, writeTrainedWeights } from "../../server/training/run/results/trained-model.ts";
import { prepareLearner, readWeights } from "../../server/training/step/learner.ts";
import { modelInMemory } from "../support/models/gradient-fixture.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-prompt-"));
after(() => rmSync(folder, { recursive: true }));

for (const spare of [0, 2]) {
  test(`on an untied model no token of a prompt is the likeliest, whatever the states (${spare} spare rows)`, () => {
    const { config, weights } = modelInMemory("gated-gelu-untied");
    const { dModel: D } = config;
    const method = { kind: "prompt", tokens: 4, firstId: config.vocabSize - spare } as const;
    const merged = prepareLearner(config, weights, method, 1).merged();
    const head = merged.get(LM_HEAD) ?? assert.fail("an untied model has a head");
    assert.equal(head.length, (method.firstId + method.tokens) * D);
    for (const name of ["shared.weight", LM_HEAD]) {
      const real = method.firstId * D;
      assert.deepEqual(
        merged.get(name)?.subarray(0, real),
        weights.get(name)?.subarray(0, real),
        `${name}: real tokens`,
      );
    }
    const random = seededRandom(3);
    for (let trial = 0; trial < 500; trial += 1) {
      const state = Array.from({ length: D }, () => 2 * random() - 1);
      const logits = Array.from({ length: head.length / D }, (_, row) =>
        state.reduce((sum, value, i) => sum + value * (head[row * D + i] ?? 0), 0),
      );
      const most = Math.max(...logits.slice(0, method.firstId));
      const real = logits.slice(0, method.firstId).reduce((sum, logit) => sum + Math.exp(logit - most), 0);
      for (const logit of logits.slice(method.firstId)) {
        assert.ok(logit < most, `${logit} of ${most}`);
        assert.ok(Math.exp(logit - most) / real < 1.001 / method.firstId, "less than an even share");
      }
    }
  });
}

for (const tied of [true, false]) {
  test(`a ${tied ? "tied" : "untied"} model whose prompt would be the likeliest answer never writes it`, async () => {
    const base = randomModelFolder();
    const path = join(base.directory, "config.json");
    const { config, weights } = await readWeights(base.directory);
    const [D, tokens, firstId] = [config.dModel, 3, config.vocabSize];
    const given = tied
      ? weights
      : new Map([...weights, [LM_HEAD, (weights.get("shared.weight") ?? assert.fail()).slice()]]);
    const settled = { ...config, tieWordEmbeddings: tied };
    if (!tied) {
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), tie_word_embeddings: false }));
    }
    const method = { kind: "prompt", tokens, firstId } as const;
    const learner = prepareLearner(settled, given, method, 1);
    // As bad as can be: every real token's logit has a larger one among the prompt's, of either sign.
    const head = learner.merged().get(tied ? "shared.weight" : LM_HEAD) ?? assert.fail();
    for (let row = 0; row < tokens; row += 1) {
      for (let i = 0; i < D; i += 1)
        head[(firstId + row) * D + i] = (row === 1 ? -50 : 50) * (head[(5 + row) * D + i] ?? 0);
    }
    const tokenizer = promptTokenizer(JSON.parse(readFileSync(join(base.directory, "tokenizer.json"), "utf8")), tokens);
    const out = join(folder, `${tied}`);
    await writeTrainedWeights(out, learner.config, learner.merged());
    const run = { base: base.directory, out, prefixes: {}, tokenizerJson: JSON.stringify(tokenizer.json), method };
    await writeTrainedFolder(run, learner.config);
    const engine = createLocalEngine();
    const model = await engine.load({ directory: out, precision: "float32", threads: 1 });
    const prompt = Array.from({ length: tokens }, (_, i) => firstId + i);
    const inputs = [[...prompt, 5, 9, 30, 1]];
    for (const more of [
      {},
      { numBeams: 3 },
      { numBeams: 3, numReturnSequences: 3, bannedTokens: [1] },
      { sample: { temperature: 1.5, seed: 1 } },
      { shortlist: 20 },
      { repetitionPenalty: 1.3 },
      { noRepeatNgramSize: 2, copyBias: { anywhere: 2 } },
    ]) {
      const made = await model.generate({ inputs, maxNewTokens: 12, ...more });
      for (const { ids } of made.sequences.flat()) {
        assert.ok(ids.length > 0);
        assert.deepEqual(
          ids.filter((id) => id >= firstId),
          [],
          JSON.stringify(more),
        );
      }
    }
    await engine.dispose();
    // What transformers reads.
    const said = JSON.parse(readFileSync(join(out, "generation_config.json"), "utf8"));
    assert.deepEqual(said, { suppress_tokens: prompt, pad_token_id: 0, eos_token_id: 1, decoder_start_token_id: 0 });
    base.dispose();
  });
}

test("what a base says of generating stays, beside the tokens of the prompt", async () => {
  const base = randomModelFolder();
  const words = { decoder_start_token_id: 0, num_beams: 4, suppress_tokens: [7] };
  writeFileSync(join(base.directory, "generation_config.json"), JSON.stringify(words));
  const { config, weights } = await readWeights(base.directory);
  const method = { kind: "prompt", tokens: 2, firstId: config.vocabSize } as const;
  const learner = prepareLearner(config, weights, method, 1);
  const tokenizer = promptTokenizer(JSON.parse(readFileSync(join(base.directory, "tokenizer.json"), "utf8")), 2);
  const out = join(folder, "kept");
  const run = { base: base.directory, out, prefixes: {}, tokenizerJson: JSON.stringify(tokenizer.json), method };
  await writeTrainedFolder(run, learner.config);
  assert.deepEqual(JSON.parse(readFileSync(join(out, "generation_config.json"), "utf8")), {
    ...words,
    suppress_tokens: [7, config.vocabSize, config.vocabSize + 1],
  });
  base.dispose();
});
