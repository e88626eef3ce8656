/** Examples that UL2's denoisers make: their rates, spans and modes, beside NumPy's (test/fixtures/training). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { seededRandom } from "../../../models/random.ts";
import type { Example } from "../../../models/t5/batch.ts";
import { denoiserMask, mostNoise, spanCounts, UL2_DENOISERS, UL2_MODES } from "../../../models/tokenizer/corruption.ts";
import { createTokenizer, type Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import { infillDataset } from "../../../server/training/data/infill-dataset.ts";
import { builtinJson, t5Json } from "../../tokenizer/vocabularies.ts";

interface Reference {
  readonly counts: readonly (Spans & { readonly length: number; readonly noise: number; readonly spans: number })[];
  readonly drawn: readonly (Spans & {
    readonly length: number;
    readonly firstKept: readonly [mean: number, variance: number];
    readonly firstTaken: readonly [mean: number, variance: number];
  })[];
}
interface Spans {
  readonly mode: string;
  readonly rate: number;
  readonly meanLength: number;
}

const reference: Reference = JSON.parse(readFileSync("test/fixtures/training/denoisers.json", "utf8"));
const t5 = createTokenizer(t5Json());
const builtin = createTokenizer(builtinJson());
const words = "The cache holds every page that was read since its last start, and a reader of it waits for no disk. ";
const documents = Array.from({ length: 12 }, (_, i) => ({ source: `file ${i}`, text: words.repeat(18 + i) }));
const limits = { prefix: "", maxInputTokens: 512, maxTargetTokens: 384, validationShare: 0.2, seed: 1 };
const ul2 = { ...limits, modes: UL2_MODES };

const lengthOf = (mask: readonly boolean[], of: boolean) => {
  const from = mask.indexOf(of);
  const end = mask.indexOf(!of, from);
  return (end < 0 ? mask.length : end) - from;
};

describe("denoisers", () => {
  it("take as many tokens in as many spans as t5's, for each length", () => {
    for (const { rate, meanLength, length, noise, spans } of reference.counts) {
      assert.deepEqual(spanCounts(length, rate, meanLength), { noise, spans }, `${rate} ${meanLength} ${length}`);
    }
    // t5's random_spans_helper for inputs of 512 tokens, eos included.
    const { noise, spans } = spanCounts(568, 0.15, 3);
    assert.deepEqual([568 - noise + spans + 1, noise + spans + 1], [512, 114]);
    const own = UL2_DENOISERS.flatMap((one) => (one.mode === "S" ? [] : [`${one.mode} ${one.rate} ${one.meanLength}`]));
    assert.deepEqual(
      own,
      reference.drawn.map((one) => `${one.mode} ${one.rate} ${one.meanLength}`),
    );
  });

  it("draw lengths as t5's do, whatever the seed", () => {
    const draws = 300;
    for (const { rate, meanLength, length, ...expected } of reference.drawn) {
      for (const seed of [1, 2]) {
        const random = seededRandom(seed);
        const masks = Array.from({ length: draws }, () =>
          denoiserMask({ mode: "R", rate, meanLength }, length, random),
        );
        for (const [kind, [mean, variance]] of [
          [false, expected.firstKept],
          [true, expected.firstTaken],
        ] as const) {
          const own = masks.reduce((sum, mask) => sum + lengthOf(mask, kind), 0) / draws;
          const error = Math.sqrt(variance / draws + variance / 20_000);
          assert.ok(Math.abs(own - mean) <= 5 * error, `${rate} ${meanLength} ${kind}: ${own}, ${mean} ± ${error}`);
        }
      }
    }
  });

  it("S takes the end of a text, a quarter of it on average", () => {
    const random = seededRandom(3);
    const taken = Array.from({ length: 4000 }, () => {
      const mask = denoiserMask({ mode: "S", rate: 0.25 }, 512, random);
      const first = mask.indexOf(true);
      assert.ok(first > 0 && mask.slice(first).every(Boolean));
      return 512 - first;
    });
    const mean = taken.reduce((a, b) => a + b, 0) / taken.length;
    // Uniform on 1 ... 255: the mean of 4000 is within 5 x 73.6 / sqrt(4000).
    assert.ok(Math.abs(mean - 128) < 5.9, `${mean}`);
    assert.equal(Math.max(...taken) <= 255 && Math.min(...taken) >= 1, true);
  });

  it("leave a token and take one, however short the text", () => {
    for (const denoiser of UL2_DENOISERS) {
      for (const length of [2, 3, 5, 17]) {
        const random = seededRandom(length);
        const taken = denoiserMask(denoiser, length, random).filter(Boolean).length;
        assert.ok(taken >= 1 && taken < length && taken <= mostNoise(denoiser, length).noise, `${denoiser.mode}`);
      }
    }
  });
});

/** An example's tokens put together again: the text, without its mode, sentinels and marks. */
function restored(tokenizer: Tokenizer, { input, target }: Example): { mode: string; gaps: number; ids: number[] } {
  const marks = new Set(tokenizer.lengthMarks.map(({ id }) => id));
  const heads = Object.entries(UL2_MODES).map(([mode, text]) => [mode, tokenizer.encode(text)] as const);
  const [mode = "", head = []] = heads.find(([, ids]) => ids.every((id, i) => id === input[i])) ?? [];
  const fills: number[][] = [];
  for (const id of target.slice(0, -1)) {
    if (id === tokenizer.sentinelIds[fills.length]) fills.push([]);
    else fills.at(-1)?.push(id);
  }
  assert.deepEqual(fills.pop(), [], "the target ends with a sentinel");
  let gap = 0;
  const ids = input.slice(head.length, -1).flatMap((id) => {
    if (id === tokenizer.sentinelIds[gap]) return fills[gap++] ?? [];
    return marks.has(id) ? [] : [id];
  });
  assert.equal(gap, fills.length);
  assert.equal(target.at(-1), tokenizer.eosId);
  return { mode, gaps: gap, ids };
}

describe("examples of UL2's denoisers", () => {
  for (const [name, tokenizer] of [
    ["t5", t5],
    ["built-in, with length marks", builtin],
  ] as const) {
    it(`have each token once, in the input or behind its sentinel: ${name}`, () => {
      const dataset = infillDataset(tokenizer, documents, ul2);
      const modes: Record<string, number> = {};
      let texts: string | undefined;
      for (let epoch = 0; epoch < 12; epoch += 1) {
        const examples = dataset.examples(epoch);
        const all = examples.map((example) => restored(tokenizer, example));
        for (const [i, { input, target }] of examples.entries()) {
          assert.ok(input.length <= 512 && target.length <= 384, `${input.length}, ${target.length}`);
          modes[all[i]?.mode ?? ""] = (modes[all[i]?.mode ?? ""] ?? 0) + 1;
        }
        const seen = JSON.stringify(all.map(({ ids }) => ids));
        texts ??= seen;
        assert.equal(seen, texts, "every epoch has the same text");
      }
      const count = Object.values(modes).reduce((a, b) => a + b, 0);
      const shares = { R: 2 / 7, S: 1 / 7, X: 4 / 7 };
      assert.deepEqual(Object.keys(modes).sort(), Object.keys(shares));
      for (const [mode, share] of Object.entries(shares)) {
        const own = (modes[mode] ?? 0) / count;
        assert.ok(Math.abs(own - share) < 5 * Math.sqrt((share * (1 - share)) / count), `${mode}: ${own} of ${count}`);
      }
    });
  }

  it("are judged by short gaps, and the objective of words is what it was", () => {
    for (const { example } of infillDataset(t5, documents, ul2).judged) assert.equal(restored(t5, example).mode, "R");
    const [first] = infillDataset(t5, documents, limits).examples(0);
    assert.equal(restored(t5, first ?? { input: [], target: [] }).mode, "");
  });

  it("begin with the mode, then the prefix", () => {
    const [example] = infillDataset(t5, documents, { ...ul2, prefix: "infill: " }).examples(0);
    assert.match(t5.decode(example?.input ?? []), /^\[(NLU|NLG|S2S)\] infill: \S/);
  });

  it("fit smaller limits, and what cannot fit is refused by name", () => {
    for (const changed of [{ maxInputTokens: 64 }, { maxTargetTokens: 40 }]) {
      const options = { ...ul2, ...changed };
      for (const { input, target } of infillDataset(builtin, documents, options).examples(0)) {
        assert.ok(input.length <= options.maxInputTokens && target.length <= options.maxTargetTokens);
      }
    }
    const refused = (tokenizer: Tokenizer, options: Partial<typeof ul2>, texts = documents) => {
      assert.throws(
        () => infillDataset(tokenizer, texts, { ...ul2, ...options }),
        (error) => {
          said = String(error);
          return true;
        },
      );
      return said;
    };
    let said = "";
    assert.match(refused(t5, { maxInputTokens: 20 }), /--max-input-tokens 20 leaves no room/);
    assert.match(refused(t5, { maxTargetTokens: 12 }), /--max-target-tokens 12 leaves no room.*Use at least 13\./);
    const few = { ...t5, sentinelIds: t5.sentinelIds.slice(0, 3) };
    assert.match(refused(few, {}), /--objective ul2 needs 4 sentinels .* has 3\. Choose --objective spans/);
    assert.match(refused({ ...t5, sentinelIds: [] }, {}), /no sentinels/);
    const empty = documents.map(({ source }, i) => ({ source, text: i % 2 === 0 ? "" : "Too short." }));
    assert.match(refused(t5, {}, empty), /too little to learn from/);
  });

  it("with few sentinels have shorter windows", () => {
    const few = { ...t5, sentinelIds: t5.sentinelIds.slice(0, 6) };
    const examples = infillDataset(few, documents, ul2).examples(0);
    assert.ok(examples.every((example) => restored(few, example).gaps <= 5));
    assert.ok(Math.max(...examples.map(({ input, target }) => input.length + target.length)) < 80);
  });
});
