/** STIR as a whole beside its authors' code, whose inputs are the tokens of a text (make_stir.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { batchOf } from "../../../models/t5/batch.ts";
import type { StatePlace } from "../../../models/t5/representation.ts";
import { stirAt } from "../../../server/training/compare/similarity.ts";
import { openStates } from "../../../server/training/compare/states.ts";
import { modelInMemory } from "../../support/models/gradient-fixture.ts";
import { numbers } from "../../support/models/parity-model.ts";

interface Place extends StatePlace {
  readonly seed: number;
  readonly steps: number;
  readonly first: number;
  readonly second: number;
}
interface Text {
  readonly models: readonly [string, string];
  readonly inputs: readonly number[][];
  readonly targets: readonly number[][];
}
const read = (name: string) => JSON.parse(readFileSync(`test/fixtures/training/${name}.json`, "utf8"));
const [places, text] = [read("stir") as readonly Place[], read("comparison") as Text];

/**
 * The reference computes in float64. Where a search has arrived, steps of one length jump to and fro, and the smallest
 * error turns them.
 */
const [EARLY, LATE] = [1e-6, 1e-3];

describe("STIR", async () => {
  const open = async (name: string) => {
    const { config, weights } = modelInMemory(name, "models");
    return openStates(config, weights, 1);
  };
  const models = [await open(text.models[0]), await open(text.models[1])] as const;
  after(async () => {
    for (const model of models) await model.dispose();
  });
  const rows = text.inputs.map((input, i) => ({ input, target: text.targets[i] ?? [] }));
  const batch = batchOf(models[0].config, rows);
  for (const { stack, layer, seed, steps, first, second } of places)
    it(`is that of its authors' code (${stack} ${layer}, ${steps} steps)`, async () => {
      const { length } = models[0].embed(batch)[stack];
      const start = Float32Array.from(numbers(seed, length), (bits) => 1.5 * ((bits >>> 8) / 2 ** 23 - 1));
      const signal = new AbortController().signal;
      const options = { search: "normalized", steps, seed: 1, signal, start } as const;
      const stir = await stirAt(models, batch, { stack, layer }, options);
      const errors = [(stir.first ?? 0) - first, (stir.second ?? 0) - second];
      assert.ok(
        errors.every((error) => Math.abs(error) < (steps > 20 ? LATE : EARLY)),
        `errors ${errors.join(" and ")}`,
      );
    });
});
