// The mocha suite test/e2e/suite on its way into an extension host, and what came of it there.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { toolFolder } from "./tools.mjs";

const SUITE = join("test", "e2e", "suite");

/**
 * Bundles the suite.
 * @returns its `path`; the environment (`env`) it needs; `outcome`, which reads what it wrote at its end and gets the
 *   exit code
 */
export async function prepareSuite({ folder, model }) {
  const path = join(folder, "suite.cjs");
  const result = join(folder, "result.json");
  await build({
    entryPoints: [join(SUITE, "index.ts")],
    outfile: path,
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    // Outside of the bundle.
    alias: { mocha: toolFolder("mocha") },
    external: ["vscode", toolFolder("mocha")],
    sourcemap: "inline",
    logLevel: "warning",
  });
  const env = { SPANFILL_E2E_RESULT: result, SPANFILL_E2E_MODEL: model.random ? "random" : "trained" };
  return { path, env, outcome: (code) => outcomeOf(result, code) };
}

/**
 * The suite's report. Without it the run failed, whatever the exit code: a killed extension host leaves none.
 */
function outcomeOf(result, code) {
  let outcome;
  try {
    outcome = JSON.parse(readFileSync(result, "utf8"));
  } catch {
    throw new Error(`the extension host ended with exit code ${code} and without a result; see test-results`);
  }
  if (code !== 0 && outcome.failures.length === 0) {
    outcome.failures.push({ title: "the editor's end", message: `exit code ${code} after tests that all passed` });
  }
  return { ...outcome, expected: Math.max(outcome.expected, writtenTests()) };
}

/** Tests in the source, so that a file that nobody imports is noticed. One that is made in a loop counts once. */
function writtenTests() {
  const files = readdirSync(SUITE).filter((name) => name.endsWith(".test.ts"));
  return files
    .map((name) => readFileSync(join(SUITE, name), "utf8").match(/^\s*test\(/gm)?.length ?? 0)
    .reduce((sum, count) => sum + count, 0);
}
