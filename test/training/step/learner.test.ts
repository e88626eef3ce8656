/** Gradients of LoRA, soft prompts and frozen embeddings beside finite differences, and what is merged of them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../../../models/random.ts";
import type { Example } from "../../../models/t5/batch.ts";
import type { Method } from "../../../models/t5/lowering/trainable.ts";
import { prepareLearner } from "../../../server/training/step/learner.ts";
import { createOptimizer } from "../../../server/training/step/optimizer.ts";
import type { StepOptions, Weights } from "../../../server/training/step/step.ts";
import { examples, gradientFixture, modelInMemory, openStepper } from "../../support/models/gradient-fixture.ts";

const fixture = gradientFixture();
const lora = { kind: "lora", targets: ["q", "v", "wi", "wi_0", "wo"], rank: 3, alpha: 6, dropoutRate: 0 } as const;
const options: StepOptions = { dropoutRate: 0, threads: 1, labelSmoothing: 0.1, zLoss: 1e-3 };

/** By how much the loss is to change for finite differences, about, by each value that is moved. */
const STEP = 1e-6;
/** Largest error of a slope, relative to it or to a tenth. */
const TOLERANCE = 1e-6;

const inFloat64 = (weights: Weights): Weights =>
  new Map([...weights].map(([name, values]) => [name, Float64Array.from(values)]));

function rowsOf(name: string): Example[] {
  const [first] = fixture.gradients.find((model) => model.name === name)?.cases ?? [];
  return examples(first ?? assert.fail(`no case of ${name}`));
}

/** A model whose method is under way: nothing is zero. */
function learnerOf(name: string, method: (vocabSize: number) => Method) {
  const { config, weights } = modelInMemory(name);
  const learner = prepareLearner(config, inFloat64(weights), method(config.vocabSize), 1);
  const random = seededRandom(5);
  if (learner.method.kind === "lora") {
    for (const values of learner.memory.tensors.values())
      for (const i of values.keys()) values[i] = 0.3 * (random() - 0.5);
  }
  return learner;
}

const methods: [what: string, method: (vocabSize: number) => Method, changed: Partial<StepOptions>][] = [
  ["a frozen embedding", () => ({ kind: "full", freezeEmbedding: true }), {}],
  ["LoRA", () => lora, {}],
  ["LoRA with its own dropout", () => ({ ...lora, dropoutRate: 0.3 }), {}],
  ["LoRA with dropout everywhere", () => ({ ...lora, dropoutRate: 0.3 }), { dropoutRate: 0.2 }],
  ["a soft prompt behind the vocabulary", (size) => ({ kind: "prompt", tokens: 3, firstId: size }), {}],
  ["a soft prompt in spare rows", (size) => ({ kind: "prompt", tokens: 2, firstId: size - 2 }), { dropoutRate: 0.2 }],
  [
    "layers computed again",
    () => ({ kind: "full", freezeEmbedding: false }),
    { checkpointing: true, dropoutRate: 0.2 },
  ],
  ["LoRA and layers computed again", () => ({ ...lora, dropoutRate: 0.3 }), { checkpointing: true }],
];

describe("gradients beside finite differences", () => {
  for (const name of ["relu-tied", "gated-gelu-untied"]) {
    for (const [what, method, changed] of methods) {
      it(`${what}, ${name}`, async () => {
        const learner = learnerOf(name, method);
        const prompt =
          learner.method.kind === "prompt"
            ? Array.from({ length: learner.method.tokens }, (_, i) => learner.config.vocabSize - 1 - i)
            : [];
        const rows = rowsOf(name).map(({ input, target }) => ({ input: [...prompt, ...input], target }));
        const stepper = await openStepper(learner.config, learner.weights, { ...options, ...changed }, learner);
        const loss = async () => (await stepper.train([rows.slice(0, 2), rows.slice(2)], 3)).loss;
        await loss();
        assert.deepEqual([...stepper.gradients.keys()], [...learner.memory.tensors.keys()]);
        const gradients = new Map([...stepper.gradients].map(([key, values]) => [key, Float64Array.from(values)]));
        const steepest = [...learner.memory.tensors].map(([key, values]) => {
          const gradient = gradients.get(key) ?? new Float64Array(0);
          const at = gradient.reduce((most, one, i) => (Math.abs(one) > Math.abs(gradient[most] ?? 0) ? i : most), 0);
          const slope = gradient[at] ?? 0;
          assert.ok(Math.abs(slope) > 1e-9, `${key} has a gradient`);
          return { key, values, at, slope };
        });
        /**
         * Moves one value of each of some tensors at once, the less the steeper it is: so an error of any of them shows
         * as it would if that were moved by itself.
         */
        const check = async (some: typeof steepest, signs: readonly number[]) => {
          const moves = some.map(({ slope }, i) => (signs[i] ?? 1) / Math.max(0.1, Math.abs(slope)));
          const lossAt = async (step: number) => {
            const before = some.map(({ values, at }) => values[at] ?? 0);
            for (const [i, { values, at }] of some.entries()) values[at] = (before[i] ?? 0) + step * (moves[i] ?? 0);
            const made = await loss();
            for (const [i, { values, at }] of some.entries()) values[at] = before[i] ?? 0;
            return made;
          };
          const numeric = ((await lossAt(STEP)) - (await lossAt(-STEP))) / (2 * STEP);
          const slope = some.reduce((sum, each, i) => sum + each.slope * (moves[i] ?? 0), 0);
          return { agrees: Math.abs(slope - numeric) < TOLERANCE, said: `${slope}, not ${numeric}` };
        };
        const random = seededRandom(6);
        for (let draw = 0; draw < 3; draw += 1) {
          const signs = steepest.map(() => (random() < 0.5 ? -1 : 1));
          if ((await check(steepest, signs)).agrees) continue;
          for (const each of steepest) {
            const { agrees, said } = await check([each], [1]);
            assert.ok(agrees, `${each.key}[${each.at}]: ${said}`);
          }
          assert.fail("no tensor by itself disagrees, but all together do");
        }
        await stepper.dispose();
      });
    }
  }
});

describe("learners", () => {
  it("LoRA merged into the weights gives the same loss, and before it learns nothing changes", async () => {
    const name = "gated-gelu-untied";
    const { config, weights } = modelInMemory(name);
    const rows = rowsOf(name);
    const learner = learnerOf(name, () => lora);
    const losses = await Promise.all(
      [
        openStepper(config, learner.weights, options, learner),
        openStepper(config, learner.merged(), options),
        openStepper(config, weights, options),
        openStepper(config, prepareLearner(config, weights, lora, 1).merged(), options),
      ].map(async (made) => {
        const stepper = await made;
        const { loss } = await stepper.evaluate([rows]);
        await stepper.dispose();
        return loss;
      }),
    );
    const [apart = 0, merged = 0, base = 0, fresh = 0] = losses;
    assert.ok(Math.abs(apart / merged - 1) < 1e-12, `${apart} and ${merged}`);
    assert.equal(fresh, base);
    assert.ok(Math.abs(apart / base - 1) > 1e-3);
  });

  it("learning leaves everything else as it was", async () => {
    const { config, weights } = modelInMemory("relu-tied");
    const before = new Map([...weights].map(([key, values]) => [key, values.slice()]));
    for (const method of [lora, { kind: "prompt", tokens: 2, firstId: config.vocabSize } as const]) {
      const learner = prepareLearner(config, weights, method, 1);
      const shapes = new Map([...learner.memory.tensors].map(([key, { length }]) => [key, [length]]));
      const optimizer = createOptimizer(learner.memory, shapes, { kind: "adamw", weightDecay: 0 });
      const stepper = await openStepper(learner.config, learner.weights, options, learner);
      const rows = rowsOf("relu-tied").map(({ input, target }) => ({
        input: [config.vocabSize, ...input].slice(method.kind === "lora" ? 1 : 0),
        target,
      }));
      const losses = [];
      for (let step = 1; step <= 8; step += 1) {
        losses.push((await stepper.train([rows], step)).loss);
        optimizer.update(step, 0.03, 1);
      }
      await stepper.dispose();
      assert.ok((losses.at(-1) ?? 0) < (losses[0] ?? 0), losses.join(", "));
      for (const [key, values] of weights) assert.deepEqual(values, before.get(key), key);
    }
  });

  it("refuses LoRA on layers that are not there", () => {
    const { config, weights } = modelInMemory("relu-tied");
    assert.throws(
      () => prepareLearner(config, weights, { ...lora, targets: ["wi_0"] }, 1),
      /no layers named wi_0.*wi\./,
    );
  });
});
