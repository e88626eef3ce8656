/** Bottlenecks beside AdapterHub's library (test/fixtures/parity/make_bottlenecks.py): gradients, steps of AdamW. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { hubConfigText, hubName } from "../../../models/checkpoint/adapterhub.ts";
import type { BottleneckLayout } from "../../../models/t5/adapters/bottleneck.ts";
import { readAdapterArrays } from "../../../server/catalog/graph-adapters.ts";
import { prepareLearner } from "../../../server/training/step/learner.ts";
import { createOptimizer } from "../../../server/training/step/optimizer.ts";
import type { StepOptions } from "../../../server/training/step/step.ts";
import { BOTTLENECKS, bottleneckFixture, type ExpectedBottleneck } from "../../support/models/bottleneck-fixture.ts";
import { examples, modelInMemory, openStepper } from "../../support/models/gradient-fixture.ts";

const fixture = bottleneckFixture();
const options: StepOptions = { dropoutRate: 0, threads: 1, labelSmoothing: 0, zLoss: 0 };
const layouts = [
  { layout: "houlsby", width: 8, scale: 1 },
  { layout: "pfeiffer", width: 4, scale: 1 },
  { layout: "parallel", width: 8, scale: 4 },
] as const satisfies readonly { layout: BottleneckLayout; width: number; scale: number }[];

/** A learner that begins with the library's arrays. */
async function learnerOf(method: (typeof layouts)[number]) {
  const { config, weights } = modelInMemory(fixture.base);
  const learner = prepareLearner(config, weights, { kind: "bottleneck", ...method }, 1);
  const stored = await readAdapterArrays(join(BOTTLENECKS, method.layout));
  const names = [...learner.memory.tensors.keys()].map((name) => hubName(name, method.layout));
  assert.deepEqual([...stored.keys()].sort(), names.sort(), "the library learns the same arrays");
  for (const [name, values] of learner.memory.tensors)
    values.set(stored.get(hubName(name, method.layout))?.values ?? assert.fail(name));
  return learner;
}

function valuesOf({ gradients }: ExpectedBottleneck, name: string): Float32Array {
  const bytes = Buffer.from(gradients[name] ?? assert.fail(name), "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

describe("bottlenecks beside AdapterHub's library", () => {
  for (const method of layouts) {
    it(`have its gradients and come by steps of AdamW to its losses: ${method.layout}`, async () => {
      const expected = fixture.adapters[method.layout] ?? assert.fail();
      const learner = await learnerOf(method);
      const stepper = await openStepper(learner.config, learner.weights, options, learner);
      const shapes = new Map([...learner.memory.tensors].map(([tensor, { length }]) => [tensor, [length]]));
      const optimizer = createOptimizer(learner.memory, shapes, { kind: "adamw", weightDecay: 0 });
      for (const [i, wanted] of expected.losses.entries()) {
        const { loss } = await stepper.train([examples(fixture)], i);
        assert.ok(Math.abs(loss / wanted - 1) < 1e-4, `step ${i + 1}: ${loss} instead of ${wanted}`);
        for (const [name, gradient] of i === 0 ? stepper.gradients : []) {
          const values = valuesOf(expected, hubName(name, method.layout));
          const size = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
          const off = Math.max(...gradient.map((value, at) => Math.abs(value - (values[at] ?? Number.NaN))));
          assert.ok(off < 1e-4 * size, `${name} is off by ${off / size} of its size`);
        }
        optimizer.update(i + 1, 1e-2, 1);
      }
      await stepper.dispose();
    });
  }

  it("are described as the library describes them", () => {
    const { config } = modelInMemory(fixture.base);
    for (const method of layouts) {
      const names = { adapter: method.layout, base: "google/t5-plain" };
      const text = hubConfigText(config, { kind: "bottleneck", ...method }, names);
      const written = JSON.parse(text);
      const known = JSON.parse(readFileSync(join(BOTTLENECKS, method.layout, "adapter_config.json"), "utf8"));
      const same = {
        ...written,
        config: { ...known.config, ...written.config, init_weights: known.config.init_weights },
      };
      assert.deepEqual(same, known);
      assert.match(text, new RegExp(`"scaling": ${method.scale}\\.0,`), "a float, which the library asks for");
    }
  });

  it("begin as nothing", async () => {
    const { config, weights } = modelInMemory(fixture.base);
    const losses = [];
    for (const method of layouts) {
      const learner = prepareLearner(config, weights, { kind: "bottleneck", ...method }, 1);
      const stepper = await openStepper(config, weights, options, learner);
      losses.push((await stepper.evaluate([examples(fixture)])).loss);
      await stepper.dispose();
    }
    const plain = await openStepper(config, weights, options);
    const { loss } = await plain.evaluate([examples(fixture)]);
    await plain.dispose();
    assert.ok(
      losses.every((each) => Math.abs(each / loss - 1) < 1e-6),
      `${losses} ${loss}`,
    );
  });
});
