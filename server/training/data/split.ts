/** Splits examples by their sources into those that are learned from and those that are kept out. */
import { ModelError } from "../../../models/errors.ts";
import { mixSeeds, seededRandom } from "../../../models/random.ts";

/** How examples are split. */
export interface SplitOptions {
  /** Share of the sources that is kept out for validation, above 0 and below 1. */
  readonly validationShare: number;
  readonly seed: number;
  /** Notes on what reading left out, for the message that too little is left. */
  readonly leftOut?: readonly string[];
}

/** Notes in the message that there is too little. */
const MOST_NOTES = 5;

/**
 * Which sources are kept out depends only on their names and the seed.
 * @param notes on what encoding left out
 * @throws ModelError "input" when there are fewer than two sources
 */
export function split<T extends { readonly source: string }>(
  usable: readonly T[],
  { validationShare, seed, leftOut = [] }: SplitOptions,
  notes: readonly string[] = [],
): { learned: T[]; heldOut: T[] } {
  const ranks = new Map<string, number>();
  for (const { source } of usable) {
    if (!ranks.has(source)) ranks.set(source, seededRandom(mixSeeds(seed, hashOf(source)))());
  }
  if (ranks.size < 2) {
    const all = [...leftOut, ...notes].map((each) => each.replace(/\.$/, ""));
    const left = all.length > 0 ? ` (${all.slice(0, MOST_NOTES).join("; ")})` : "";
    throw new ModelError(
      "input",
      `There is too little to learn from: ${usable.length} usable examples of ${ranks.size} sources${left}. Give at least two, of different sources, so that one can be kept out to validate on.`,
    );
  }
  // By rank, so that neither side is empty however few there are.
  const ordered = [...ranks].sort(([, a], [, b]) => a - b).map(([source]) => source);
  const count = Math.min(ordered.length - 1, Math.max(1, Math.round(ordered.length * validationShare)));
  const heldOutSources = new Set(ordered.slice(0, count));
  return {
    learned: usable.filter(({ source }) => !heldOutSources.has(source)),
    heldOut: usable.filter(({ source }) => heldOutSources.has(source)),
  };
}

/** FNV-1a over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
