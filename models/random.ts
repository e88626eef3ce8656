/** Seeded random numbers, so that samples, intervals and random weights are reproducible. */

/**
 * A generator of numbers in [0, 1) with 32 bits of state; the same seed gives the same sequence everywhere.
 * @see Mulberry32, Tommy Ettinger (public domain)
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** `count` of the items in random order, without repetition; all of them if there are fewer. */
export function seededSample<T>(items: readonly T[], count: number, random: () => number): T[] {
  const rest = [...items];
  const picked: T[] = [];
  while (picked.length < count && rest.length > 0) {
    const at = Math.floor(random() * rest.length);
    const [item] = rest.splice(at, 1);
    if (item !== undefined) picked.push(item);
  }
  return picked;
}

/**
 * Combines two numbers into a seed, so that similar pairs give different sequences.
 * @see MurmurHash3's finalizer
 */
export function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A seed made from two numbers, so that near ones give unlike sequences. */
export function mixSeeds(a: number, b: number): number {
  return mix(Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) + b);
}
