/** Evaluation of short answers: to questions about a text, and labels. */
import { prefixedText } from "../../models/tokenizer/parts.ts";
import { questionInput } from "../../protocol/task-prefixes.ts";
import type { LoadedModel } from "../engine/engine.ts";
import { evaluateAnswers, evaluateLabels } from "../metrics/evaluate.ts";
import { answerScores } from "../metrics/metrics.ts";
import type { Row } from "../training/data/tables/rows.ts";
import { type Produced, predicted, type TaskContext, type TaskResult } from "./evaluated-task.ts";

/** Evaluates answers to questions, phrased as in T5's training: `question: ... context: ...`. */
export async function answerTask(rows: readonly Row<"qa">[], context: TaskContext): Promise<TaskResult> {
  const inputs = rows.map(({ row, question, context: text }) => ({
    row,
    prefix: context.pool.info.prefixes.qa ?? "",
    text: questionInput(question, text),
  }));
  const written = await answerAll(inputs, MOST_ANSWER_TOKENS, "Answering", context);
  const accepted = rows.map(({ answers }) => answers);
  const texts = written.map(({ text }) => text);
  return {
    groups: evaluateAnswers(accepted, [{ name: "model", texts }], context.seed),
    notes: [
      `Input "question: ... context: ...", greedy, at most ${MOST_ANSWER_TOKENS} tokens. Exact match and F1 of words as SQuAD's: case, punctuation and articles ignored, the best over the accepted answers.`,
      ...cutNote(written),
    ],
    predictions: rows.map(({ row, source, answers }, i) => {
      return { row, source, reference: answers, ...predicted(written[i]), ...answerScores(answers, texts[i] ?? "") };
    }),
  };
}

/** Evaluates labels that the model generates as text, compared with the most frequent one. */
export async function labelTask(
  rows: readonly Row<"classify">[],
  context: TaskContext,
  prefix: string,
): Promise<TaskResult> {
  const truth = rows.map(({ label }) => label);
  const counts = new Map<string, number>();
  for (const label of truth) counts.set(label, (counts.get(label) ?? 0) + 1);
  const [[majority = ""] = []] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const inputs = rows.map(({ row, text }) => ({ row, prefix, text }));
  const written = await answerAll(inputs, MOST_LABEL_TOKENS, "Classifying", context);
  const texts = written.map(({ text }) => text);
  const outputs = [
    { name: "model", texts },
    { name: "most frequent label", texts: truth.map(() => majority) },
  ];
  return {
    ...evaluateLabels(truth, outputs, context.seed),
    notes: [
      `Input "${prefix}...", greedy; what the model writes is compared with the ${counts.size} labels as text, case ignored. Macro F1: mean over labels.`,
      `The most frequent label here: ${majority} (${counts.get(majority)} of ${truth.length}).`,
      ...cutNote(written),
    ],
    predictions: rows.map(({ row, source, label }, i) => {
      const exact = texts[i]?.toLowerCase() === label.toLowerCase();
      return { row, source, reference: label, ...predicted(written[i]), exact };
    }),
  };
}

const WINDOW_TOKENS = 512;
const MOST_ANSWER_TOKENS = 48;
const MOST_LABEL_TOKENS = 32;

interface PrefixedInput {
  readonly row: number;
  /** May contain names of tokens, such as those of a soft prompt. */
  readonly prefix: string;
  readonly text: string;
}

interface WrittenAnswer extends Produced {
  /** Whether the input was longer than the window. */
  readonly cut: boolean;
}

async function answerAll(
  inputs: readonly PrefixedInput[],
  maxNewTokens: number,
  label: string,
  { pool, signal, progress }: TaskContext,
): Promise<WrittenAnswer[]> {
  const answer = async (model: LoadedModel, { prefix, text }: PrefixedInput): Promise<WrittenAnswer> => {
    const parts = prefixedText(prefix, text);
    const [ids, input] = await Promise.all([model.encode(parts), model.encode(parts, WINDOW_TOKENS)]);
    const { sequences } = await model.generate({ inputs: [input], maxNewTokens }, { signal });
    const best = sequences[0]?.[0];
    return { text: best?.text.trim() ?? "", logProbs: best?.logProbs ?? [], cut: ids.length > WINDOW_TOKENS };
  };
  return pool.map(inputs, answer, { signal, onDone: (done) => progress(label, done, inputs.length) });
}

function cutNote(answers: readonly WrittenAnswer[]): string[] {
  const cut = answers.filter((answer) => answer.cut).length;
  return cut === 0
    ? []
    : [`${cut} of ${answers.length} inputs are longer than ${WINDOW_TOKENS} tokens; their ends were not read.`];
}
