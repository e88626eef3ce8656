/**
 * Compares random tokenizers with Python's: `npm run differential [tokenizers] [texts] [seed]`. Needs a Python with
 * tokenizers and sentencepiece, named by PYTHON (default: python3).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "spanfill-differential-"));
const file = join(folder, "cases.json.gz");
const [count = "200", texts = "200", seed = "7"] = process.argv.slice(2);
try {
  const script = "test/fixtures/tokenizer/make_differential.py";
  run(process.env["PYTHON"] ?? "python3", [script, file, count, texts, seed], "ignore");
  run(process.execPath, ["scripts/test.mjs", "tokenizer/differential"], "inherit");
} finally {
  rmSync(folder, { recursive: true });
}

function run(command, args, stderr) {
  const env = { ...process.env, SPANFILL_DIFFERENTIAL: file };
  const { status } = spawnSync(command, args, { env, stdio: ["ignore", "inherit", stderr] });
  if (status !== 0) process.exitCode = 1;
}
