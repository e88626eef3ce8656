/** The fused lowering computes what the plain one does: they are two ways to write one model. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Graph } from "../../models/graph/types.ts";
import { ownRowsGraph, stepGraph } from "../../models/t5/decoder.ts";
import { encoderGraph, encoderStages } from "../../models/t5/encoder.ts";
import { fusedLowering } from "../../models/t5/lowering/fused.ts";
import type { GenerationLowering, TensorSource } from "../../models/t5/lowering/lowering.ts";
import { plainLowering } from "../../models/t5/lowering/plain.ts";
import { biasTables, layerWidths } from "../../models/t5/weights.ts";
import { prepareWeights } from "../../server/catalog/folder/int8/prepare.ts";
import { tensorSource } from "../../server/engine/runtime/ort/runner.ts";
import {
  bool,
  createSession,
  float32,
  float32Data,
  int32,
  int64,
  integerData,
  type RuntimeTensor,
} from "../../server/engine/runtime/session.ts";
import { parityModels, writeParityModel } from "../support/models/parity-model.ts";

/** Of the decoder's step. */
const [ROWS, POSITIONS] = [4, 3];

const folder = mkdtempSync(join(tmpdir(), "spanfill-lowering-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const models = [
  ...parityModels().filter(({ name }) => /relu-tied$|gated-gelu-untied|gated-silu-untied/.test(name)),
  ...parityModels("architectures").filter(({ name }) => /^(umt5|shkv|talking-heads|n4w10)$/.test(name)),
];
for (const model of models) {
  test(`plain and fused operators agree: ${model.name}`, async () => {
    const directory = join(folder, model.name);
    writeParityModel(model, directory);
    const weights = await prepareWeights(directory, "float32");
    const { config } = weights;
    const tensors = tensorSource(weights);
    const run = async (graph: Graph, feeds: Record<string, RuntimeTensor>) => {
      const session = await createSession(graph, { folder: weights.folder, threads: 1, spin: false });
      const made = await session.run(feeds);
      await session.dispose();
      return made;
    };
    const forms: GenerationLowering[] = [
      fusedLowering(config, tensors),
      plainLowering(config, externalWeights(tensors)),
    ];
    const results: { hidden: Float32Array; logits: Float32Array; some: Float32Array }[] = [];
    for (const lowering of forms) {
      const { hidden, ...cross } = await run(
        encoderGraph(config, lowering, true, { from: 0, to: config.numLayers, ends: true }),
        {
          input_ids: int32([5, 9, 17, 1, 8, 30, 1, 0], [2, 4]),
          ...Object.fromEntries(
            biasTables(config, "encoder").map(({ numHeads }, t) => [
              `bias_${t}`,
              float32(numbers(numHeads * 16), [1, numHeads, 4, 4]),
            ]),
          ),
          mask: float32(Float32Array.of(0, 0, 0, 0, 0, 0, 0, -1e9), [2, 1, 1, 4]),
        },
      );
      const past: Record<string, RuntimeTensor> = {};
      for (let i = 0; i < config.numDecoderLayers; i += 1) {
        const { keyHeads } = layerWidths(config, i);
        for (const part of ["key", "value"]) {
          const values = numbers(3 * keyHeads * 2 * config.dKv);
          past[`past_${part}_${i}`] = float32(values, [3, keyHeads, 2, config.dKv]);
        }
      }
      const feeds = {
        ...cross,
        ...past,
        mask: float32(Float32Array.of(0, 0, 0, 0, 0, 0, 0, -1e9), [2, 1, 1, 4]),
        // Two beams of each of two inputs, continuing rows of the cache in another order; three positions at once.
        tokens: int32([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [4, 3]),
        reorder: int32([1, 0, 2, 2], [4]),
        position_buckets: int32([2, 1, 0, 4, 4, 3, 2, 1, 0, 4, 4, 3, 2, 1, 0].map(masked(config)), [3, 5]),
        choose: bool(Uint8Array.of(1), []),
        apart: int32([3, 9, 4, 4, 0, 1, 2, 5], [4, 2]),
        count: int64([5]),
      };
      const { logits, ...chosen } = await run(stepGraph(config, lowering, true), feeds);
      assertLikeliest(float32Data(logits), chosen, integerData(feeds.apart));
      const added = await run(ownRowsGraph(lowering), { own: int32([30, 2], [2]) });
      const { logits: some } = await run(stepGraph(config, lowering, true, shortlist), {
        ...{ ...feeds, ...added },
        choose: bool(Uint8Array.of(0), []),
      });
      results.push({
        hidden: float32Data(hidden).slice(),
        logits: float32Data(logits).slice(),
        some: float32Data(some).slice(),
      });
    }
    const [fused, plain] = results;
    assert.ok(fused !== undefined && plain !== undefined);
    for (const part of ["hidden", "logits", "some"] as const) {
      const scale = Math.sqrt(plain[part].reduce((sum, x) => sum + x * x, 0) / plain[part].length);
      const worst = plain[part].reduce((most, x, i) => Math.max(most, Math.abs(x - (fused[part][i] ?? Number.NaN))), 0);
      assert.ok(worst < 1e-5 * scale, `${part}: ${worst} against ${scale}`);
    }
    const ids = [...shortlist, 30, 2];
    const picked = plain.some.map((_, i) => {
      const column = ids[i % ids.length] ?? 0;
      return plain.logits[Math.floor(i / ids.length) * config.vocabSize + column] ?? Number.NaN;
    });
    assert.ok(plain.some.every((logit, i) => Math.abs(logit - (picked[i] ?? Number.NaN)) < 1e-4));
  });
}

/** The five largest log probabilities of each row's last position, but for the two tokens apart, by a full sort. */
function assertLikeliest(logits: Float32Array, chosen: Record<string, RuntimeTensor>, apart: readonly number[]): void {
  const width = logits.length / (ROWS * POSITIONS);
  const [values, kept] = [float32Data(chosen["likeliest"]), float32Data(chosen["apart_log_probs"])];
  const columns = integerData(chosen["likeliest_columns"]);
  for (let row = 0; row < ROWS; row += 1) {
    const last = Array.from(logits.subarray((row + 1) * POSITIONS * width - width, (row + 1) * POSITIONS * width));
    const logSum = Math.log(last.reduce((sum, logit) => sum + Math.exp(logit), 0));
    const own = apart.slice(2 * row, 2 * row + 2);
    const wanted = last
      .map((logit, column) => ({ column, logProb: logit - logSum }))
      .filter(({ column }) => !own.includes(column))
      .sort((a, b) => b.logProb - a.logProb)
      .slice(0, 5);
    assert.deepEqual(
      columns.slice(5 * row, 5 * row + 5),
      wanted.map(({ column }) => column),
    );
    for (const [i, { logProb }] of wanted.entries())
      assert.ok(Math.abs((values[5 * row + i] ?? Number.NaN) - logProb) < 1e-4);
    for (const [i, column] of own.entries())
      assert.ok(Math.abs((kept[2 * row + i] ?? Number.NaN) - ((last[column] ?? 0) - logSum)) < 1e-4);
  }
}

/** Common tokens of a shortlist, padding among them. */
const shortlist = [0, 40, 7, 1];

/** 4 stands for a later position, which may not be attended. */
function masked({ relativeAttentionNumBuckets }: { relativeAttentionNumBuckets: number }): (bucket: number) => number {
  return (bucket) => (bucket === 4 ? relativeAttentionNumBuckets : bucket);
}

function externalWeights(tensors: TensorSource): Parameters<typeof plainLowering>[1] {
  return (g, name) => {
    const stored = tensors.get(name);
    if (stored === undefined) throw new RangeError(name);
    return g.external(name, stored.dtype, stored.shape, stored.data);
  };
}

function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7));
}

test("an encoder in stages computes what it computes in one", async () => {
  const model = parityModels().find(({ name }) => name === "deep-encoder");
  assert.ok(model !== undefined);
  const directory = join(folder, "staged");
  writeParityModel(model, directory);
  const weights = await prepareWeights(directory, "float32");
  const { config } = weights;
  const lowering = fusedLowering(config, tensorSource(weights));
  const bias_0 = float32(numbers(config.numHeads * 9), [1, config.numHeads, 3, 3]);
  const results: Float32Array[] = [];
  for (const parameters of [1e9, 1]) {
    let made: Record<string, RuntimeTensor> = { input_ids: int32([5, 9, 1], [1, 3]) };
    const stages = encoderStages(config, parameters);
    assert.equal(stages.length, parameters === 1 ? config.numLayers + 1 : 1);
    for (const stage of stages) {
      const graph = encoderGraph(config, lowering, false, stage);
      const session = await createSession(graph, { folder: weights.folder, threads: 1, spin: false });
      made = await session.run({ ...made, ...(stage.from < stage.to && { bias_0 }) });
      if (made["next"] !== undefined) made = { previous: made["next"] };
      await session.dispose();
    }
    results.push(float32Data(made["hidden"]).slice());
  }
  const [whole, staged] = results;
  assert.ok(whole !== undefined && staged !== undefined);
  assert.ok(whole.every((x, i) => Math.abs(x - (staged[i] ?? Number.NaN)) < 1e-5 * (1 + Math.abs(x))));
});
