/** Sampling: draws the next token from the model's distribution, filtered and seeded. */
import { mix } from "../../../models/random.ts";
import { largest } from "./logits.ts";

/** Options of sampling. */
export interface Sampling {
  /** Divides the logits; above 0. */
  readonly temperature: number;
  /** Only the k best tokens, and ties with the k-th; 0 is off. */
  readonly topK: number;
  /** Only the best tokens whose probabilities add up to this; 1 is off. */
  readonly topP: number;
  readonly seed: number;
}

/** The seed of one of several sequences drawn side by side, each independent of the others. */
export function streamSeed(seed: number, stream: number): number {
  return mix(mix(seed) ^ mix(Math.floor(seed / 2 ** 32) ^ 0x5bd1e995) ^ mix(stream + 0x3c6ef372));
}

/**
 * Draws a token: temperature, then top-k, then top-p, in transformers' order.
 * @param logits float32 [V], penalties applied; changed in place (divided by the temperature)
 * @returns the token's id, or undefined when every token is forbidden
 * @see TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper, transformers logits_process.py
 */
export function sampleToken(logits: Float32Array, sampling: Sampling, random: () => number): number | undefined {
  if (sampling.temperature !== 1) {
    for (let i = 0; i < logits.length; i += 1) logits[i] = (logits[i] ?? 0) / sampling.temperature;
  }
  const ids = survivors(logits, sampling);
  let max = -Infinity;
  for (const id of ids) max = Math.max(max, logits[id] ?? -Infinity);
  if (max === -Infinity) return undefined;
  const weights = ids.map((id) => Math.exp((logits[id] ?? -Infinity) - max));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let left = random() * total;
  for (let i = 0; i < ids.length; i += 1) {
    left -= weights[i] ?? 0;
    if (left < 0) return ids[i];
  }
  return ids[weights.findLastIndex((weight) => weight > 0)];
}

/**
 * The ids that remain after top-k and top-p, ascending.
 * @param logits float32 [V], divided by the temperature
 */
export function survivors(logits: Float32Array, { topK, topP }: Pick<Sampling, "topK" | "topP">): number[] {
  const ids = atLeast(logits, topK > 0 ? kthLargest(logits, topK) : -Infinity);
  if (topP >= 1) return ids;
  const sorted = Float32Array.from(ids, (id) => logits[id] ?? 0).sort();
  const max = sorted.at(-1) ?? 0;
  const enough = topP * sorted.reduce((sum, logit) => sum + Math.exp(logit - max), 0);
  let before = 0;
  let count = 0;
  while (count < ids.length && (count === 0 || before < enough)) {
    count += 1;
    before += Math.exp((sorted.at(-count) ?? 0) - max);
  }
  const least = sorted.at(-count) ?? 0;
  // Of tokens that tie with the last one, those with the highest ids stay, as a stable ascending sort leaves them.
  let excess = ids.filter((id) => (logits[id] ?? 0) >= least).length - count;
  return ids.filter((id) => {
    const logit = logits[id] ?? 0;
    if (logit !== least) return logit > least;
    excess -= 1;
    return excess < 0;
  });
}

function kthLargest(values: Float32Array, k: number): number {
  if (k >= values.length) return -Infinity;
  if (k <= 64) return largest(values, k).best[k - 1] ?? -Infinity;
  return Float32Array.from(values).sort()[values.length - k] ?? -Infinity;
}

function atLeast(values: Float32Array, least: number): number[] {
  const ids: number[] = [];
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? -Infinity;
    if (value >= least && value > -Infinity) ids.push(i);
  }
  return ids;
}
