import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { getModel } from "../../../server/catalog/hub/get.ts";
import { hubOf } from "../../../server/catalog/hub/hub.ts";
import { createFetch } from "../../../server/catalog/hub/network.ts";
import { startHub } from "../../support/hub-server.ts";
import { FILES } from "../hub-client.ts";

const config = JSON.parse(FILES["config.json"].toString());
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const good = { "config.json": FILES["config.json"], "tokenizer.json": FILES["tokenizer.json"] };
const weights = { "model.safetensors": randomBytes(900_000) };
const shards = (map: Record<string, string>) => ({ "model.safetensors.index.json": json({ weight_map: map }) });

/** What a repository has, and what is said of it before its weights are downloaded. */
const unusable: readonly [string, Record<string, Buffer>, RegExp][] = [
  [
    "another architecture",
    { ...good, ...weights, "config.json": json({ ...config, model_type: "bert" }) },
    /model_type "bert"/,
  ],
  [
    "a size that is missing",
    { ...good, ...weights, "config.json": json({ ...config, d_ff: undefined }) },
    /lacks d_ff/,
  ],
  [
    "a quantized model",
    { ...good, ...weights, "config.json": json({ ...config, quantization_config: { quant_method: "gptq" } }) },
    /quantized by gptq/,
  ],
  [
    "a head for questions",
    { ...good, ...weights, "config.json": json({ ...config, architectures: ["T5ForQuestionAnswering"] }) },
    /T5ForQuestionAnswering.*--task qa/,
  ],
  [
    "a tokenizer of a kind that is not known",
    { ...good, ...weights, "tokenizer.json": json({ model: { type: "Odd" } }) },
    /tokenizer\.json.*Odd/,
  ],
  [
    "a tokenizer of another vocabulary",
    { ...good, ...weights, "config.json": json({ ...config, vocab_size: 3 }) },
    /ids go up to 3/,
  ],
  [
    "settings that are malformed",
    { ...good, ...weights, "generation_config.json": json({ num_beams: "many" }) },
    /generation_config\.json is not as transformers writes it: "num_beams" must be a number/,
  ],
  [
    "an index of a shard that is not there",
    {
      ...good,
      ...shards({ "shared.weight": "model-00002-of-00002.safetensors" }),
      "model-00001-of-00002.safetensors": weights["model.safetensors"],
    },
    /names model-00002-of-00002\.safetensors, which the repository lacks/,
  ],
  [
    "an index of a classification head",
    {
      ...good,
      ...shards({ "classification_head.dense.weight": "model-00001-of-00001.safetensors" }),
      "model-00001-of-00001.safetensors": weights["model.safetensors"],
    },
    /head for classification/,
  ],
  [
    "an adapter",
    { ...good, "adapter_config.json": json({}), "adapter_model.safetensors": weights["model.safetensors"] },
    /PEFT adapter/,
  ],
  [
    "several GGUF files",
    { "a.q4_0.gguf": randomBytes(9000), "a.q8_0.gguf": randomBytes(9000) },
    /several GGUF files \(a\.q4_0\.gguf, a\.q8_0\.gguf\)/,
  ],
  ["a tokenizer that is missing", { "config.json": good["config.json"], ...weights }, /has no tokenizer/],
];

for (const [what, files, message] of unusable) {
  test(`${what}: refused before the weights are downloaded, and nothing of it is kept`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "spanfill-usable-"));
    await using hub = await startHub({ "a/b": files });
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const places = { hub: join(folder, "hub"), own: join(folder, "own") };
    const from = hubOf({ HF_ENDPOINT: hub.endpoint, HF_HOME: folder }, createFetch({ silenceMs: 1000 }));
    await assert.rejects(getModel(from, places, "a/b", { signal: new AbortController().signal }), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\.checking-/);
      return true;
    });
    assert.ok(hub.sentBytes < 8000, `${hub.sentBytes} bytes were sent`);
    assert.equal(existsSync(join(places.hub, "models--a--b")), false);
    const left = existsSync(places.own) ? readdirSync(places.own).filter((name) => name.startsWith(".checking")) : [];
    assert.deepEqual(left, []);
  });
}
