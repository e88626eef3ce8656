/**
 * A batch of training examples as the graphs take it: padded to one length, targets shifted right, relative positions
 * bucketed.
 */
import { ModelError } from "../errors.ts";
import type { T5Config } from "./config.ts";
import { requirePositions } from "./fairseq/config.ts";
import { type LongLayout, longLayout, windowBuckets } from "./long/layout.ts";
import { positionBucket } from "./position.ts";
import type { Stack } from "./weights.ts";

/** An example as token ids; both sides end with eos. */
export interface Example {
  readonly input: readonly number[];
  readonly target: readonly number[];
}

/** B examples with S source and T target positions. */
export interface Batch {
  readonly extents: { readonly B: number; readonly S: number; readonly T: number };
  /** [B * S], padded. */
  readonly inputIds: Int32Array;
  /** [B * T]: the labels shifted right behind the start token, padded. */
  readonly decoderIds: Int32Array;
  /** [B * T], padded. */
  readonly labels: Int32Array;
  /** Tokens of each row without padding. */
  readonly inputLengths: readonly number[];
  readonly targetLengths: readonly number[];
  /** The blocks of a LongT5's encoder. */
  readonly long: LongLayout | null;
  /**
   * The bucket of each key - query from 1 - length to length - 1; -1 where the key is masked. Of a LongT5's encoder,
   * those of a block's queries and the keys of its window.
   */
  readonly buckets: Readonly<Record<Stack, Int32Array>>;
}

/**
 * Lays examples out as one batch.
 * @throws ModelError "input" for one longer than a METRO-T0's positions, "tokenizer" for ids without a row in the model
 */
export function batchOf(config: T5Config, examples: readonly Example[]): Batch {
  const { padTokenId, decoderStartTokenId } = config;
  for (const { input, target } of examples) for (const ids of [input, target]) checkIds(config, ids);
  const inputLengths = examples.map(({ input }) => input.length);
  const targetLengths = examples.map(({ target }) => target.length);
  if (config.fairseq !== null)
    for (const length of [...inputLengths, ...targetLengths]) requirePositions(config, length, "An example");
  const long = config.longAttention === null ? null : longLayout(config, inputLengths);
  const S = long?.tokens ?? Math.max(1, ...inputLengths);
  const [B, T] = [examples.length, Math.max(1, ...targetLengths)];
  const inputIds = new Int32Array(B * S).fill(padTokenId);
  const decoderIds = new Int32Array(B * T).fill(padTokenId);
  const labels = new Int32Array(B * T).fill(padTokenId);
  for (const [row, { input, target }] of examples.entries()) {
    inputIds.set(input, row * S);
    decoderIds.set([decoderStartTokenId, ...target.slice(0, -1)], row * T);
    labels.set(target, row * T);
  }
  const encoder = long === null ? offsetBuckets(config, "encoder", S) : windowBuckets(config, long);
  const buckets = { encoder, decoder: offsetBuckets(config, "decoder", T) };
  return { extents: { B, S, T }, inputIds, decoderIds, labels, inputLengths, targetLengths, long, buckets };
}

/** The graph trusts the ids that it gathers rows by. */
function checkIds({ vocabSize }: T5Config, ids: readonly number[]): void {
  const bad = ids.find((id) => !(id >= 0 && id < vocabSize));
  if (bad === undefined) return;
  throw new ModelError(
    "tokenizer",
    `An example has the token ${bad}, but the model has ${vocabSize} tokens. Take the tokenizer from the model's own repository.`,
  );
}

function offsetBuckets(config: T5Config, stack: Stack, length: number): Int32Array {
  return Int32Array.from({ length: 2 * length - 1 }, (_, i) => {
    const offset = i - (length - 1);
    if (stack === "decoder" && offset > 0) return -1;
    return positionBucket(config, stack, offset);
  });
}
