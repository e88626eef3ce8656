/** Adapters that stay apart: imported, listed below their base, chosen by name; odd ones are refused by name. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { importModel } from "../../server/catalog/import.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import { placesOf, removeModel } from "../../server/catalog/store.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { listModels } from "../../server/panel/model-list.ts";
import { exportModel } from "../../server/training/run/results/export.ts";
import { BOTTLENECKS, bottleneckFixture, writeBottleneckBase } from "../support/models/bottleneck-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-adapters-"));
const { SPANFILL_MODELS } = process.env;
process.env["SPANFILL_MODELS"] = join(folder, "models");
process.env["HF_HUB_CACHE"] = join(folder, "hub");
const places = placesOf();
const base = join(places.own, "base");
mkdirSync(places.own);
writeBottleneckBase(base);
const engine = createLocalEngine();
const { signal } = new AbortController();
after(async () => {
  await engine.dispose();
  if (SPANFILL_MODELS === undefined) delete process.env["SPANFILL_MODELS"];
  else process.env["SPANFILL_MODELS"] = SPANFILL_MODELS;
  rmSync(folder, { recursive: true });
});

test("a bottleneck is imported apart from its base, listed below it and chosen by its name", async () => {
  for (const id of ["houlsby", "parallel"])
    await importModel(join(BOTTLENECKS, id), places, { signal, base: "base", id });
  const rows = (await listModels(places)).filter(({ installed }) => installed?.directory.startsWith(folder));
  assert.deepEqual(
    rows.map(({ id, adapterOf, family }) => [id, adapterOf, family]),
    [
      ["base", undefined, "imported"],
      ["houlsby", "base", "adapter"],
      ["parallel", "base", "adapter"],
    ],
  );
  const { input, tokens } = { ...bottleneckFixture(), ...bottleneckFixture().adapters["houlsby"] };
  const model = await engine.load({ directory: resolveModel("houlsby"), precision: "float32", threads: 1 });
  assert.equal(model.info.id, "houlsby");
  const { sequences } = await model.generate({ inputs: [input], maxNewTokens: 8 });
  assert.deepEqual(sequences[0]?.[0]?.ids, tokens);
  assert.ok((await removeModel("parallel", places)) > 0);
  assert.ok(!(await listModels(places)).some(({ id }) => id === "parallel"));
});

test("what needs a whole model refuses a bottleneck, which cannot be merged", async () => {
  const refused = { message: /holds a bottleneck adapter of google\/t5-plain.*cannot be merged with its base/ };
  for (const kind of ["hf", "onnx", "gguf"] as const)
    await assert.rejects(
      exportModel("houlsby", kind, join(folder, kind), () => undefined),
      refused,
    );
});

/** What is changed in a copy of an adapter, and what the refusal names. */
const odd: readonly (readonly [
  string,
  (config: { config: Record<string, unknown> } & Record<string, unknown>) => void,
  RegExp,
])[] = [
  ["another width", (json) => (json["hidden_size"] = 64), /for a model of the width 64; its base has 32/],
  ["another kind of model", (json) => (json["model_type"] = "bert"), /belongs to a model of the type "bert"/],
  ["an unknown function", (json) => (json.config["non_linearity"] = "softmax"), /unknown non_linearity "softmax"/],
  [
    "a factor of a fraction",
    (json) => (json.config["reduction_factor"] = 64),
    /reduction_factor 64, which leaves a fraction/,
  ],
  ["a factor that is not positive", (json) => (json.config["reduction_factor"] = 0), /config\.reduction_factor/],
  ["another factor", (json) => (json.config["reduction_factor"] = 3), /\[32,8\], where \[32,10\] is needed/],
  ["gates", (json) => (json.config["use_gating"] = true), /has use_gating true, which is not supported/],
  ["a norm of its own", (json) => (json.config["ln_after"] = true), /has ln_after true/],
  ["no sum after it", (json) => (json.config["original_ln_after"] = false), /has original_ln_after false/],
  ["another architecture", (json) => (json.config["architecture"] = "prefix_tuning"), /architecture "prefix_tuning"/],
  ["more places", (json) => (json.config["cross_adapter"] = true), /lacks arrays for decoder\.block\.0\.layer\.1/],
  ["fewer places", (json) => (json.config["mh_adapter"] = false), /holds arrays for encoder\.block\.0\.layer\.0/],
  ["a layer left out", (json) => (json.config["leave_out"] = [3]), /holds arrays for decoder\.block\.1\.layer\.0/],
  [
    "a config that is text",
    (json) => Object.assign(json, { config: "houlsby" }),
    /is not as the adapters library writes it/,
  ],
];
for (const [name, change, message] of odd) {
  test(`refuses an adapter with ${name}, and says so`, async () => {
    const copy = join(folder, name.replaceAll(" ", "-"));
    cpSync(join(BOTTLENECKS, "houlsby"), copy, { recursive: true });
    const path = join(copy, "adapter_config.json");
    const json = JSON.parse(readFileSync(path, "utf8"));
    change(json);
    writeFileSync(path, JSON.stringify(json));
    await assert.rejects(importModel(copy, places, { signal, base, id: "odd" }), { message });
  });
}

/** Arrays of a safetensors file, changed. */
const broken: readonly (readonly [string, (name: string) => string, (values: Float32Array) => void, RegExp])[] = [
  [
    "a layer that the base lacks",
    (name) => name.replace("encoder.block.1", "encoder.block.7"),
    () => undefined,
    /a layer that its base lacks \(num_layers 2/,
  ],
  ["a value that is not finite", (name) => name, (values) => values.fill(Number.NaN, 0, 1), /NaN or infinite/],
  [
    "two adapters in one",
    (name) => name.replace("decoder.block.1.layer.2.adapters.parallel", "decoder.block.1.layer.2.adapters.other"),
    () => undefined,
    /holds several adapters/,
  ],
  [
    "an array of something else",
    (name) => name.replace(/^(encoder.*)\.adapter_up\.bias/, "$1.gate"),
    () => undefined,
    /which no bottleneck of a T5 has/,
  ],
  ["a bottleneck of 0", (name) => name, () => undefined, /a bottleneck of 0/],
];
for (const [what, rename, spoil, message] of broken) {
  test(`refuses ${what}, and says so`, async () => {
    const copy = join(folder, what.replaceAll(" ", "-"));
    cpSync(join(BOTTLENECKS, "parallel"), copy, { recursive: true });
    const path = join(copy, "adapter.safetensors");
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE(0));
    const header: Record<string, { shape: number[]; data_offsets: number[] }> = JSON.parse(
      bytes.toString("utf8", 8, 8 + length),
    );
    const data = Buffer.from(bytes.subarray(8 + length));
    spoil(new Float32Array(data.buffer, data.byteOffset, 4));
    const empty = what === "a bottleneck of 0";
    const entries = Object.entries(header).map(([name, entry]) => [rename(name), entry] as const);
    const text = Buffer.from(
      JSON.stringify(
        Object.fromEntries(
          empty ? entries.map(([name, entry]) => [name, { ...entry, shape: [0, 32], data_offsets: [0, 0] }]) : entries,
        ),
      ),
    );
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(path, Buffer.concat([head, text, empty ? Buffer.alloc(0) : data]));
    await assert.rejects(importModel(copy, places, { signal, base, id: "odd" }), { message });
  });
}

test("a LoRA is kept apart on request, and refused there if it can only be merged", async () => {
  const files = resolve("test/fixtures/checkpoint/adapters");
  const plain = join(places.own, "plain");
  cpSync(resolve("test/fixtures/checkpoint/plain"), plain, { recursive: true });
  await importModel(join(files, "lora"), places, { signal, base: "plain", id: "skill", apart: true });
  const rows = await listModels(places);
  assert.equal(rows.find(({ id }) => id === "skill")?.adapterOf, "plain");
  for (const [name, message] of [
    ["dora", /is a DoRA/],
    ["whole", /replaces|changes/],
    ["ia3", /\(IA3\) cannot be applied beside its base/],
    ["prompt", /\(PROMPT_TUNING\) cannot be used/],
  ] as const)
    await assert.rejects(importModel(join(files, name), places, { signal, base: "plain", id: "x", apart: true }), {
      message,
    });
});
