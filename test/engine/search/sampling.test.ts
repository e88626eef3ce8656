/** Sampling: which tokens survive (by transformers' warpers), how often each is drawn, and that a seed repeats. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { seededRandom } from "../../../models/random.ts";
import { type Sampling, sampleToken, streamSeed, survivors } from "../../../server/engine/search/sampling.ts";

interface Row extends Omit<Sampling, "seed"> {
  readonly logits: readonly (number | null)[];
  readonly kept: readonly number[];
}

const all = { temperature: 1, topK: 0, topP: 1, seed: 0 };

describe("survivors", () => {
  const rows: Row[] = JSON.parse(readFileSync("test/fixtures/parity/sampling.json", "utf8"));
  it(`keeps the tokens that transformers' warpers keep, in ${rows.length} cases`, () => {
    assert.ok(rows.length > 50);
    for (const { temperature, logits, kept, ...filters } of rows) {
      const scaled = Float32Array.from(logits, (logit) => (logit ?? -Infinity) / temperature);
      assert.deepEqual(survivors(scaled, filters), kept, JSON.stringify({ temperature, ...filters }));
    }
  });

  it("finds a large k as it finds a small one", () => {
    const logits = Float32Array.from({ length: 500 }, (_, i) => (i * 7919) % 500);
    const kept = survivors(logits, { topK: 200, topP: 1 });
    assert.deepEqual(
      kept,
      [...logits.keys()].filter((i) => (logits[i] ?? 0) >= 300),
    );
  });
});

describe("sampleToken", () => {
  const probabilities = [0.1, 0.5, 0, 0.25, 0.15];
  const logits = () => Float32Array.from(probabilities, Math.log);
  const shares = (settings: Partial<typeof all>) => {
    const random = seededRandom(streamSeed(11, 0));
    const counts = probabilities.map(() => 0);
    for (let i = 0; i < 20_000; i += 1) {
      const token = sampleToken(logits(), { ...all, ...settings }, random) ?? -1;
      counts[token] = (counts[token] ?? 0) + 1;
    }
    return counts.map((count) => count / 20_000);
  };
  const cases: { name: string; settings: Partial<typeof all>; expected: number[] }[] = [
    { name: "by the model's probabilities", settings: {}, expected: probabilities },
    {
      name: "by the squares at temperature 1/2",
      settings: { temperature: 0.5 },
      expected: [0.01, 0.25, 0, 0.0625, 0.0225].map((p) => p / 0.345),
    },
    { name: "among the 2 best", settings: { topK: 2 }, expected: [0, 2 / 3, 0, 1 / 3, 0] },
    {
      name: "among those that reach 0.8",
      settings: { topP: 0.8 },
      expected: [0, 0.5 / 0.9, 0, 0.25 / 0.9, 0.15 / 0.9],
    },
    { name: "the best alone at a tiny top-p", settings: { topP: 0.01 }, expected: [0, 1, 0, 0, 0] },
    { name: "the best alone at a tiny temperature", settings: { temperature: 1e-3 }, expected: [0, 1, 0, 0, 0] },
  ];
  for (const { name, settings, expected } of cases) {
    it(`draws ${name}`, () => {
      // Four standard errors of a share of 20,000 draws are at most 0.0142; the seed makes this one fixed comparison.
      for (const [i, share] of shares(settings).entries())
        assert.ok(Math.abs(share - (expected[i] ?? 0)) < 0.0142, `${i}: ${share}`);
    });
  }

  it("draws nothing where every token is forbidden", () => {
    assert.equal(sampleToken(Float32Array.of(-Infinity, -Infinity), all, seededRandom(streamSeed(0, 0))), undefined);
  });
});

describe("streamSeed", () => {
  const draws = (seed: number, stream: number, count: number) => {
    const random = seededRandom(streamSeed(seed, stream));
    return Array.from({ length: count }, random);
  };

  it("repeats for a seed and stream, and differs for any other", () => {
    const known = new Set<string>();
    for (const seed of [0, 1, 2, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
      for (const stream of [0, 1, 2]) {
        assert.deepEqual(draws(seed, stream, 8), draws(seed, stream, 8));
        known.add(draws(seed, stream, 4).join());
      }
    }
    assert.equal(known.size, 18);
  });

  it("fills [0, 1) evenly", () => {
    const counts = new Array<number>(20).fill(0);
    for (const value of draws(3, 1, 100_000)) {
      assert.ok(value >= 0 && value < 1);
      const bin = Math.floor(value * 20);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 5000) ** 2 / 5000, 0);
    assert.ok(chiSquare < 43.8, `chi-square ${chiSquare} of 19 degrees of freedom (0.1% lies above 43.8)`);
  });
});
