/** The tasks that a model can be trained on. */

/** Spanfill's own tasks, described for a person. */
export const OWN_TASKS = {
  summarize: "a text -> its summary",
  title: "a text -> its title",
  qa: "question and context -> the answer, as SQuAD has them",
  classify: "a text -> its label",
  infill: "texts -> filling their gaps (span corruption)",
  text: "any text -> any other, with --template for inputs of several columns",
  squad: "qa as T5 was taught it: blanks around every mark",
} as const;

/** The tasks of GLUE and SuperGLUE. */
export const BENCHMARKS = [
  "cola",
  "sst2",
  "mrpc",
  "qqp",
  "stsb",
  "mnli",
  "qnli",
  "rte",
  "wnli",
  "boolq",
  "cb",
  "copa",
] as const;

/** A name of {@link BENCHMARKS}. */
export type BenchmarkName = (typeof BENCHMARKS)[number];

/** A task that can be learned. */
export type TaskName = keyof typeof OWN_TASKS | BenchmarkName;

/** The names of all tasks. */
export const TASK_NAMES: readonly TaskName[] = [
  "summarize",
  "title",
  "qa",
  "classify",
  "infill",
  "text",
  "squad",
  ...BENCHMARKS,
];
