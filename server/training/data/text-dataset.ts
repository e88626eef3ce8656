/** A text as a dataset of gaps, with few examples kept out: for what measures losses rather than trains to the end. */
import { ModelError } from "../../../models/errors.ts";
import { seededRandom, seededSample } from "../../../models/random.ts";
import { readTokenizer } from "../../catalog/folder/tokenizer.ts";
import type { Dataset } from "./dataset.ts";
import { infillDataset } from "./infill-dataset.ts";
import { readTrainingData } from "./read.ts";
import { findTask } from "./tasks.ts";

/** A dataset of windows of a text. */
export interface TextDataset {
  readonly dataset: Dataset;
  /** The text's size. */
  readonly bytes: number;
  readonly notes: readonly string[];
}

/** Tokens of a window. */
export const INPUT_TOKENS = 256;
const TARGET_TOKENS = 128;
const LEAST_WINDOWS = 16;
/** Examples that a loss is measured on. */
const MOST_VALIDATION = 32;

/**
 * Reads a text, a folder of texts or rows with a column of text, and puts gaps into its windows by the seed.
 * @param model folder of the model whose vocabulary is taken
 * @param purpose of the text, for the message: "for a law"
 * @throws ModelError "input" when the text is too small, and as reading training data does
 */
export async function textDataset(
  { data, seed }: { readonly data: string; readonly seed: number },
  model: string,
  purpose: string,
  signal: AbortSignal,
): Promise<TextDataset> {
  const [task, tokenizer] = [findTask("infill"), await readTokenizer(model)];
  const { documents, notes } = await readTrainingData(task, { data, columns: {} }, signal);
  const limits = { prefix: "", maxInputTokens: INPUT_TOKENS, maxTargetTokens: TARGET_TOKENS };
  const whole = infillDataset(tokenizer, documents, { ...limits, validationShare: 0.1, seed, leftOut: notes });
  if (whole.count < LEAST_WINDOWS) {
    throw new ModelError(
      "input",
      `${data} is too small ${purpose}: ${whole.count} windows of ${INPUT_TOKENS} tokens to learn from, and at least ${LEAST_WINDOWS} are needed. Name more text.`,
    );
  }
  const validation = seededSample(whole.validation, MOST_VALIDATION, seededRandom(seed));
  const bytes = documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  return { dataset: { ...whole, validation, judged: [] }, bytes, notes };
}
