/**
 * Compares random tokenizers and checkpoints with Python's: `npm run differential [tokenizers] [texts] [seed]
 * [checkpoints]`. Needs a Python with tokenizers, sentencepiece, torch, transformers and safetensors, named by PYTHON
 * (default: python3).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "spanfill-differential-"));
const [count = "200", texts = "200", seed = "7", checkpoints = "100"] = process.argv.slice(2);
const files = {
  SPANFILL_DIFFERENTIAL: join(folder, "tokenizers.json.gz"),
  SPANFILL_DIFFERENTIAL_CHECKPOINTS: join(folder, "checkpoints.json.gz"),
};
try {
  const python = process.env["PYTHON"] ?? "python3";
  const [tokenizerCases, checkpointCases] = Object.values(files);
  run(python, ["test/fixtures/tokenizer/make_differential.py", tokenizerCases, count, texts, seed], "ignore");
  run(python, ["test/fixtures/checkpoint/make_differential.py", checkpointCases, checkpoints, seed], "ignore");
  run(process.execPath, ["scripts/test.mjs", "tokenizer/differential", "folder/differential"], "inherit");
} finally {
  rmSync(folder, { recursive: true });
}

function run(command, args, stderr) {
  const env = { ...process.env, ...files };
  const { status } = spawnSync(command, args, { env, stdio: ["ignore", "inherit", stderr] });
  if (status !== 0) process.exitCode = 1;
}
