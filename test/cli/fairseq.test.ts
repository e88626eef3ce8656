/** A METRO-T0 from its folder, as its authors save it: config.json, sp.model and dict.txt beside the weights. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { decodeModel } from "../../models/tokenizer/sentencepiece.ts";
import { commandLine } from "../support/command-line.ts";
import { randomWeights } from "../support/models/random-model.ts";
import { fixture } from "../tokenizer/vocabularies.ts";

const folder = mkdtempSync(join(tmpdir(), "spanfill-fairseq-"));
const { run } = commandLine(folder);
after(() => rmSync(folder, { recursive: true }));

const config = {
  ...{ model_type: "fairseq_t5", vocab_size: 33_280, d_model: 8, d_ff: 16, d_kv: 4, num_heads: 2, num_layers: 1 },
  ...{
    feed_forward_proj: "relu",
    layer_norm_epsilon: 1e-5,
    pad_token_id: 1,
    eos_token_id: 2,
    decoder_start_token_id: 2,
  },
};
const model = fixture("fairseq.model");
writeFileSync(join(folder, "config.json"), JSON.stringify(config));
writeFileSync(join(folder, "model.safetensors"), randomWeights(config, 3, 0.5));
writeFileSync(join(folder, "sp.model"), model);
const pieces = decodeModel(model).pieces.slice(4);
writeFileSync(join(folder, "dict.txt"), pieces.map(({ piece }) => `${piece} 1\n`).join(""));
writeFileSync(
  join(folder, "tokenizer_config.json"),
  JSON.stringify({ lower: true, n_sentinel_tokens: 512, tokenizer_class: "FairseqT5Tokenizer", eos_token: "</s>" }),
);

for (const precision of ["float32", "int8"]) {
  test(`answers in ${precision}, greedy and by beams`, async () => {
    const options = ["--model", folder, "--precision", precision, "--threads", "1", "--max-new-tokens", "8", "--json"];
    for (const beams of ["1", "3"]) {
      const { code, stdout, stderr } = await run([
        "generate",
        ...options,
        "--num-beams",
        beams,
        "--input",
        "Is this it?",
      ]);
      assert.equal(code, 0, stderr);
      assert.ok(JSON.stringify(JSON.parse(stdout)).length > 0);
    }
  });
}

const long = "word ".repeat(1100);
for (const [name, args, message] of [
  ["a text longer than its positions", ["generate", "--model", folder, "--input", long], /positions for 1024/],
  [
    "an answer longer than its positions",
    ["score", "--model", folder, "--input", "a", "--target", long],
    /1024 tokens/,
  ],
  ["growing", ["grow", folder, "--layers", "2", "--out", join(folder, "grown")], /Growing needs a T5's layers/],
  ["GGUF", ["export", folder, "--to", "gguf", "--out", join(folder, "m.gguf")], /no unigram vocabulary \(.*METRO-T0/],
  ["Optimum's graphs", ["export", folder, "--to", "onnx", "--out", join(folder, "onnx")], /Optimum has no METRO-T0/],
] as const) {
  test(`names what it cannot do: ${name}`, async () => {
    const { code, stderr } = await run([...args]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, message);
  });
}

test("names what its folder lacks: positions in the weights, and its dictionary", async () => {
  const lacking = mkdtempSync(join(tmpdir(), "spanfill-fairseq-lacking-"));
  const weights = randomWeights(config, 3, 0.5);
  const header = weights.toString("latin1").replaceAll("pos_embed", "pos_other");
  for (const name of ["config.json", "sp.model", "tokenizer_config.json"])
    writeFileSync(join(lacking, name), readFileSync(join(folder, name)));
  writeFileSync(join(lacking, "model.safetensors"), Buffer.from(header, "latin1"));
  const ask = () => run(["generate", "--model", lacking, "--input", "a"]);
  assert.match(
    (await ask()).stderr,
    /lack encoder\.pos_embed\.weight \[1026,8\].*fairseq_t5, pad_token_id 1|dict\.txt/,
  );
  writeFileSync(join(lacking, "model.safetensors"), weights);
  assert.match((await ask()).stderr, /sp\.model without dict\.txt/);
  writeFileSync(join(lacking, "dict.txt"), readFileSync(join(folder, "dict.txt")));
  writeFileSync(join(lacking, "model.safetensors"), Buffer.from(header, "latin1"));
  assert.match((await ask()).stderr, /lack encoder\.pos_embed\.weight \[1026,8\].*fairseq_t5, pad_token_id 1/);
  rmSync(lacking, { recursive: true });
});
