/** The table that ranks English sentences: gradient-boosted trees over their features, and how rare words are. */
import * as z from "zod";
import { ModelError } from "../errors.ts";
import { createGraphBuilder } from "../graph/builder.ts";
import { treeEnsemble } from "../graph/tree-ops.ts";
import type { Graph } from "../graph/types.ts";

/** Trees as arrays with one entry a node; a leaf has feature -1, and its value instead of a threshold. */
export interface Trees {
  /** The first node of each tree. */
  readonly roots: readonly number[];
  readonly feature: readonly number[];
  readonly value: readonly number[];
  /** Where the feature is at most the threshold. */
  readonly left: readonly number[];
  readonly right: readonly number[];
}

/** A table as models/recipes/sentences.py packs it. */
export interface SentenceTable {
  /** Names of the features, in the order of a row. */
  readonly features: readonly string[];
  /** The rarity of stems: the negative logarithm of the share of documents with them. */
  readonly idf: ReadonlyMap<string, number>;
  /** The rarity of all other stems. */
  readonly rare: number;
  readonly trees: Trees;
}

/**
 * The table of unpacked bytes.
 * @param name of the file, for messages
 * @throws ModelError "input" for a damaged table
 */
export function parseSentenceTable(bytes: Uint8Array, name: string): SentenceTable {
  try {
    const { idf, ...table } = schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    return { ...table, idf: new Map(Object.entries(idf)) };
  } catch (cause) {
    const text = `${name} is not a complete table of sentences. Install Spanfill again, or make the table anew.`;
    throw new ModelError("input", text, { cause });
  }
}

/** The graph that scores rows of features: `features` float32 [rows, features] -> `scores` float32 [rows, 1]. */
export function sentenceGraph({ features, trees }: SentenceTable): Graph {
  const g = createGraphBuilder();
  const rows = g.input("features", "float32", ["rows", features.length]);
  return g.build("sentence ranker", { scores: treeEnsemble(g, rows, trees) });
}

// Ten thousands of numbers: zod takes a tenth of a second to look at each.
const numbers = z.custom<readonly number[]>((list) => Array.isArray(list) && list.every(Number.isFinite));
const integers = z.custom<readonly number[]>((list) => Array.isArray(list) && list.every(Number.isInteger));
const places = integers.refine((list) => list.every((place) => place >= 0));
const rarities = z.custom<Readonly<Record<string, number>>>(
  (table) => typeof table === "object" && table !== null && Object.values(table).every(Number.isFinite),
);
const schema = z
  .object({
    format: z.literal("spanfill sentences 1"),
    features: z.array(z.string()).min(1),
    rare: z.number(),
    idf: rarities,
    trees: z.object({ roots: places, feature: integers, value: numbers, left: places, right: places }),
  })
  .refine(({ features, trees: { roots, feature, value, left, right } }) => {
    const { length } = feature;
    const below = (index: number) => index < length;
    return (
      [value, left, right].every((list) => list.length === length) &&
      roots.every(below) &&
      feature.every((f, i) => f < features.length && (f < 0 || Math.min(left[i] ?? 0, right[i] ?? 0) > i)) &&
      left.every(below) &&
      right.every(below)
    );
  });
