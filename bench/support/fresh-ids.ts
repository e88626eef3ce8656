/** Inputs for timed calls. The engine remembers what it encoded last, so an input that comes again leaves the encoder out of its time. */
import { seededRandom } from "../../models/random.ts";

/** A source of inputs of 512 tokens, each of its own: seeded ids of ordinary pieces, and eos. */
export function idSource(seed: number): () => readonly number[] {
  const random = seededRandom(seed);
  return () => [...Array.from({ length: 511 }, () => 3 + Math.floor(random() * 31_900)), 1];
}
