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
  /** Only tokens of at least this share of the best one's probability. */
  readonly minP?: number;
  /** Only tokens whose information is nearest to the entropy, up to this total probability; 1 is off. */
  readonly typicalP?: number;
  /** Only tokens of at least this probability; 0 is off. */
  readonly epsilonCutoff?: number;
  /** As `epsilonCutoff`, lowered where the entropy is high; 0 is off. */
  readonly etaCutoff?: number;
  /** Only the best of the 100 best tokens, up to this share of their entropy. */
  readonly topH?: number;
}

/** The seed of one of several sequences drawn side by side, each independent of the others. */
export function streamSeed(seed: number, stream: number): number {
  return mix(mix(seed) ^ mix(Math.floor(seed / 2 ** 32) ^ 0x5bd1e995) ^ mix(stream + 0x3c6ef372));
}

/**
 * Draws a token: temperature, then the filters, in transformers' order.
 * @param logits float32 [V], penalties applied; changed in place (divided by the temperature)
 * @returns the token's id, or undefined when every token is forbidden
 * @see TemperatureLogitsWarper, transformers logits_process.py
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
 * The ids that the filters leave, ascending; at least one, if any token is allowed.
 * @param logits float32 [V], divided by the temperature
 * @see TopHLogitsWarper, TopKLogitsWarper, TopPLogitsWarper, MinPLogitsWarper, TypicalLogitsWarper,
 * EpsilonLogitsWarper, EtaLogitsWarper, transformers logits_process.py
 */
export function survivors(logits: Float32Array, sampling: Omit<Sampling, "temperature" | "seed">): number[] {
  const { topK, topP, topH, minP = 0, typicalP = 1, epsilonCutoff = 0, etaCutoff = 0 } = sampling;
  let ids =
    topH === undefined
      ? atLeast(logits, topK > 0 ? kthLargest(logits, topK) : -Infinity)
      : amongBest(logits, byEntropy(logits, topH), topK);
  if (topP < 1) ids = byProbability(logits, ids, topP);
  if (minP > 0) ids = notBelow(logits, ids, ({ probabilities }) => minP * Math.max(...probabilities));
  if (typicalP < 1) ids = typical(logits, ids, typicalP);
  if (epsilonCutoff > 0) ids = notBelow(logits, ids, () => epsilonCutoff);
  if (etaCutoff > 0) {
    const least = ({ entropy }: Distribution) => Math.min(etaCutoff, Math.sqrt(etaCutoff) * Math.exp(-entropy));
    ids = notBelow(logits, ids, least);
  }
  return ids;
}

/** Probabilities of some ids, in their order, and their entropy in nats. */
interface Distribution {
  readonly probabilities: readonly number[];
  readonly entropy: number;
}

function distributionOf(logits: Float32Array, ids: readonly number[]): Distribution {
  const max = ids.reduce((best, id) => Math.max(best, logits[id] ?? -Infinity), -Infinity);
  const weights = ids.map((id) => Math.exp((logits[id] ?? -Infinity) - max));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const probabilities = weights.map((weight) => weight / total);
  return { probabilities, entropy: probabilities.reduce((sum, p) => sum + information(p), 0) };
}

function information(probability: number): number {
  return probability === 0 ? 0 : -probability * Math.log(probability);
}

function byProbability(logits: Float32Array, ids: readonly number[], topP: number): number[] {
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

/** Those of at least a probability that the distribution decides, and the best. */
function notBelow(
  logits: Float32Array,
  ids: readonly number[],
  leastOf: (distribution: Distribution) => number,
): number[] {
  const distribution = distributionOf(logits, ids);
  const { probabilities } = distribution;
  const least = Math.min(leastOf(distribution), Math.max(...probabilities));
  return ids.filter((_, i) => (probabilities[i] ?? 0) >= least);
}

function typical(logits: Float32Array, ids: readonly number[], mass: number): number[] {
  const { probabilities, entropy } = distributionOf(logits, ids);
  const byDistance = ids
    .map((id, i) => ({ id, p: probabilities[i] ?? 0, distance: Math.abs(-Math.log(probabilities[i] ?? 0) - entropy) }))
    .sort((a, b) => a.distance - b.distance);
  let sum = 0;
  const last = byDistance.find(({ p }) => {
    sum += p;
    return sum >= mass;
  });
  const farthest = last?.distance ?? Infinity;
  return byDistance
    .filter(({ distance }) => distance <= farthest)
    .map(({ id }) => id)
    .sort((a, b) => a - b);
}

/** Most tokens that `topH` looks at. */
const ENTROPY_TOKENS = 100;

function byEntropy(logits: Float32Array, topH: number): number[] {
  const { ids } = largest(logits, ENTROPY_TOKENS);
  const { probabilities, entropy } = distributionOf(logits, ids);
  let sum = 0;
  const kept = ids.filter((_, i) => {
    sum += information(probabilities[i] ?? 0);
    return i === 0 || sum <= topH * entropy;
  });
  return kept.sort((a, b) => a - b);
}

/** The k best of some ids, and ties with the k-th. */
function amongBest(logits: Float32Array, ids: readonly number[], topK: number): number[] {
  if (topK === 0 || topK >= ids.length) return [...ids];
  const least = Float32Array.from(ids, (id) => logits[id] ?? 0).sort()[ids.length - topK] ?? -Infinity;
  return ids.filter((id) => (logits[id] ?? 0) >= least);
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
