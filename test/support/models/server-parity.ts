/** Seeded requests of every kind, asked of a model here and of the same on a server: the same tokens must come out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../../models/random.ts";
import type { FillRequest, GenerateRequest, LoadedModel } from "../../../server/engine/engine.ts";

/** Kinds of requests. */
export const KINDS = ["greedy", "beams", "sampling", "infill", "words", "scoring"] as const;

const WORDS = "the of and to in is that it for was on are as with they be at one have this from".split(" ");

/**
 * Tests that all kinds of requests get the same tokens on a server as here.
 * @param models the two, once they are loaded, and what was told of a fallback
 * @param count requests of each kind
 * @param how added to the tests' names
 */
export function testSameTokens(
  models: () => { readonly here: LoadedModel; readonly there: LoadedModel; readonly fallbacks: readonly string[] },
  count: number,
  how = "",
): void {
  for (const kind of KINDS) {
    test(`${kind}: the same tokens as on the CPU${how}`, async () => {
      const { here, there, fallbacks } = models();
      assert.ok((await compareRequests(here, there, kind, count)).tokens > count);
      assert.deepEqual([here.info.device, there.info.device, fallbacks], ["cpu", "server", []]);
    });
  }
}

/** Compares `count` requests of a kind, or fewer if `isOver`. @returns how many, and the number of tokens compared */
export async function compareRequests(
  here: LoadedModel,
  there: LoadedModel,
  kind: (typeof KINDS)[number],
  count: number,
  isOver: () => boolean = () => false,
): Promise<{ readonly requests: number; readonly tokens: number }> {
  const random = seededRandom(KINDS.indexOf(kind) + 1);
  const whole = (most: number) => Math.floor(random() * most);
  const words = (most: number) => Array.from({ length: 1 + whole(most) }, () => WORDS[whole(WORDS.length)]).join(" ");
  let tokens = 0;
  let requests = 0;
  for (let i = 0; i < count && !isOver(); i += 1) {
    requests += 1;
    const input = await here.encode([{ kind: "text", text: words(24) }]);
    const name = `${kind} ${i}`;
    if (kind === "scoring") {
      const target = [...(await here.encode([{ kind: "text", text: words(8) }]))];
      const [a, b] = [await here.score(input, target), await there.score(input, target)];
      for (const [at, logProb] of a.logProbs.entries()) near(b.logProbs[at], logProb, name);
      tokens += target.length;
    } else if (kind === "words") {
      const request = { before: words(12), after: words(6), maxTokens: 400, words: WORDS, ownWords: 3, ownRounds: 1 };
      const [a, b] = [await here.wordChances(request), await there.wordChances(request)];
      assert.deepEqual(
        b.words.map(({ word }) => word),
        a.words.map(({ word }) => word),
        name,
      );
      for (const [at, { logProb, endLogProb }] of a.words.entries()) {
        near(b.words[at]?.logProb, logProb, name);
        near(b.words[at]?.endLogProb, endLogProb, name);
      }
      tokens += a.words.length;
    } else if (kind === "infill") {
      const request = infill(here, words, whole);
      const [a, b] = [await here.fill(request), await there.fill(request)];
      const texts = (filling: typeof a) =>
        [filling, ...(filling.others ?? [])].map(({ sequences, proposed }) => [
          sequences.map(({ spans }) => spans.map((span) => span?.text)),
          proposed.map(({ text }) => text),
        ]);
      assert.deepEqual(texts(b), texts(a), name);
      for (const [at, { endLogProb }] of a.proposed.entries()) near(b.proposed[at]?.endLogProb, endLogProb, name);
      tokens += a.sequences.reduce((sum, each) => sum + each.tokens, 0);
    } else {
      const request = { inputs: [input], ...generation(kind, whole) };
      const [a, b] = [await here.generate(request), await there.generate(request)];
      const ids = (result: typeof a) => result.sequences.map((row) => row.map((sequence) => sequence.ids));
      assert.deepEqual(ids(b), ids(a), name);
      near(b.sequences[0]?.[0]?.score, a.sequences[0]?.[0]?.score ?? 0, name);
      tokens += ids(a).flat(2).length;
    }
  }
  return { requests, tokens };
}

function generation(
  kind: "greedy" | "beams" | "sampling",
  whole: (most: number) => number,
): Omit<GenerateRequest, "inputs"> {
  const shared = {
    maxNewTokens: 1 + whole(40),
    ...(whole(2) === 0 && { noRepeatNgramSize: 1 + whole(3) }),
    ...(whole(3) === 0 && { shortlist: 60 }),
    ...(whole(3) === 0 && { copyBias: { anywhere: 0.5, afterOne: 1 } }),
    ...(whole(3) === 0 && { bannedTokens: [10 + whole(80), 10 + whole(80)] }),
    ...(whole(4) === 0 && { repetitionPenalty: 1.3 }),
    ...(whole(4) === 0 && { decoderPrefix: [20 + whole(60), 20 + whole(60)] }),
  };
  if (kind === "beams") return { ...shared, numBeams: 2 + whole(3), numReturnSequences: 2 };
  if (kind === "sampling") return { ...shared, sample: { temperature: 0.8, seed: whole(1000) } };
  return shared;
}

function infill({ info }: LoadedModel, words: (most: number) => string, whole: (most: number) => number): FillRequest {
  const [first = 0, second = 0] = info.sentinelIds;
  const window = () => ({ texts: [words(10), ` ${words(10)}`], hints: [undefined], maxTokens: 200 });
  return {
    window: window(),
    decoderPrefix: [first],
    stopTokens: [second],
    maxNewTokens: 4 + whole(8),
    numBeams: 1 + whole(4),
    proposals: ["the", "of"],
    ...(whole(2) === 0 && { shortlist: 60 }),
    ...(whole(2) === 0 && { others: [{ window: window(), proposals: ["and"] }] }),
  };
}

function near(actual: number | undefined, expected: number, name: string): void {
  const close =
    actual === expected || Math.abs((actual ?? Number.NaN) - expected) < 1e-4 * Math.max(1, Math.abs(expected));
  assert.ok(close, `${name}: ${actual}, not ${expected}`);
}
