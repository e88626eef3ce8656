/** A process of `bench adapters`: a base with some adapters, in one session or a session each. */
import { seededRandom } from "../../models/random.ts";
import type { LoadedModel, Precision } from "../../server/engine/engine.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import type { AdaptersRun } from "../speed/adapters.ts";
import { median } from "./statistics.ts";

const [directory = "", precision = "int8", sharing = "shared", rounds = "5", ...adapters] = process.argv.slice(2);
const shared = createLocalEngine();
const random = seededRandom(3);

/** Milliseconds of an answer to a text that was never asked. */
async function answer(model: LoadedModel): Promise<number> {
  const input = [...Array.from({ length: 63 }, () => 3 + Math.floor(random() * 31_000)), 1];
  const began = performance.now();
  await model.generate({ inputs: [input], maxNewTokens: 8, minNewTokens: 8 });
  return performance.now() - began;
}

const models: LoadedModel[] = [];
const firsts: number[] = [];
for (const adapter of adapters) {
  const began = performance.now();
  const engine = sharing === "shared" ? shared : createLocalEngine();
  const model = await engine.load({ directory, adapter, precision: precision as Precision });
  models.push(model);
  await answer(model);
  firsts.push(performance.now() - began);
}
const same: number[] = [];
const switched: number[] = [];
for (let round = 0; round < Number(rounds); round += 1) {
  for (const model of models) {
    switched.push(await answer(model));
    same.push(await answer(model));
  }
}
globalThis.gc?.();
const sameMs = median(same);
const [firstMs = 0, ...next] = firsts;
const run: AdaptersRun = {
  firstMs,
  sameMs,
  nextMs: next.length === 0 ? 0 : median(next) - sameMs,
  switchMs: models.length === 1 ? 0 : median(switched) - sameMs,
  memoryBytes: process.memoryUsage.rss(),
};
console.log(JSON.stringify(run));
process.exit(0);
