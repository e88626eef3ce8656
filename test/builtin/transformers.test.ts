/**
 * The built-in models beside transformers: what `spanfill export --to hf` writes is what transformers loaded, and both
 * answer alike.
 */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sha256Of } from "../../server/catalog/folder/sums.ts";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";
import { listBuiltin } from "../../server/catalog/installed.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { exportModel } from "../../server/training/run/results/export.ts";

/** Of test/fixtures/builtin/make.py. */
interface Reference {
  readonly parameters: number;
  readonly sha256: string;
  readonly rows: readonly {
    readonly text: string;
    readonly input: readonly number[];
    readonly output: readonly number[];
    readonly logProbs: readonly number[];
  }[];
}

const references: Readonly<Record<string, Reference>> = JSON.parse(
  readFileSync("test/fixtures/builtin/references.json", "utf8"),
);

test("every model that ships has references, and they answer something", () => {
  assert.deepEqual(
    listBuiltin()
      .map(({ id }) => id)
      .sort(),
    Object.keys(references).sort(),
  );
  for (const { rows } of Object.values(references))
    assert.ok(rows.length > 0 && rows.some(({ output }) => output.length > 2));
});

for (const { id, directory } of listBuiltin()) {
  test(`${id}: transformers' tokens, weights and answers`, async () => {
    const reference = references[id];
    assert.ok(reference, `test/fixtures/builtin/make.py was not run for ${id}`);
    const out = join(tmpdir(), `spanfill-builtin-${process.pid}-${id}`);
    const engine = createLocalEngine();
    try {
      await exportModel(id, "hf", out, () => undefined);
      assert.equal(await sha256Of(join(out, "model.safetensors")), reference.sha256);
      const tokenizer = await readTokenizer(directory);
      const model = await engine.load({ directory: out, precision: "float32", threads: 1 });
      for (const { text, input, output, logProbs } of reference.rows) {
        // A text's sentinels are plain text to the tokenizer alone: a document may hold them.
        if (!text.includes("<extra_id_")) assert.deepEqual([...tokenizer.encode(text), 1], input);
        const made = await model.generate({ inputs: [input], maxNewTokens: 24 });
        const [sequence] = made.sequences[0] ?? [];
        assert.deepEqual(sequence?.ids, output);
        for (const [i, expected] of logProbs.entries()) {
          assert.ok(Math.abs((sequence?.logProbs[i] ?? Number.NaN) - expected) < 1e-3, `${text}: token ${i}`);
        }
      }
    } finally {
      await engine.dispose();
      rmSync(out, { recursive: true, force: true });
    }
  });
}
