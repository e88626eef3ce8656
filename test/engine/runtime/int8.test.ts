/** int8 against float32, with channels that stand out of the others, and of a batch against its rows alone. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { PLANTED_PLACES, writeWithOutliers } from "../../../bench/support/outliers.ts";
import { encodeInput, encodeTarget, prefixedText } from "../../../models/tokenizer/parts.ts";
import { readTokenizer } from "../../../server/catalog/folder/tokenizer.ts";
import { type OrtRunner, openRunner } from "../../../server/engine/runtime/ort/runner.ts";
import { rankedTokens } from "../../../server/engine/search/candidates.ts";
import { score } from "../../../server/engine/search/generate.ts";

const BUILTIN = "models/builtin/t5-efficient-tiny-nl2-spanfill";

const TEXTS = [
  [
    "Fetch gets pages over HTTP. It follows redirects, retries, and reads its proxy from the environment.",
    "Gets pages",
  ],
  [
    "A parser of TOML in 900 lines of C, without dependencies; it reports the line of each error.",
    "A TOML parser in C",
  ],
] as const;

const folder = mkdtempSync(join(tmpdir(), "spanfill-int8-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The log probabilities of the texts' summaries. */
async function logProbs(runner: OrtRunner): Promise<number[]> {
  const tokenizer = await readTokenizer(BUILTIN);
  const model = { runner, config: runner.config, decode: String, commonTokens: rankedTokens([], [], runner.vocabSize) };
  const found: number[] = [];
  for (const [text, summary] of TEXTS) {
    const input = encodeInput(tokenizer, prefixedText("summarize: ", text));
    found.push(...(await score(model, input, encodeTarget(tokenizer, summary))).logProbs);
  }
  await runner.dispose();
  return found;
}

for (const place of PLANTED_PLACES) {
  test(`int8 stays near float32 with a channel 300 times as large: ${place}`, async (t) => {
    const directory = join(folder, place);
    await writeWithOutliers(BUILTIN, directory, folder, { place, factor: 300 });
    const exact = await logProbs(await openRunner(directory, "float32", 1));
    const int8 = await logProbs(await openRunner(directory, "int8", 1));
    const mean = exact.reduce((sum, logProb, i) => sum + Math.abs(logProb - (int8[i] ?? 0)), 0) / exact.length;
    t.diagnostic(`mean difference ${mean.toFixed(4)} nats`);
    assert.ok(mean < 0.06, `${mean} nats`);
  });
}

test("int8 results of a batch equal those of its rows alone", async () => {
  const runner = await openRunner(BUILTIN, "int8", 1);
  const inputs = [
    [37, 1782, 19, 3, 9, 2003, 1],
    [8, 1],
    [11, 3, 40, 56, 700, 1200, 9, 9, 4, 1],
    [60, 61, 1],
  ];
  const prompt = [0, 5, 7];
  const logitsOf = async (rows: readonly (readonly number[])[]) => {
    const encoded = await runner.encode(rows);
    const { logits, state } = await encoded.start(1).step(
      rows.flatMap(() => prompt),
      null,
      true,
    );
    state.dispose();
    encoded.dispose();
    return [...logits];
  };
  const alone: number[] = [];
  for (const input of inputs) alone.push(...(await logitsOf([input])));
  const together = await logitsOf(inputs);
  assert.equal(together.length, alone.length);
  // Some processors add the floats of attention in another order for other shapes: a difference of 2e-6 was seen.
  const difference = together.reduce((most, logit, i) => Math.max(most, Math.abs(logit - (alone[i] ?? Number.NaN))), 0);
  assert.ok(difference < 1e-4, `${difference}`);
  await runner.dispose();
});
