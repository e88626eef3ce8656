/** Comparisons of small models: base and tuned, float and int8, other shapes, and refusals by name. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ModelError } from "../../../models/errors.ts";
import { seededRandom } from "../../../models/random.ts";
import type { Comparison } from "../../../protocol/comparison.ts";
import { trainRequestSchema } from "../../../protocol/train-request.ts";
import { type CompareRequest, compareModels } from "../../../server/training/compare/compare.ts";
import { writeTrainedWeights } from "../../../server/training/run/results/trained-model.ts";
import { readWeights } from "../../../server/training/step/learner.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-compare-"));
const created: { dispose(): void }[] = [];
after(() => {
  for (const model of created) model.dispose();
  rmSync(folder, { recursive: true, force: true });
});
/** A model, with all weights moved by a share of their size. */
const modelOf = async (shape: Parameters<typeof randomModelFolder>[0] = {}, moved = 0): Promise<string> => {
  const model = randomModelFolder({ layers: 2, seed: 3, ...shape });
  created.push(model);
  const random = seededRandom(5);
  const { config, weights } = await readWeights(model.directory);
  // Weights as after training: larger ones saturate attention.
  for (const values of weights.values())
    for (const [i, value] of values.entries()) values[i] = 0.3 * value * (1 + moved * (2 * random() - 1));
  await writeTrainedWeights(model.directory, config, weights);
  return model.directory;
};

const WORDS = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number) => Array.from({ length: 60 }, (_, j) => WORDS[(i * 5 + j * j) % WORDS.length]).join(" ");
const data = join(folder, "texts.jsonl");
writeFileSync(data, Array.from({ length: 12 }, (_, i) => `${JSON.stringify({ text: text(i) })}\n`).join(""));

const request = (more: Partial<CompareRequest> = {}): CompareRequest => ({
  ...{
    source: { data, task: "infill" },
    limit: 4,
    stirSteps: 0,
    stirSearch: "adam",
    share: 0.3,
    precision: ["float32", "float32"],
    seed: 1,
    threads: 1,
  },
  ...more,
});
const watch = { signal: new AbortController().signal, onProgress: () => undefined };
const refused = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ModelError, `${error}`);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};
const meanCka = ({ layers }: Comparison) => layers.reduce((sum, { cka }) => sum + (cka ?? 0), 0) / layers.length;

describe("a comparison", () => {
  it("finds a tuned model nearer the more alike it is, and a model the same as itself", async () => {
    const base = await modelOf();
    const [same, near, far, other] = [
      await compareModels([base, base], request(), watch),
      await compareModels([base, await modelOf({}, 0.2)], request(), watch),
      await compareModels([base, await modelOf({}, 1)], request(), watch),
      await compareModels([base, await modelOf({ seed: 4 })], request(), watch),
    ];
    const order = [same, near, far, other].map(meanCka);
    assert.ok(Math.abs((order[0] ?? 0) - 1) < 1e-9, `${order}`);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => b - a),
    );
    assert.ok((order[0] ?? 0) - (order[3] ?? 0) > 0.2, `${order}`);
    for (const { first, second } of same.losses) assert.equal(first, second);
    assert.deepEqual(
      same.losses.map(({ kind }) => kind),
      [null, "typos", "dropped", "swapped", "repeated", "case"],
    );
    assert.deepEqual(
      same.layers.map(({ stack, layer, other: facing }) => [stack, layer, facing]),
      ["encoder", "decoder"].flatMap((stack) => [0, 1, 2].map((layer) => [stack, layer, layer])),
    );
  });

  it("is the same for a seed, and another for another one", async () => {
    const models = [await modelOf(), await modelOf({}, 0.3)] as const;
    const compare = (seed: number) => compareModels(models, request({ seed, stirSteps: 2 }), watch);
    assert.deepEqual(await compare(1), await compare(1));
    assert.notDeepEqual((await compare(2)).losses, (await compare(1)).losses);
  });

  it("takes what a training run keeps out of its data, with that run's gaps", async () => {
    const base = await modelOf();
    const compare = async (seed: number) => {
      const run = trainRequestSchema.parse({ data, task: "infill", base, seed });
      return compareModels([base, base], request({ source: { run } }), watch);
    };
    const { examples, losses, tokens } = await compare(1);
    // One of twelve documents is a tenth of them.
    assert.equal(examples, 1);
    assert.deepEqual((await compare(1)).losses, losses);
    assert.notDeepEqual((await compare(2)).losses, losses);
    assert.ok(tokens > 20, `${tokens}`);
  });

  it("finds a model near itself in int8", async () => {
    const base = await modelOf({ width: 64 });
    const comparison = await compareModels([base, base], request({ precision: ["float32", "int8"] }), watch);
    for (const { cka } of comparison.layers) assert.ok(cka !== null && cka > 0.98 && cka < 1, `${cka}`);
    const [plain] = comparison.losses;
    assert.ok(plain !== undefined && plain.first !== plain.second && Math.abs(plain.first - plain.second) < 0.1);
  });

  it("has a STIR near 1 of a model and itself, and less of another one", async () => {
    const base = await modelOf();
    const stirs = async (other: string) => {
      const { layers } = await compareModels([base, other], request({ limit: 2, stirSteps: 300 }), watch);
      return layers.flatMap(({ stack, layer, stir }) => (stack === "encoder" && layer === 1 && stir ? [stir] : []));
    };
    const [[itself], [another]] = [await stirs(base), await stirs(await modelOf({ seed: 4 }))];
    assert.ok(itself !== undefined && another !== undefined);
    assert.ok((itself.first ?? 0) > 0.9 && (itself.second ?? 0) > 0.9, JSON.stringify(itself));
    assert.ok((another.first ?? 1) < (itself.first ?? 0) - 0.1, JSON.stringify(another));
  });

  it("faces layers at the same share of other depths and widths, without STIR", async () => {
    const [small, large] = [await modelOf({ layers: 2 }), await modelOf({ layers: 4, width: 48 })];
    const { layers, notes } = await compareModels([small, large], request({ stirSteps: 2 }), watch);
    assert.deepEqual(
      layers.map(({ layer, other }) => [layer, other]),
      [0, 1, 2, 0, 1, 2].map((layer) => [layer, 2 * layer]),
    );
    assert.ok(layers.every(({ stir }) => stir === undefined));
    assert.match(notes.join("\n"), /no STIR, .* widths or numbers of layers differ/);
  });

  it("refuses by name what cannot be compared", async () => {
    const base = await modelOf();
    const compare = (other: string, more: Partial<CompareRequest> = {}) =>
      compareModels([base, other], request(more), watch);
    await assert.rejects(compare(await modelOf({ sentinels: 20 })), refused("input", /different vocabularies/));
    const long = { model_type: "longt5", encoder_attention_type: "local", local_radius: 7 };
    await assert.rejects(compare(await modelOf({ more: long })), refused("config", /is a LongT5/));
    await assert.rejects(compare(join(folder, "absent")), /absent/);
    const empty = join(folder, "empty.jsonl");
    writeFileSync(empty, "");
    await assert.rejects(compare(base, { source: { data: empty, task: "infill" } }), /empty\.jsonl/);
    const absent = { data: join(folder, "absent.jsonl"), task: "infill" };
    await assert.rejects(compare(base, { source: absent }), /absent\.jsonl/);
    const stopped = { ...watch, signal: AbortSignal.abort() };
    await assert.rejects(compareModels([base, base], request(), stopped), { name: "AbortError" });
  });
});
