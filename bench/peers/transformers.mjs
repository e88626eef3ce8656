// transformers.js as a contender of `bench infer`: loads a model once, then answers "generate" requests one at a time.
// Settings: ONNX files on disk (not bytes), cpu device, as many operator threads as the other side has; the rest is
// what transformers.js and ONNX Runtime recommend by default (all graph optimizations, memory arena and patterns on).
import { basename, dirname } from "node:path";

// This peer brings its ONNX Runtime, which reports home otherwise.
process.env.ORT_DISABLE_TELEMETRY = "1";
const { T5ForConditionalGeneration, Tensor, env } = await import("@huggingface/transformers");
env.allowRemoteModels = false;
let model;

process.on("message", async (request) => {
  try {
    process.send({ ok: true, ...(await answer(request)) });
  } catch (error) {
    process.send({ ok: false, message: String(error?.stack ?? error) });
  }
});
process.send({ ok: true, ready: true });

async function answer(request) {
  if (request.type === "load") {
    env.localModelPath = `${dirname(request.directory)}/`;
    const started = performance.now();
    model = await T5ForConditionalGeneration.from_pretrained(basename(request.directory), {
      dtype: request.precision === "int8" ? "q8" : "fp32",
      device: "cpu",
      session_options: { intraOpNumThreads: request.threads, interOpNumThreads: 1 },
    });
    return { loadMs: performance.now() - started };
  }
  const { inputs, newTokens, beams } = request;
  if (beams > 1) return { ok: false, missing: true }; // it has no beam search
  const times = [];
  const streamer = { put: () => times.push(performance.now()), end: () => {} };
  const shape = [inputs.length, inputs[0].length];
  const started = performance.now();
  const output = await model.generate({
    inputs: new Tensor("int64", BigInt64Array.from(inputs.flat(), BigInt), shape),
    attention_mask: new Tensor("int64", new BigInt64Array(inputs.flat().length).fill(1n), shape),
    max_new_tokens: newTokens,
    min_new_tokens: newTokens,
    do_sample: false,
    ...(inputs.length === 1 && { streamer }), // streamers take one row
  });
  const totalMs = performance.now() - started;
  // The first put is the start token, before anything ran.
  const firstTokenMs = (times[1] ?? Number.NaN) - started;
  const msPerToken = (times.at(-1) - times[1]) / (times.length - 2);
  const produced = output.tolist().map((row) => row.slice(1).map(Number));
  return { totalMs, firstTokenMs, msPerToken, ids: produced, peakBytes: process.resourceUsage().maxRSS * 1024 };
}
