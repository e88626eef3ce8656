/** Perturbations: by the seed, of a share of the words, in time that grows with the text, and nothing else. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../../../models/random.ts";
import { PERTURBATIONS, perturbed } from "../../../server/training/compare/perturb.ts";

const TEXT = "  The harbour <extra_id_0> is open\n\tto all Ships, of every size.  ";
const all = (kind: (typeof PERTURBATIONS)[number], text = TEXT) => perturbed(text, kind, 1, seededRandom(1));

describe("a perturbation", () => {
  it("changes every word, and only words, at a share of 1", () => {
    assert.equal(all("dropped"), " <extra_id_0>  ");
    assert.equal(all("swapped"), "  harbour The <extra_id_0> open is\n\tall to of Ships, size. every  ");
    assert.equal(all("repeated", "a  b <extra_id_1>"), "a a  b b <extra_id_1>");
    assert.equal(all("case"), "  the HARBOUR <extra_id_0> IS OPEN\n\tTO ALL ships, OF EVERY SIZE.  ");
    const typed = all("typos").split(/\s+/);
    for (const [i, word] of TEXT.split(/\s+/).entries()) {
      const slips = Math.abs((typed[i]?.length ?? 0) - word.length);
      assert.ok(slips <= 1, `${word}: ${typed[i]}`);
      assert.equal(typed[i] === word, word === "" || word === "<extra_id_0>", `${word}: ${typed[i]}`);
    }
  });

  it("is the same for a seed, another for another one, and none at a share of 0", () => {
    for (const kind of PERTURBATIONS) {
      const of = (seed: number) => perturbed(TEXT.repeat(9), kind, 0.3, seededRandom(seed));
      assert.equal(of(1), of(1));
      assert.notEqual(of(1), of(2));
      assert.equal(perturbed(TEXT, kind, 0, seededRandom(1)), TEXT);
    }
  });

  it("keeps characters of two code units whole, and takes odd texts", () => {
    for (const kind of PERTURBATIONS)
      for (const text of ["", " ", "\u{1F600}\u{1F601}", "I", "\u00DF", "<extra_id_", "\u{1F600}".repeat(50)])
        for (let seed = 0; seed < 20; seed += 1) {
          const result = perturbed(text, kind, 1, seededRandom(seed));
          assert.equal(Buffer.from(result).toString(), result, `${kind} of ${text}`);
        }
  });

  it("takes time that grows with the text", () => {
    const time = (text: string) => {
      const begin = process.cpuUsage();
      for (const kind of PERTURBATIONS) perturbed(text, kind, 1, seededRandom(1));
      const { user, system } = process.cpuUsage(begin);
      return user + system;
    };
    for (const unit of ["word ", "w", "<extra_id_", " ", "<extra_id_1"]) {
      time(unit.repeat(20_000));
      const [small, large] = [time(unit.repeat(50_000)), time(unit.repeat(400_000))];
      // Eight times as much, where squares would be 64 times.
      assert.ok(large < 30 * Math.max(small, 20_000), `${unit}: ${small} and ${large} microseconds`);
    }
  });
});
