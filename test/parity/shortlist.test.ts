/**
 * Parity with transformers where logits outside a shortlist are -inf and copying gains
 * (test/fixtures/parity/make_shortlist.py).
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { generate } from "../../server/engine/search/generate.ts";
import { assertGeneration, tokenModel } from "../support/models/parity-check.ts";
import { type ParityCase, parityModels, writeParityModel } from "../support/models/parity-model.ts";
import { engineSubject } from "../support/models/subjects.ts";

type Case = Pick<ParityCase, "inputs" | "generations"> & { readonly name: string };

const cases: Case[] = JSON.parse(gunzipSync(readFileSync("test/fixtures/parity/shortlist.json.gz")).toString());
const folder = mkdtempSync(join(tmpdir(), "spanfill-shortlist-"));
after(() => rmSync(folder, { recursive: true, force: true }));

async function subjectOf(name: string, precision: "float32" | "int8") {
  const model = parityModels().find((one) => one.name === name);
  assert.ok(model !== undefined);
  const directory = join(folder, name);
  writeParityModel(model, directory);
  return engineSubject(directory, precision);
}

it("bars no token for what follows the end of the source", async () => {
  const subject = await subjectOf("relu-tied", "float32");
  const { vocabSize, eosTokenId } = subject.config;
  const only = vocabSize - 2; // where a place counted from the end would fall
  const made = await generate(tokenModel(subject), {
    inputs: [[9, 20, 30, eosTokenId]],
    decoderPrefix: [20, 30],
    maxNewTokens: 1,
    noRepeatNgramSize: 2,
    copyBias: { afterOne: 1 },
    bannedTokens: [...Array(vocabSize).keys()].filter((id) => id !== only),
  });
  assert.deepEqual(made.sequences[0]?.[0]?.ids, [only]);
  await subject.runner.dispose();
});

for (const { name, inputs, generations } of cases) {
  describe(`shortlists and copy bias: ${name}`, () => {
    it("greedy and beams give what transformers gives", async () => {
      const subject = await subjectOf(name, "float32");
      assert.ok(generations.length > 5);
      for (const expected of generations) await assertGeneration(subject, inputs, expected);
      await subject.runner.dispose();
    });

    it("sampling from the best token alone gives the greedy tokens", async () => {
      const subject = await subjectOf(name, "float32");
      for (const expected of generations) {
        if ((expected.request.numBeams ?? 1) > 1) continue;
        const request = { ...expected.request, sample: { topK: 1 } };
        await assertGeneration(subject, inputs, { ...expected, request });
      }
      await subject.runner.dispose();
    });

    it("a shortlist of everything changes nothing in float32", async () => {
      const subject = await subjectOf(name, "float32");
      for (const request of [
        { maxNewTokens: 12, noRepeatNgramSize: 2 },
        { maxNewTokens: 12, numBeams: 3 },
      ]) {
        const [all, whole] = await Promise.all(
          [subject.config.vocabSize, "off" as const].map((shortlist) =>
            generate(tokenModel(subject), { ...request, inputs, shortlist }),
          ),
        );
        const ids = (made: typeof all) => made?.sequences.map((row) => row.map((sequence) => sequence.ids));
        assert.deepEqual(ids(all), ids(whole));
      }
      await subject.runner.dispose();
    });

    it("every token of an int8 model's output is on its shortlist, and its likelihoods are near float32's", async () => {
      const [subject, exact] = [await subjectOf(name, "int8"), await subjectOf(name, "float32")];
      const allowed = new Set([...Array(24).keys(), ...inputs.flat(), subject.config.eosTokenId]);
      const request = { inputs, maxNewTokens: 10, shortlist: 24 };
      const [rough, fine] = [await generate(tokenModel(subject), request), await generate(tokenModel(exact), request)];
      for (const [i, [row]] of rough.sequences.entries()) {
        assert.ok(row?.ids.every((id) => allowed.has(id)));
        const [near, far] = [row?.logProbs[0] ?? Number.NaN, fine.sequences[i]?.[0]?.logProbs[0] ?? Number.NaN];
        assert.ok(Math.abs(near - far) < 0.4, `${near} beside ${far}`);
      }
      await subject.runner.dispose();
      await exact.runner.dispose();
    });
  });
}
