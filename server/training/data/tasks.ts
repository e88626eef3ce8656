/**
 * The tasks that a model can learn, in one table: data shape, prefix, limits and metrics. T5's own benchmarks
 * are there by name.
 */
import * as z from "zod";
import { ModelError } from "../../../models/errors.ts";
import { questionInput, TASK_PREFIXES } from "../../../protocol/task-prefixes.ts";
import { BENCHMARKS, type BenchmarkName, type TaskName } from "../../../protocol/train-tasks.ts";
import type { Metric } from "../run/judge.ts";
import { bodies, formatRoles, label, type Roles, source, text } from "./tables/rows.ts";

/** A row as it was picked by its task's roles. */
export type PickedRow = Readonly<Record<string, unknown>>;

/** A task to be learned. */
export interface TrainTask {
  readonly name: TaskName;
  readonly roles: Roles;
  /** The roles that --input-column and --target-column name. */
  readonly inputRole: string;
  readonly targetRole: string;
  /** Stands before every input unless the model or the user says otherwise. */
  readonly prefix: string;
  readonly maxTargetTokens: number;
  readonly metric: Metric;
  /** The text of a row and all targets that are right; the first is learned. */
  readonly pair: (row: PickedRow) => { readonly input: string; readonly accepted: readonly string[] };
}

const cellText = (row: PickedRow, role: string): string => String(row[role] ?? "");
const sourceName = label.optional();
const plain =
  (input: string, target: string): TrainTask["pair"] =>
  (row) => ({ input: cellText(row, input), accepted: [cellText(row, target)] });
const roles = (names: readonly string[], target: string, usual: readonly string[], targetSchema: z.ZodType): Roles => ({
  needed: { ...Object.fromEntries(names.map((name) => [name, [name]])), [target]: usual },
  optional: { source },
  schema: z.object({
    ...Object.fromEntries(names.map((name) => [name, text])),
    [target]: targetSchema,
    source: sourceName,
  }),
});
const labelNames = ["label", "category", "intent", "class", "target"];

const ownTasks: readonly TrainTask[] = [
  {
    name: "summarize",
    roles: formatRoles("summarize"),
    inputRole: "text",
    targetRole: "summary",
    prefix: TASK_PREFIXES.summarize,
    maxTargetTokens: 128,
    metric: "rouge",
    pair: plain("text", "summary"),
  },
  {
    name: "title",
    roles: formatRoles("title"),
    inputRole: "text",
    targetRole: "title",
    prefix: TASK_PREFIXES.title,
    maxTargetTokens: 48,
    metric: "rouge",
    pair: plain("text", "title"),
  },
  {
    name: "qa",
    roles: formatRoles("qa"),
    inputRole: "context",
    targetRole: "answers",
    prefix: "",
    maxTargetTokens: 48,
    metric: "squad",
    pair: (row) => ({
      input: questionInput(cellText(row, "question"), cellText(row, "context")),
      accepted: answersOf(row),
    }),
  },
  {
    name: "classify",
    roles: formatRoles("classify"),
    inputRole: "text",
    targetRole: "label",
    prefix: TASK_PREFIXES.classify,
    maxTargetTokens: 32,
    metric: "labels",
    pair: plain("text", "label"),
  },
  {
    name: "infill",
    roles: formatRoles("infill"),
    inputRole: "text",
    targetRole: "text",
    prefix: "",
    maxTargetTokens: 128,
    metric: "fills",
    pair: plain("text", "text"),
  },
  {
    name: "text",
    roles: {
      needed: { input: bodies.toReversed(), target: ["target", "output", "summary", "answer", "response", "label"] },
      optional: { source },
      schema: z.object({ input: text, target: label, source: sourceName }),
    },
    inputRole: "input",
    targetRole: "target",
    prefix: "",
    maxTargetTokens: 128,
    metric: "rouge",
    pair: plain("input", "target"),
  },
  {
    name: "squad",
    roles: formatRoles("qa"),
    inputRole: "context",
    targetRole: "answers",
    prefix: "",
    maxTargetTokens: 48,
    metric: "squad",
    pair: (row) => ({
      input: questionInput(spaced(cellText(row, "question")), spaced(cellText(row, "context"))),
      accepted: answersOf(row).map((answer) => spaced(answer)),
    }),
  },
];

/**
 * GLUE and SuperGLUE: columns in the order that T5 was given them (by name), and the words that stand for the labels'
 * numbers.
 */
const benchmarks: Readonly<
  Record<BenchmarkName, { readonly columns: readonly string[]; readonly labels: readonly string[] }>
> = {
  cola: { columns: ["sentence"], labels: ["unacceptable", "acceptable"] },
  sst2: { columns: ["sentence"], labels: ["negative", "positive"] },
  mrpc: { columns: ["sentence1", "sentence2"], labels: ["not_equivalent", "equivalent"] },
  qqp: { columns: ["question1", "question2"], labels: ["not_duplicate", "duplicate"] },
  stsb: { columns: ["sentence1", "sentence2"], labels: [] },
  mnli: { columns: ["hypothesis", "premise"], labels: ["entailment", "neutral", "contradiction"] },
  qnli: { columns: ["question", "sentence"], labels: ["entailment", "not_entailment"] },
  rte: { columns: ["sentence1", "sentence2"], labels: ["entailment", "not_entailment"] },
  wnli: { columns: ["sentence1", "sentence2"], labels: ["not_entailment", "entailment"] },
  boolq: { columns: ["passage", "question"], labels: ["False", "True"] },
  cb: { columns: ["hypothesis", "premise"], labels: ["entailment", "contradiction", "neutral"] },
  copa: { columns: ["choice1", "choice2", "premise", "question"], labels: ["choice1", "choice2"] },
};

/** The tasks there are. @see preprocessors.py of t5 for the benchmarks' texts (glue, stsb, squad) */
export const TASKS: readonly TrainTask[] = [
  ...ownTasks,
  ...BENCHMARKS.map((name): TrainTask => {
    const { columns, labels } = benchmarks[name];
    return {
      name,
      roles: roles(columns, "label", labelNames, label),
      inputRole: columns[0] ?? "",
      targetRole: "label",
      prefix: `${name} `,
      maxTargetTokens: 16,
      metric: labels.length === 0 ? "similarity" : "labels",
      pair: (row) => ({
        input: columns.map((column) => `${column}: ${cellText(row, column)}`).join(" "),
        accepted: [labels.length === 0 ? fifths(cellText(row, "label")) : labelWord(cellText(row, "label"), labels)],
      }),
    };
  }),
];

/**
 * Finds a task.
 * @param template of free text: `{column}` stands for a row's column; others are as they are
 * @throws ModelError "input" when there is no such task, or the template has no columns
 */
export function findTask(name: string, template?: string): TrainTask {
  const task = TASKS.find((candidate) => candidate.name === name);
  if (task === undefined) {
    throw new ModelError("input", `There is no task "${name}". Tasks: ${TASKS.map((task) => task.name).join(", ")}.`);
  }
  if (template === undefined) return task;
  const columns = [...new Set([...template.matchAll(/\{(\w+)\}/g)].map(([, column = ""]) => column))];
  if (columns.length === 0) {
    throw new ModelError(
      "input",
      `The template "${template}" names no column. Write one in braces: "translate: {source}".`,
    );
  }
  return {
    ...task,
    roles: roles(columns, task.targetRole, task.roles.needed[task.targetRole] ?? [], label),
    inputRole: columns[0] ?? "",
    pair: (row) => ({
      input: template.replace(/\{(\w+)\}/g, (_, column: string) => cellText(row, column)),
      accepted: [cellText(row, task.targetRole)],
    }),
  };
}

function answersOf(row: PickedRow): string[] {
  const { answers } = row;
  return Array.isArray(answers) ? answers.map(String) : [cellText(row, "answers")];
}

/** Blanks around marks, as t5's _pad_punctuation (RE2's \s is these five characters). */
function spaced(words: string): string {
  return words.replace(/[^_\t\n\f\r \p{N}\p{L}\p{M}]/gu, " $& ").replace(/[\t\n\f\r ]+/g, " ");
}

/** STS-B's scores as T5 writes them: to the nearest fifth. */
function fifths(score: string): string {
  const number = Number(score);
  if (!Number.isFinite(number) || score.trim() === "") return "";
  // In float32, halves to the even neighbor, as tf.round.
  const scaled = Math.fround(Math.fround(number) * 5);
  const floor = Math.floor(scaled);
  const rounded = scaled - floor === 0.5 ? floor + (floor % 2) : Math.round(scaled);
  return Math.fround(rounded / 5).toFixed(1);
}

/** A label's word for its number, or for false and true; a number without one (-1: not labelled) is nothing. */
function labelWord(label: string, labels: readonly string[]): string {
  if (label === "false" || label === "true") return labels[Number(label === "true")] ?? "";
  return /^-?\d+$/.test(label) ? (labels[Number(label)] ?? "") : label;
}
