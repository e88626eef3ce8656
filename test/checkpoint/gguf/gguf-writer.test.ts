/**
 * GGUF files as they are written: read back by the reader, whose names and quantized blocks llama.cpp's own package
 * made.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ggufLayout } from "../../../models/checkpoint/gguf/gguf-writer.ts";
import { ModelError } from "../../../models/errors.ts";
import { parseConfig } from "../../../models/t5/config.ts";
import { tensorShapes } from "../../../models/t5/weights.ts";
import { resolveModel } from "../../../server/catalog/installed.ts";
import { parityModels, parityWeights } from "../../support/models/parity-model.ts";
import { readAll } from "../bytes.ts";

const tokenizer: { model: { vocab: [string, number][] } } = JSON.parse(
  readFileSync(join(resolveModel(), "tokenizer.json"), "utf8"),
);

for (const model of parityModels()) {
  test(`holds every tensor of ${model.name}`, async () => {
    const config = parseConfig(model.config);
    const weights = parityWeights(model);
    if (config.feedForward === "gated-silu") {
      assert.throws(
        () => ggufLayout(config, tokenizer, "x"),
        (error) => error instanceof ModelError && error.code === "config",
      );
      return;
    }
    const { header, tensors } = ggufLayout(config, tokenizer, "x");
    const parts: Uint8Array[] = [header];
    for (const name of tensors) {
      const { buffer, byteLength } = weights.get(name) ?? assert.fail(name);
      parts.push(new Uint8Array(buffer), new Uint8Array((32 - (byteLength % 32)) % 32));
    }
    const read = await readAll(Buffer.concat(parts));
    assert.deepEqual([...read.keys()].sort(), [...tensorShapes(config).keys()].sort());
    for (const [name, values] of weights) {
      assert.deepEqual(Buffer.from(read.get(name) ?? []), Buffer.from(values.buffer), name);
    }
  });
}

test("tells the tokenizer with its pieces, scores and normalizations", () => {
  const [model] = parityModels();
  const { header } = ggufLayout(parseConfig({ ...model?.config, vocab_size: 32128 }), tokenizer, "a name");
  const text = Buffer.from(header);
  const [piece] = tokenizer.model.vocab.slice(1000);
  assert.ok(
    text.includes(`${piece?.[0]}`) && text.includes("tokenizer.ggml.precompiled_charsmap") && text.includes("a name"),
  );
  assert.equal(header.length % 32, 0);
  assert.throws(
    () => ggufLayout(parseConfig(model?.config), { model: { type: "BPE" } }, "x"),
    /Only unigram tokenizers/,
  );
});
