/** The task to learn, with its data, model and method. */
import { choice, type Field, flag, formOf, t, text, yesNo } from "../field.ts";
import { TASK_NAMES } from "../train-tasks.ts";

const steps = formOf("steps");
const main = formOf("main");
const data = formOf("data");
const learning = formOf("learning");

export const TASK_FIELDS = {
  task: {
    type: choice(...TASK_NAMES),
    required: true,
    ofData: true,
    flag: flag("-t, --task <task>", "what to learn"),
    form: steps(t("Task")),
  },
  data: {
    type: text(1),
    required: true,
    ofData: true,
    flag: flag(
      "-d, --data <file>",
      "rows (.jsonl, .json, .csv, .tsv, .parquet), a dataset folder, or a folder of texts",
    ),
    form: steps(t("Data")),
  },
  base: {
    type: text(1),
    ofData: true,
    flag: flag("-b, --base <id|dir>", "the model to start from", "built-in"),
    form: steps(t("Base model")),
  },
  out: {
    type: text(1),
    flag: flag("-o, --out <folder>", "where the trained model goes", "./BASE-TASK"),
  },
  restart: { type: yesNo, default: false, flag: flag("--restart", "forget a run that was stopped") },
  method: {
    type: choice("full", "lora", "bottleneck", "prompt"),
    flag: flag("--method <method>", "what learns", "what suits the model and the machine"),
    form: main(
      t("Method"),
      t(
        "What is trained: all weights, small matrices beside them, small layers between them, or a prompt. Automatic chooses what suits the model and this machine.",
      ),
    ),
    choices: { full: t("all weights"), lora: "LoRA", bottleneck: t("bottleneck adapter"), prompt: t("soft prompt") },
  },
  /** Why that method; written down when a run begins. */
  reason: { type: text(0) },
  objective: {
    type: choice("spans", "ul2", "metro"),
    default: "spans",
    ofData: true,
    flag: flag("--objective <name>", "infill: how gaps are made; metro: replaced words are found and corrected"),
    form: learning(
      t("Gaps"),
      t(
        "How gaps are made: a few words each, as T5 learned, or of every length and at the end, as UL2 did. METRO learns from whole texts to find and correct words that a small model replaced.",
      ),
    ),
    choices: {
      spans: t("a few words (T5)"),
      ul2: t("every length, and the end (UL2)"),
      metro: t("none; replaced words are corrected (METRO)"),
    },
    onlyTask: "infill",
  },
  columns: {
    type: { kind: "columns" },
    default: {},
    ofData: true,
    flag: flag("--columns <list>", "columns whose names do not tell their role: text=body,summary=abstract"),
    form: steps(t("Columns")),
  },
  inputColumn: {
    type: text(0),
    otherwise: t("guessed"),
    ofData: true,
    flag: flag("--input-column <name>", "the column of the input"),
    form: data(t("Input column"), t("The column of the input, if its name does not tell.")),
  },
  targetColumn: {
    type: text(0),
    otherwise: t("guessed"),
    ofData: true,
    flag: flag("--target-column <name>", "the column of the text to learn"),
    form: data(t("Target column"), t("The column of the text to learn, if its name does not tell.")),
  },
  template: {
    type: text(0),
    ofData: true,
    flag: flag("--template <text>", 'inputs of several columns: "translate {language}: {sentence}"'),
    form: steps(t("Template")),
  },
  prefix: {
    type: text(0),
    otherwise: t("the model's own for the task, else T5's"),
    ofData: true,
    flag: flag("--prefix <text>", "text before every input"),
    form: data(
      t("Prefix"),
      t("Words before every input that tell the model its task. Later inputs need the same words."),
    ),
  },
} as const satisfies Readonly<Record<string, Field>>;
