/** Effects of the options of `generate` and `score`. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Effect, Workspace } from "./effect.ts";

export function decodingEffects({ run, model }: Workspace): Effect[] {
  const withModel = ["--model", model, "--precision", "float32", "--threads", "1", "--json"];
  const generated = async (...options: string[]) => {
    const { last } = await run(["generate", "--input", "the", "--max-new-tokens", "12", ...options, ...withModel]);
    return last as { ids: number[]; sequences: { ids: number[]; score: number; logProbs: number[] }[] };
  };
  const scored = async (...options: string[]) => (await run(["score", ...options, ...withModel])).last;
  const generates = (options: readonly string[], shown: Effect["shown"]) => ({ command: "generate", options, shown });
  const ended = (ids: readonly number[]) => ids.indexOf(1) >= 0 && ids.indexOf(1) < 6;
  return [
    generates(["--input", "--input-ids", "--max-new-tokens"], async () => {
      const { ids } = await generated();
      assert.ok(ids.length <= 12);
      // "▁the" comes after the 4 special pieces and 94 characters; </s> is 1.
      const byIds = (await run(["generate", "--input-ids", "[98, 1]", "--max-new-tokens", "3", ...withModel])).last;
      assert.deepEqual(byIds.ids, ids.slice(0, 3));
      assert.notDeepEqual((await generated("--input", "of the one")).sequences, (await generated()).sequences);
    }),
    generates(["--min-new-tokens"], async () => {
      const { ids } = await generated("--min-new-tokens", "6");
      assert.ok(!ended(ids) && ids.length >= 6, ids.join());
    }),
    generates(["--repetition-penalty", "--no-repeat-ngram-size"], async () => {
      const repeated = (await generated()).ids;
      assert.ok(new Set(repeated).size < repeated.length, `this test needs a model that repeats itself: ${repeated}`);
      const penalized = (await generated("--repetition-penalty", "50")).ids;
      assert.ok(new Set(penalized).size > new Set(repeated).size, penalized.join(" "));
      const once = (await generated("--no-repeat-ngram-size", "1")).ids;
      assert.equal(new Set(once).size, once.length);
    }),
    generates(["--temperature", "--top-k", "--top-p", "--seed"], async () => {
      const greedy = (await generated()).ids;
      const hot = ["--temperature", "9"];
      const drawn = (await generated(...hot, "--seed", "5")).ids;
      assert.notDeepEqual(drawn, greedy);
      assert.notDeepEqual((await generated(...hot, "--seed", "6")).ids, drawn);
      assert.deepEqual((await generated(...hot, "--seed", "5", "--top-p", "0.000001")).ids, greedy);
      assert.deepEqual((await generated(...hot, "--seed", "5", "--top-k", "1")).ids, greedy);
      assert.deepEqual((await generated("--temperature", "0.0001", "--seed", "5")).ids, greedy);
    }),
    generates(["--num-beams", "--num-return-sequences", "--length-penalty"], async () => {
      for (const penalty of [0, 2]) {
        const beams = ["--num-beams", "3", "--num-return-sequences", "2", "--length-penalty", `${penalty}`];
        const { sequences } = await generated(...beams);
        assert.equal(sequences.length, 2);
        const [{ ids, score, logProbs } = assert.fail("no sequence")] = sequences;
        const sum = logProbs.reduce((total, each) => total + each, 0);
        assert.ok(Math.abs(score * ids.length ** penalty - sum) < 1e-3 * Math.abs(sum), `${score}, ${sum}, ${ids}`);
      }
    }),
    generates(["--early-stopping"], async () => {
      // A model whose likeliest tokens end a text, so that beams do not all reach the longest length.
      const likely = (await generated()).ids.slice(0, 2);
      writeFileSync(join(model, "generation_config.json"), JSON.stringify({ eos_token_id: [1, ...likely] }));
      const beams = ["--num-beams", "4", "--num-return-sequences", "4", "--length-penalty", "5"];
      const best = async (...more: string[]) =>
        Math.max(...(await generated(...beams, ...more)).sequences.map(({ score }) => score));
      const [whole, early] = [await best(), await best("--early-stopping")];
      rmSync(join(model, "generation_config.json"));
      assert.ok(whole > early, `${whole}; ${early}`);
    }),
    {
      command: "score",
      options: ["--input", "--input-ids", "--target", "--target-ids"],
      async shown() {
        const { ids, total } = await scored("--input", "the", "--target", "that is");
        assert.equal((await scored("--input-ids", "[98, 1]", "--target-ids", JSON.stringify(ids))).total, total);
        assert.notEqual((await scored("--input", "of", "--target", "that is")).total, total);
        assert.notDeepEqual((await scored("--input", "the", "--target", "that")).ids, ids);
      },
    },
  ];
}
