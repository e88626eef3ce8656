/** The processor time of a step of METRO's pre-training, beside its authors' criterion around transformers' T5. */
import { execFileSync } from "node:child_process";
import { batchOf } from "../../models/t5/batch.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { learnedShapes } from "../../models/t5/lowering/trainable.ts";
import { freshWeights } from "../../server/training/fresh/first-weights.ts";
import { prepareLearner } from "../../server/training/step/learner.ts";
import { createMetroStepper } from "../../server/training/step/metro.ts";
import { createOptimizer } from "../../server/training/step/optimizer.ts";
import { printTable } from "../support/table.ts";

/** The step, and what it is compared with. */
export interface MetroOptions {
  readonly python: string;
  readonly criterion: string;
  readonly rows: number;
  readonly length: number;
  readonly rounds: number;
}

/** tiny-nl4's shape. */
const SHAPE = {
  ...{ model_type: "t5", vocab_size: 32_128, d_model: 256, d_ff: 1024, d_kv: 32, num_heads: 4, num_layers: 4 },
  ...{ num_decoder_layers: 4, feed_forward_proj: "relu", tie_word_embeddings: true },
};
const MASK = 32_000;

/** Prints the quickest step of each side, with AdamW's, in processor seconds. */
export async function benchMetro(options: MetroOptions): Promise<void> {
  const own = await stepSeconds(options);
  const { python, criterion, rows, length, rounds } = options;
  const request = JSON.stringify({ shape: SHAPE, mask: MASK, rows, length, rounds });
  const theirs = Number(execFileSync(python, ["bench/peers/metro.py", criterion, request], { encoding: "utf8" }));
  printTable([
    ["texts, tokens", "processor s", "its authors' s", "times as fast"],
    [`${rows} x ${length}`, own.toFixed(2), theirs.toFixed(2), (theirs / own).toFixed(2)],
  ]);
}

async function stepSeconds({ rows, length, rounds }: MetroOptions): Promise<number> {
  const config = parseConfig(SHAPE);
  const method = { kind: "full", freezeEmbedding: false, metro: { mask: MASK, special: [0, 1, 2, MASK] } } as const;
  const learner = prepareLearner(config, freshWeights(config, 1), method, 1);
  const options = { dropoutRate: 0, threads: 2, labelSmoothing: 0, zLoss: 0 };
  const stepper = await createMetroStepper(config, learner.weights, options, learner);
  const optimizer = createOptimizer(learner.memory, learnedShapes(config, method), {
    kind: "adamw",
    weightDecay: 0.01,
  });
  const texts = Array.from({ length: rows }, (_, row) =>
    Array.from({ length }, (_, i) => 3 + ((row * 7919 + i * 104_729) % 30_000)),
  );
  const batch = batchOf(
    config,
    texts.map((ids) => ({ input: ids, target: ids })),
  );
  let quickest = Number.POSITIVE_INFINITY;
  for (let step = 1; step <= rounds + 1; step += 1) {
    const begun = process.cpuUsage();
    await stepper.train([batch], step);
    optimizer.update(step, 4e-4, 1);
    const { user, system } = process.cpuUsage(begun);
    if (step > 1) quickest = Math.min(quickest, (user + system) / 1e6); // the first one packs weights
  }
  await stepper.dispose();
  return quickest;
}
