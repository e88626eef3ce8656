/**
 * A dataset: pairs or plain texts as token ids, split into training and validation examples.
 */
import { createHash } from "node:crypto";
import { ModelError } from "../../../models/errors.ts";
import { mixSeeds, seededRandom } from "../../../models/random.ts";
import type { Example } from "../../../models/t5/batch.ts";
import { randomSpansNoiseMask } from "../../../models/tokenizer/corruption.ts";
import { encodeInput, encodeParts, encodeTarget, prefixedText } from "../../../models/tokenizer/parts.ts";
import type { Tokenizer } from "../../../models/tokenizer/tokenizer.ts";
import type { Judged } from "../run/judge.ts";
import { type SplitOptions, split } from "./split.ts";

/** A text and what the model should make of it. */
export interface Pair {
  /** Where it comes from: pairs of one source are all learned from or all kept out. Empty: the input itself. */
  readonly source: string;
  readonly input: string;
  readonly target: string;
  /** All targets that are right, where there are several. */
  readonly accepted?: readonly string[];
  /** Its file's name, and its line there, from 1; for messages. */
  readonly file: string;
  readonly row: number;
}

/** A text to learn filling gaps from. */
export interface Document {
  readonly source: string;
  readonly text: string;
}

/** How texts become examples. */
export interface DatasetOptions extends SplitOptions {
  /** Stands before every input. */
  readonly prefix: string;
  readonly maxInputTokens: number;
  readonly maxTargetTokens: number;
  /** Whether targets are labels, of which there must be several. */
  readonly labels?: boolean;
}

/** Examples to learn from, and others to validate on. */
export interface Dataset {
  /** Examples of an epoch. */
  readonly count: number;
  /** The examples of an epoch, from 0; pairs are the same in each, gaps lie elsewhere. */
  examples(epoch: number): readonly Example[];
  readonly validation: readonly Example[];
  /** The references by which the task is judged, in the order of `validation`. */
  readonly judged: readonly Judged[];
  /** Notes for a person on what was left out or cut. */
  readonly notes: readonly string[];
}

/** Pairs that can be used, and what a person should know of the others. */
export interface UsablePairs {
  readonly usable: readonly UsablePair[];
  readonly notes: readonly string[];
  /** Lengths of all rows except repeated ones, with eos; `spanfill data check` shows them. */
  readonly inputTokens: readonly number[];
  readonly targetTokens: readonly number[];
}

/** A pair and its token ids. */
export interface UsablePair {
  readonly pair: Pair;
  readonly source: string;
  readonly example: Example;
}

/**
 * Encodes pairs. Inputs are cut to their limit; pairs whose target is longer than its own are left out, as are repeated
 * ones.
 * @throws ModelError "input" when the prefix leaves an input no room
 */
export function usablePairs(
  tokenizer: Tokenizer,
  pairs: readonly Pair[],
  { prefix, maxInputTokens, maxTargetTokens }: Pick<DatasetOptions, "prefix" | "maxInputTokens" | "maxTargetTokens">,
): UsablePairs {
  const empty = encodeInput(tokenizer, prefixedText(prefix, "", true));
  checkInputRoom(maxInputTokens, empty.length - 1, 1);
  const seen = new Set<string>();
  const [repeated, long, cut]: [Pair[], Pair[], Pair[]] = [[], [], []];
  const usable: UsablePair[] = [];
  const [inputTokens, targetTokens]: [number[], number[]] = [[], []];
  for (const pair of pairs) {
    const key = keyOf(pair);
    if (seen.has(key)) {
      repeated.push(pair);
      continue;
    }
    seen.add(key);
    const parts = prefixedText(prefix, pair.input, true);
    const ids = encodeInput(tokenizer, parts);
    const target = encodeTarget(tokenizer, pair.target);
    inputTokens.push(ids.length);
    targetTokens.push(target.length);
    if (target.length > maxTargetTokens) {
      long.push(pair);
      continue;
    }
    if (ids.length > maxInputTokens) cut.push(pair);
    const input = ids.length > maxInputTokens ? encodeInput(tokenizer, parts, maxInputTokens) : ids;
    const example = { input, target };
    usable.push({ pair, source: pair.source === "" ? pair.input : pair.source, example });
  }
  const notes = [
    ...note(repeated, "repeated, left out"),
    ...note(long, `left out: the target is longer than ${maxTargetTokens} tokens`),
    ...note(cut, `cut to ${maxInputTokens} input tokens`),
  ];
  return { usable, notes, inputTokens, targetTokens };
}

/** Identifies a pair without holding its text again. */
function keyOf({ input, target }: Pair): string {
  const text = JSON.stringify([input, target]);
  return text.length < 64 ? text : createHash("sha256").update(text).digest("base64");
}

/**
 * A dataset of pairs, split by their sources. What is validated on and has the input of a learned pair is left out.
 * @param apart pairs to validate on instead, where the data have a part for it
 * @throws ModelError "input" when fewer than two usable sources are left
 */
export function pairDataset(
  tokenizer: Tokenizer,
  pairs: readonly Pair[],
  options: DatasetOptions,
  apart: readonly Pair[] = [],
): Dataset {
  const { usable, notes } = usablePairs(tokenizer, pairs, options);
  const apartPairs = usablePairs(tokenizer, apart, options);
  const { learned, heldOut } =
    apartPairs.usable.length > 0 && usable.length > 0
      ? { learned: usable, heldOut: apartPairs.usable }
      : split(usable, options, notes);
  const learnedInputs = new Set(learned.map(({ pair }) => plain(pair.input)));
  const fresh = heldOut.filter(({ pair }) => !learnedInputs.has(plain(pair.input)));
  const validation = fresh.length > 0 ? fresh : heldOut;
  const leaked = heldOut.filter((candidate) => !fresh.includes(candidate)).map(({ pair }) => pair);
  const fate = fresh.length > 0 ? "left out of" : "kept in";
  const labels = new Set(learned.map(({ pair }) => pair.target));
  const [only] = learned;
  if (options.labels === true && labels.size < 2 && only !== undefined) {
    throw new ModelError(
      "input",
      `${only.pair.file}: every row to learn from, row ${only.pair.row} and ${learned.length - 1} others, has the label "${only.pair.target}". Give rows of at least two labels, or name the right column with --target-column.`,
    );
  }
  const withNewLabel = options.labels === true ? validation.filter(({ pair }) => !labels.has(pair.target)) : [];
  const examples = learned.map(({ example }) => example);
  return {
    count: examples.length,
    examples: () => examples,
    validation: validation.map(({ example }) => example),
    judged: validation.map(({ pair, example }) => ({
      example,
      text: options.prefix + pair.input,
      accepted: pair.accepted ?? [pair.target],
    })),
    notes: [
      ...notes,
      ...apartPairs.notes,
      ...note(leaked, `${fate} the validation examples: the same input is among those learned from`),
      ...note(
        withNewLabel.map(({ pair }) => pair),
        `to validate on with a label that no row to learn from has: ${[...new Set(withNewLabel.map(({ pair }) => `"${pair.target}"`))].slice(0, 5).join(", ")}`,
      ),
    ],
  };
}

/**
 * A dataset of gaps in texts: whole words are taken out by T5's span corruption (15% of them, two at a time on average)
 * and are to be filled. A mark gives a gap's length half of the time, where the vocabulary has marks.
 * @throws ModelError "input" when the texts are too few or the vocabulary has no sentinels
 */
export function infillDataset(tokenizer: Tokenizer, documents: readonly Document[], options: DatasetOptions): Dataset {
  if (tokenizer.sentinelIds.length < 2) {
    throw new ModelError("input", "The model's vocabulary has no sentinels, so it cannot learn to fill gaps.");
  }
  const head =
    options.prefix.trim() === ""
      ? [...tokenizer.frame.before]
      : encodeParts(tokenizer, prefixedText(options.prefix, ""));
  // Input and target share a window's tokens; each gap costs a sentinel on both sides, and perhaps a mark.
  const byTarget = (options.maxTargetTokens - 2) / (DENSITY * 1.6);
  const bySentinels = ((tokenizer.sentinelIds.length - 1) * MEAN_WORDS) / DENSITY;
  checkInputRoom(options.maxInputTokens, head.length, LEAST_WORDS);
  const leastTarget = Math.ceil(LEAST_WORDS * DENSITY * 1.6) + 2;
  if (options.maxTargetTokens < leastTarget) {
    throw new ModelError(
      "input",
      `--max-target-tokens ${options.maxTargetTokens} leaves no room for gaps and their marks. Use at least ${leastTarget}.`,
    );
  }
  const length = Math.floor(Math.min(options.maxInputTokens - head.length - 1, byTarget, bySentinels));
  const windows = documents.flatMap(({ source, text }) => {
    const ids = tokenizer.encode(text);
    const count = Math.ceil(ids.length / length);
    return Array.from({ length: count }, (_, i) => ({ source, ids: ids.slice(i * length, (i + 1) * length) }));
  });
  const usable = windows.filter(({ ids }) => wordStarts(tokenizer, ids).length >= LEAST_WORDS);
  const { learned, heldOut } = split(usable, options);
  const corrupted = (windows: typeof usable, epoch: number) =>
    windows.map(({ ids }, i) => {
      const random = seededRandom(mixSeeds(mixSeeds(options.seed, epoch), i));
      return corrupt(tokenizer, head, ids, random);
    });
  return {
    count: learned.length,
    examples: (epoch) => corrupted(learned, epoch + 1),
    validation: corrupted(heldOut, 0),
    judged: corrupted(heldOut, 0).map((example) => ({
      example,
      text: tokenizer.decode(example.input, { keepSpecial: true }),
      accepted: [],
    })),
    notes: [],
  };
}

const [DENSITY, MEAN_WORDS, LEAST_WORDS] = [0.15, 2, 8];

/** @throws ModelError "input" when fewer than `least` tokens of a text fit beside the prefix and the end */
function checkInputRoom(maxInputTokens: number, prefixTokens: number, least: number): void {
  if (maxInputTokens - prefixTokens - 1 >= least) return;
  throw new ModelError(
    "input",
    `--max-input-tokens ${maxInputTokens} leaves no room for a text: the prefix takes ${prefixTokens} of them. Use at least ${prefixTokens + 1 + least}, or a shorter prefix (--prefix, --prompt-tokens).`,
  );
}

/** Takes words out of a text: its sentinels and marks stand in the input, what was taken out is the target. */
function corrupt(tokenizer: Tokenizer, head: readonly number[], ids: readonly number[], random: () => number): Example {
  const starts = wordStarts(tokenizer, ids);
  const removed = randomSpansNoiseMask(starts.length, DENSITY, MEAN_WORDS, random);
  const input = [...head];
  const target: number[] = [];
  const sentinel = (gap: number) => tokenizer.sentinelIds[gap] ?? tokenizer.unkId;
  const marksLengths = random() < 0.5;
  let [gaps, from] = [0, 0];
  for (let word = 0; word < starts.length; word += 1) {
    if (removed[word] !== true || removed[word - 1] === true) continue;
    let last = word;
    while (removed[last + 1] === true) last += 1;
    const begin = starts[word] ?? 0;
    let end = starts[last + 1] ?? ids.length;
    // The punctuation and line ends after a word stay.
    while (end > begin + 1 && !isWordly(tokenizer, ids[end - 1])) end -= 1;
    const mark = marksLengths
      ? tokenizer.lengthMarks.findLast(({ leastWords }) => leastWords <= last - word + 1)
      : undefined;
    input.push(...ids.slice(from, begin), sentinel(gaps), ...(mark === undefined ? [] : [mark.id]));
    target.push(sentinel(gaps), ...ids.slice(begin, end));
    from = end;
    gaps += 1;
  }
  return {
    input: [...input, ...ids.slice(from), ...tokenizer.frame.after],
    target: [...target, sentinel(gaps), tokenizer.eosId],
  };
}

/** Where words begin: at "▁", or after a line end. */
function wordStarts(tokenizer: Tokenizer, ids: readonly number[]): number[] {
  return ids.flatMap((id, i) => {
    const before = i === 0 ? "\n" : (tokenizer.pieceOf(ids[i - 1] ?? 0) ?? "");
    const begins = (tokenizer.pieceOf(id) ?? "").startsWith("▁") || before.includes("\n");
    return begins && isWordly(tokenizer, id) ? [i] : [];
  });
}

function isWordly(tokenizer: Tokenizer, id: number | undefined): boolean {
  return id !== undefined && /[\p{L}\p{N}]/u.test(tokenizer.pieceOf(id) ?? "");
}

/** Space and case apart, texts are the same. */
function plain(words: string): string {
  return words.replace(/\s+/g, " ").trim().toLowerCase();
}

/** Notes on some rows, file by file. */
export function note(rows: readonly { readonly file: string; readonly row: number }[], what: string): string[] {
  return [...new Set(rows.map(({ file }) => file))].map((file) => {
    const numbers = rows.filter((row) => row.file === file).map(({ row }) => row);
    const listed = numbers.slice(0, 5).join(", ");
    return `${file}: ${numbers.length} ${numbers.length === 1 ? "row" : "rows"} ${what} (${listed}${numbers.length > 5 ? ", ..." : ""})`;
  });
}
