/**
 * One runner against one parity case: how far its numbers are off, and whether its tokens are those of transformers.
 */
import assert from "node:assert/strict";
import type { T5Config } from "../../../models/t5/config.ts";
import { rankedTokens } from "../../../server/engine/search/candidates.ts";
import { generate, score, type TokenModel } from "../../../server/engine/search/generate.ts";
import type { Runner } from "../../../server/engine/search/runner.ts";
import { type ExpectedGeneration, largestError, type ParityCase, relativeError } from "./parity-model.ts";

/** A runner that can be compared. */
export interface Subject {
  readonly config: T5Config;
  readonly runner: Runner;
  /** Encoder states of each input, unpadded: float32 [length, D] each. */
  encoderStates(inputs: readonly (readonly number[])[]): Promise<Float32Array[]>;
}

/** How far encoder states and teacher-forced logits are off. */
export interface NumericErrors {
  /** Largest error of the encoder states, in standard deviations of the reference. */
  readonly encoder: number;
  /** Largest error of the logits, in standard deviations of the reference. */
  readonly logits: number;
  /** Root mean square error of the logits relative to their own. */
  readonly relative: number;
}

/** Measures one encoder pass and one teacher-forced decoder pass over a case's batch. */
export async function numericErrors(subject: Subject, expected: ParityCase): Promise<NumericErrors> {
  const { runner, config } = subject;
  const states = await subject.encoderStates(expected.inputs);
  const encoded = await runner.encode(expected.inputs);
  const tokens = expected.targets.flatMap((target) => [config.decoderStartTokenId, ...target.slice(0, -1)]);
  const { logits, state } = await encoded.start(1).step(tokens, null, true);
  const errors = {
    encoder: largestError(joined(states), expected.encoder),
    logits: largestError(logits, expected.logits),
    relative: relativeError(logits, expected.logits),
  };
  state.dispose();
  encoded.dispose();
  return errors;
}

/** Asserts that generation gives transformers' tokens, log probabilities and scores. */
export async function assertGeneration(subject: Subject, inputs: ParityCase["inputs"], expected: ExpectedGeneration) {
  const { sequences } = await generate(tokenModel(subject), { ...expected.request, inputs });
  const label = JSON.stringify(expected.request);
  const { compare, logProbs, scores } = expected;
  // Greedy rows are compared up to their first doubtful step, and whole when there is none.
  const cut = (ids: readonly number[] | undefined, row: number) => {
    const doubtful = compare?.[row] ?? Number.POSITIVE_INFINITY;
    return doubtful < (expected.ids[row]?.[0]?.length ?? 0) ? ids?.slice(0, doubtful) : ids;
  };
  assert.deepEqual(
    sequences.map((row, i) => row.map(({ ids }) => cut(ids, i))),
    expected.ids.map((row, i) => row.map((ids) => cut(ids, i))),
    label,
  );
  for (const [i, row] of sequences.entries()) {
    for (const [j, sequence] of row.entries()) {
      const wanted = scores?.[i]?.[j];
      if (wanted !== undefined) near(sequence.score, wanted, 1e-3, `score ${i},${j} of ${label}`);
      for (const [t, logProb] of (logProbs?.[i] ?? []).entries()) {
        near(sequence.logProbs[t], logProb, 1e-3, `log probability ${i},${t} of ${label}`);
      }
    }
  }
}

/** Asserts the log-likelihoods of the targets. */
export async function assertScores(subject: Subject, expected: ParityCase): Promise<void> {
  for (const [i, input] of expected.inputs.entries()) {
    const { total } = await score(tokenModel(subject), input, expected.targets[i] ?? []);
    near(total, expected.scores[i], 1e-3, `score of target ${i}`);
  }
}

/** A subject as generation takes it; its text is its ids, and its shortlists begin with the least ids. */
export function tokenModel({ runner, config }: Subject): TokenModel {
  const always = [config.padTokenId, config.decoderStartTokenId, config.eosTokenId];
  const commonTokens = rankedTokens(always, [], config.vocabSize);
  return { runner, config, decode: (ids) => ids.join(" "), commonTokens };
}

function near(actual: number | undefined, expected: number | undefined, tolerance: number, label: string): void {
  const error = Math.abs((actual ?? Number.NaN) - (expected ?? Number.NaN));
  assert.ok(error <= tolerance, `${label}: ${actual} instead of ${expected}`);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}
