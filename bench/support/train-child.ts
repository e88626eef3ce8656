/**
 * Our side of `bench train`, in a separate process as PyTorch's is: a training step for each line of JSON on standard
 * input.
 */
import { createInterface } from "node:readline";
import { batchOf } from "../../models/t5/batch.ts";
import { learnedShapes, type Method } from "../../models/t5/lowering/trainable.ts";
import { prepareLearner, readWeights } from "../../server/training/step/learner.ts";
import { createOptimizer } from "../../server/training/step/optimizer.ts";
import { createStepper } from "../../server/training/step/step.ts";

const [folder = "", threads = "1", dropout = "0", optimizer = "adamw", method = "full"] = process.argv.slice(2);
const METHODS: Readonly<Record<string, Method>> = {
  full: { kind: "full", freezeEmbedding: false },
  lora: { kind: "lora", targets: ["q", "v", "wi", "wi_0", "wi_1", "wo"], rank: 16, alpha: 32, dropoutRate: 0 },
  bottleneck: { kind: "bottleneck", layout: "houlsby", width: 32, scale: 1 },
};
const learned = METHODS[method];
if (learned === undefined) throw new RangeError(`there is no method ${method}`);
const { config, learner } = await openLearner();
const options = { dropoutRate: Number(dropout), labelSmoothing: 0, zLoss: 0, threads: Number(threads) };
const stepper = await createStepper(config, learner.weights, options, learner);
const updater = createOptimizer(learner.memory, learnedShapes(config, learned), {
  kind: optimizer === "adafactor" ? "adafactor" : "adamw",
  weightDecay: 0,
});
console.log(JSON.stringify({ name: "Spanfill" }));
let steps = 0;
for await (const line of createInterface(process.stdin)) {
  const { inputs, targets }: { inputs: number[][]; targets: number[][] } = JSON.parse(line);
  steps += 1;
  const started = performance.now();
  const batch = batchOf(
    config,
    inputs.map((input, i) => ({ input, target: targets[i] ?? [] })),
  );
  const { loss } = await stepper.train([batch], steps);
  updater.update(steps, 1e-5, 1);
  const ms = performance.now() - started;
  console.log(JSON.stringify({ ms, loss, peakBytes: process.resourceUsage().maxRSS * 1024 }));
}
await stepper.dispose();

/** In a function, so that the weights as they were read are not kept. */
async function openLearner() {
  const { config, weights } = await readWeights(folder);
  return { config, learner: prepareLearner(config, weights, METHODS[method] as Method, 1) };
}
