import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { adapterChanges, changed, parseAdapterConfig } from "../../models/checkpoint/adapter.ts";
import { readTensor } from "../../server/catalog/folder/checkpoint.ts";
import { openModel } from "../../server/catalog/folder/open.ts";
import { readGraphAdapter } from "../../server/catalog/graph-adapters.ts";
import { importModel } from "../../server/catalog/import.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";

interface Merged {
  readonly logProbs: readonly number[];
  readonly tokens: readonly number[];
  /** Sum and sum of squares of each tensor. */
  readonly sums: Readonly<Record<string, readonly [number, number]>>;
}

const files = resolve("test/fixtures/checkpoint/adapters");
const { input, target, merged }: { input: number[]; target: number[]; merged: Record<string, Merged> } = JSON.parse(
  readFileSync(join(files, "expected.json"), "utf8"),
);
const folder = mkdtempSync(join(tmpdir(), "spanfill-adapter-"));
const places = { own: join(folder, "own"), hub: join(folder, "hub") };
const base = join(folder, "base");
cpSync(resolve("test/fixtures/checkpoint/plain"), base, { recursive: true });
const words = ["<pad>", "</s>", "<unk>", ...Array.from({ length: 37 }, (_, i) => `w${i + 3}`)];
const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
const tokenizer = {
  pre_tokenizer: { type: "WhitespaceSplit" },
  model: { type: "WordLevel", unk_token: "<unk>", vocab },
};
writeFileSync(join(base, "tokenizer.json"), JSON.stringify({ added_tokens: [], ...tokenizer }));
const engine = createLocalEngine();
const { signal } = new AbortController();
after(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});
const close = (a: number, b: number) => Math.abs(a - b) <= 1e-4 * Math.max(1, Math.abs(b));

for (const [name, { logProbs, tokens, sums }] of Object.entries(merged)) {
  test(`${name}: an adapter and its base become the model that peft merges`, async () => {
    const { directory } = await importModel(join(files, name), places, { signal, base, id: name });
    const { checkpoint } = await openModel(directory, "float");
    for (const [tensor, [sum, squares]] of Object.entries(sums)) {
      const stored = checkpoint.tensors.get(tensor) ?? checkpoint.tensors.get("shared.weight");
      assert.ok(stored !== undefined, tensor);
      const values = await readTensor(tensor, stored);
      assert.ok(
        close(
          values.reduce((total, value) => total + value, 0),
          sum,
        ),
        tensor,
      );
      assert.ok(
        close(
          values.reduce((total, value) => total + value * value, 0),
          squares,
        ),
        tensor,
      );
    }
    const model = await engine.load({ directory, precision: "float32", threads: 1 });
    const score = await model.score(input, target);
    for (const [i, expected] of logProbs.entries())
      assert.ok(close(score.logProbs[i] ?? 0, expected), `${score.logProbs} ${logProbs}`);
    const { sequences } = await model.generate({ inputs: [input], maxNewTokens: 8 });
    assert.deepEqual(sequences[0]?.[0]?.ids, tokens);
  });
}

const refused: readonly [string, RegExp][] = [
  ["prompt", /an adapter \(PROMPT_TUNING\) of google\/t5-plain, which cannot be merged.*--method prompt/],
  ["prefix", /an adapter \(PREFIX_TUNING\) of google\/t5-plain, which cannot be merged/],
  ["embedding", /changes shared\.weight, which a T5 shares/],
  ["head", /learns beside lm_head, which is the embedding in this base \(tie_word_embeddings\)/],
  ["loha", /an adapter \(LOHA\) of google\/t5-plain, which cannot be merged.*merge it with peft/],
];
test("an adapter that cannot be merged is refused, with what it is and of what", async () => {
  for (const [name, message] of refused)
    await assert.rejects(importModel(join(files, name), places, { signal, base, id: "x" }), { message });
  await assert.rejects(importModel(join(files, "lora"), places, { signal, id: "x" }), {
    message: /an adapter \(LORA\) of google\/t5-plain, which is not here\. Download that model first.*--base/,
  });
  await assert.rejects(engine.load({ directory: withConfig("lora"), precision: "float32" }), {
    message: /an adapter \(LORA\) of google\/t5-plain, not a model\. Merge it with its base: spanfill models import/,
  });
  assert.deepEqual(
    readdirSync(places.own).filter((name) => name.startsWith(".importing")),
    [],
  );
});

test("an adapter that nothing here can use is not sent to an import that would refuse it", async () => {
  const { config } = await openModel(base, "float");
  for (const [name, message] of [
    ["loha", /\(LOHA\) cannot be used: only LoRA.*merge it with peft/],
    ["prompt", /\(PROMPT_TUNING\) cannot be used: its vectors stand before a text.*--method prompt/],
    ["ia3", /\(IA3\) cannot be applied beside its base.*spanfill models import/],
  ] as const)
    await assert.rejects(readGraphAdapter(join(files, name), config), { message });
});

test("a head that is kept beside its change is the weight that changes", () => {
  const array = (shape: number[], ...values: number[]) => ({ shape, values: Float32Array.from(values) });
  const arrays = new Map([
    ["base_model.model.lm_head.base_layer.weight", array([2, 2], 1, 2, 3, 4)],
    ["base_model.model.lm_head.lora_A.weight", array([1, 2], 0.5, -1)],
    ["base_model.model.lm_head.lora_B.weight", array([2, 1], 2, -1)],
  ]);
  const name = "lm_head.weight";
  const change = adapterChanges(arrays, new Map([[name, [2, 2]]]), false).get(name);
  const config = parseAdapterConfig({ peft_type: "LORA", lora_alpha: 8 }, "adapter_config.json");
  assert.ok(change?.whole !== undefined);
  // torch: W + 8 * B @ A
  assert.deepEqual([...changed(name, change.whole.values, [2, 2], change, config)], [9, -14, -1, 12]);
});

/** An adapter's folder with its base's config.json, as some are published. */
function withConfig(name: string): string {
  const directory = join(folder, `${name}-with-config`);
  mkdirSync(directory);
  cpSync(join(files, name), directory, { recursive: true });
  cpSync(join(base, "config.json"), join(directory, "config.json"));
  return directory;
}
