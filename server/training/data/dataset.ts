/**
 * A dataset: pairs or plain texts as token ids, split into training and validation examples.
 */
import { createHash } from "node:crypto";
import { ModelError } from "../../../models/errors.ts";
import type { Example } from "../../../models/t5/batch.ts";
import type { ModeTexts } from "../../../models/tokenizer/corruption.ts";
import { encodeInput, encodeTarget, prefixedText } from "../../../models/tokenizer/parts.ts";
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
  /** For gaps: the text that stands before an example of each mode. Its denoisers make the gaps then. */
  readonly modes?: ModeTexts;
  /** For gaps: whether windows stay whole, the same on both sides, as METRO's pre-training takes them. */
  readonly whole?: boolean;
}

/** Examples to learn from, and others to validate on. */
export interface Dataset {
  /** Examples of an epoch. */
  readonly count: number;
  /** The examples of an epoch, from 0; pairs are the same in each, gaps lie elsewhere. */
  examples(epoch: number): readonly Example[];
  readonly validation: readonly Example[];
  /** The references by which the task is judged: of the texts of `validation`, in their order. */
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

/** @throws ModelError "input" when fewer than `least` tokens of a text fit beside the prefix and the end */
export function checkInputRoom(maxInputTokens: number, prefixTokens: number, least: number): void {
  if (maxInputTokens - prefixTokens - 1 >= least) return;
  throw new ModelError(
    "input",
    `--max-input-tokens ${maxInputTokens} leaves no room for a text: the prefix takes ${prefixTokens} of them. Use at least ${prefixTokens + 1 + least}, or a shorter prefix (--prefix, --prompt-tokens).`,
  );
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
