/**
 * Inputs for timed calls. The engine caches its latest encodings, so a repeated input would leave the encoder out of
 * the time.
 */
import { seededRandom } from "../../models/random.ts";

/** A source of different inputs of 512 tokens: seeded ids of ordinary pieces, and eos. */
export function idSource(seed: number): () => readonly number[] {
  const random = seededRandom(seed);
  return () => [...Array.from({ length: 511 }, () => 3 + Math.floor(random() * 31_900)), 1];
}
