// Runs what `spanfill export --to onnx` made in transformers.js. Usage: node peers/check_onnx.mjs FOLDER TEXT... (in
// bench/)
import { basename, dirname, resolve } from "node:path";

// This peer brings its ONNX Runtime, which reports home otherwise.
process.env.ORT_DISABLE_TELEMETRY = "1";
const { AutoTokenizer, env, T5ForConditionalGeneration } = await import("@huggingface/transformers");

const [folder, ...texts] = process.argv.slice(2);
env.allowRemoteModels = false;
env.localModelPath = `${dirname(resolve(folder))}/`;
const model = await T5ForConditionalGeneration.from_pretrained(basename(folder), { dtype: "fp32", device: "cpu" });
const tokenizer = await AutoTokenizer.from_pretrained(basename(folder));
for (const text of texts) {
  const output = await model.generate({ ...(await tokenizer(text)), max_new_tokens: 32 });
  console.log(output.tolist()[0].map(Number).join(" "), tokenizer.batch_decode(output, { skip_special_tokens: true }));
}
