/**
 * A model's operations on an inference server, each a model of the protocol: `NAME-encode`, `NAME-step` and
 * `NAME-generate`. None keeps state between requests, so that any server can batch, repeat and move them.
 */
import { createHash } from "node:crypto";
import type { T5Config } from "../../../models/t5/config.ts";
import type { Tokenizer } from "../../../models/tokenizer/tokenizer.ts";

/** The operations. */
export const OPERATIONS = ["encode", "step", "generate"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** A tensor's name, type and shape; -1 is any extent, the first is the batch B. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: "INT32" | "FP32";
  readonly shape: readonly number[];
}

/** An operation's tensors. A client sends those optional ones that a server lists. */
export interface OperationSpec {
  readonly inputs: readonly TensorSpec[];
  readonly optional: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** Extents of `model_sum`: a SHA-256 in eight whole numbers. */
export const SUM_LENGTH = 8;

/** The version that is written and offered. */
export const VERSION = "1";

/**
 * The operations' tensors.
 *
 * Inputs of all: `input_ids` [B, S], rows padded behind; `attention_mask` [B, S], 1 for tokens. Output of all:
 * `model_sum` [B, 8], {@link modelSum} of the model that answered.
 * - encode: `hidden` [B, S, D], the encoder's states after its last norm.
 * - step: `tokens` [B, R, T], R rows of decoder tokens for each input, the start token first; `first` [B, 1], the first
 *   position whose logits are wanted (the least of a batch counts). Output `logits` [B, R, N, V], of the last N = T -
 *   first positions at least. Optional: `candidates` [B, C], equal rows of ids, of which the first
 *   `common` [B, 1] are the same in many requests; then `logits` has C columns. A single -1 stands for all V.
 * - generate: `tokens` [B, T], the decoder's tokens so far; `steps` [B, 1], the most tokens to add (the most of a batch
 *   counts); `ngram` [B, 1], the size of n-gram that does not repeat, or 2^30; `banned` [B, N] and `stops` [B, K], ids,
 *   -1 for none. Outputs `ids` [B, n] and `log_probabilities` [B, n] of the greedy tokens; after its end a row holds
 *   padding. Optional: `candidates`, `common`; `bonuses` [B, 3], the copy bias.
 */
export function operationSpec(operation: Operation, { dModel, vocabSize }: T5Config): OperationSpec {
  const whole = (name: string, shape: readonly number[]) => ({ name, datatype: "INT32" as const, shape });
  const float = (name: string, shape: readonly number[]) => ({ name, datatype: "FP32" as const, shape });
  const text = [whole("input_ids", [-1, -1]), whole("attention_mask", [-1, -1])];
  const sum = whole("model_sum", [-1, SUM_LENGTH]);
  const candidates = [whole("candidates", [-1, -1]), whole("common", [-1, 1])];
  switch (operation) {
    case "encode":
      return { inputs: text, optional: [], outputs: [float("hidden", [-1, -1, dModel]), sum] };
    case "step":
      return {
        inputs: [...text, whole("tokens", [-1, -1, -1]), whole("first", [-1, 1])],
        optional: candidates,
        outputs: [float("logits", [-1, -1, -1, vocabSize]), sum],
      };
    case "generate":
      return {
        inputs: [
          ...text,
          whole("tokens", [-1, -1]),
          ...["steps", "ngram"].map((name) => whole(name, [-1, 1])),
          ...["banned", "stops"].map((name) => whole(name, [-1, -1])),
        ],
        optional: [...candidates, float("bonuses", [-1, 3])],
        outputs: [whole("ids", [-1, -1]), float("log_probabilities", [-1, -1]), sum],
      };
  }
}

/** The name of a model's operation on a server: the id's characters that a path may hold. */
export function servedName(id: string, operation: Operation | "decode"): string {
  return `${id.replaceAll("/", "--").replace(/[^\w.-]/g, "_")}-${operation}`;
}

/**
 * The sum of a model's vocabulary and shape, which both sides must share: ids mean the same pieces, and the layers have
 * the same widths. It does not tell weights of one shape apart.
 */
export function modelSum(tokenizer: Tokenizer, config: T5Config): Int32Array {
  const hash = createHash("sha256");
  for (let id = 0; id < tokenizer.size; id += 1) hash.update(`${tokenizer.pieceOf(id) ?? ""}\n`);
  const { padTokenId, eosTokenId, decoderStartTokenId, ...shape } = config;
  hash.update(JSON.stringify([Object.entries(shape).sort(([a], [b]) => (a < b ? -1 : 1)), padTokenId]));
  const digest = hash.digest();
  return Int32Array.from({ length: SUM_LENGTH }, (_, i) => digest.readInt32LE(4 * i));
}
