import assert from "node:assert/strict";
import { test } from "node:test";
import { parameterCount } from "../../models/t5/weights.ts";
import { readCatalog } from "../../server/catalog/published.ts";

const { models, comparisons } = await readCatalog();
const byId = new Map(models.map((model) => [model.id, model]));

test("the catalog holds every published family, each model once", () => {
  const families = [...new Set(models.map(({ family }) => family))].map(
    (family) => `${family} ${models.filter((model) => model.family === family).length}`,
  );
  assert.deepEqual(families, [
    "t5-1.0 5",
    "t5-1.1 5",
    "t5-lm-adapted 5",
    "t5-talking-heads 2",
    "t5-narrow-wide 3",
    "flan-t5 5",
    "t5-efficient 172",
    "mt5 5",
    "umt5 4",
    "byt5 5",
    "longt5 5",
    "switch 7",
    "ul2 1",
    "flan-ul2 1",
    "metro-t0 9",
  ]);
  assert.equal(byId.size, models.length);
  assert.equal(models.filter(({ hub }) => hub === null).length, 11 + 5);
});

test("parameters follow from the shape, wherever that is known", () => {
  const wrong = models.filter(({ parameters, config }) => parameters !== null && parameters !== parameterCount(config));
  assert.deepEqual(wrong, []);
  assert.equal(models.filter(({ parameters }) => parameters === null).length, 6);
});

// Not by our formula: counts that hub pages, papers and others' counts give. The mT5, ByT5 and T5 pages count to the
// last one.
const published: [id: string, parameters: number, within: number][] = [
  ["google-t5/t5-small", 60_506_624, 0],
  ["google-t5/t5-base", 222_903_552, 0],
  ["google-t5/t5-large", 737_668_096, 0],
  ["google/mt5-small", 300_176_768, 0],
  ["google/mt5-base", 582_401_280, 0],
  ["google/umt5-small", 307e6, 0.002],
  ["google/umt5-base", 592e6, 0.002],
  ["google/byt5-small", 299_637_760, 0],
  ["google/flan-t5-small", 76_961_152, 0],
  ["google/flan-t5-base", 247_577_856, 0],
  // The checkpoints' list in google-research/longt5 rounds.
  ["google/long-t5-local-base", 250e6, 0.02],
  ["google/long-t5-tglobal-large", 780e6, 0.01],
  ["google/long-t5-tglobal-xl", 3e9, 0.06],
  // Fedus et al., table 9: Switch-Base with 128 experts; its text rounds Large's with 128.
  ["google/switch-base-128", 7.4e9, 0.01],
  ["google/switch-large-128", 26.3e9, 0.01],
  // Their README.
  ["gonglinyuan/metro_t0pp_largepp", 775e6, 0.005],
  // The pages' files are 39.45 GB of bfloat16, with two copies of the embedding.
  ["google/ul2", 39.45e9 / 2 - 2 * 32_128 * 4096, 0.001],
  ["google/flan-ul2", 39.45e9 / 2 - 2 * 32_128 * 4096, 0.001],
  ["google/t5-efficient-tiny-nl32", 66_986_752, 0], // counted by a third party; its card says 67.06
  ["google/t5-efficient-tiny", 15.58e6, 0.002], // the cards of t5-efficient divide a file's bytes by four
  ["google/t5-efficient-tiny-nl2", 11.9e6, 0.002],
  ["google/t5-efficient-xxl", 11_307.38e6, 0.002],
  ["google/t5-efficient-small-nl16", 134e6, 0.004], // the Scale Efficiently paper's table 4 rounds
  ["google/t5-efficient-base", 223e6, 0.004],
];
for (const [id, parameters, within] of published) {
  test(`${id} has the ${parameters} parameters that were published`, () => {
    const found = byId.get(id)?.parameters ?? 0;
    assert.ok(Math.abs(found - parameters) <= within * parameters, `${found}`);
  });
}

test("what the paper compares is in the catalog, and the deeper one is smaller where it says so", () => {
  assert.ok(comparisons.length > 3);
  for (const { id, than, text } of comparisons) {
    const [deep, wide] = [byId.get(id), byId.get(than)];
    assert.ok(deep && wide, id);
    assert.ok(deep.config.numLayers > wide.config.numLayers, id);
    const [, percent] = /(\d+)% fewer parameters/.exec(text) ?? [];
    if (percent === undefined) continue;
    const saved = 100 * (1 - (deep.parameters ?? 0) / (wide.parameters ?? 1));
    assert.ok(Math.abs(saved - Number(percent)) < 0.5, `${id}: ${saved}%`);
  }
});

test("every published score has a source, and only models that were pre-trained alone need fine-tuning", () => {
  for (const { quality } of models) for (const { source } of quality) assert.match(source, /arXiv \d{4}\.\d{5}/);
  const ready = new Set(models.filter(({ needsFineTuning }) => !needsFineTuning).map(({ family }) => family));
  assert.deepEqual([...ready], ["t5-1.0", "flan-t5", "flan-ul2", "metro-t0"]);
});
