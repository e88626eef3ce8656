/**
 * The fields of a training request, each described once. The zod schemas (train-request.ts), the flags of the command
 * line and their help, the panel's form and the benchmark's defaults are all made from this table. It is free of zod
 * because the panel's page imports it; esbuild.mjs leaves out of the client's bundles what they do not read.
 */
import { choice, type Field, type FieldGroup, flag, number, text, whole } from "./field.ts";
import { TASK_NAMES } from "./train-tasks.ts";

const share = { ...number(0, 1), below: true } as const;
const yesNo = { kind: "switch" } as const;

/** Places a field in a part of the panel's form. */
const formOf = (group: FieldGroup) => (label: string, help?: string) => ({ group, label, help });
const [steps, main, data, method, learning] = [
  formOf("steps"),
  formOf("main"),
  formOf("data"),
  formOf("method"),
  formOf("learning"),
];

/** Marks an English text for translation: scripts/l10n.mjs collects it, the page looks it up. */
function t(english: string): string {
  return english;
}

/** All fields, in the order of the command line's help. */
export const TRAIN_FIELDS = {
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
    type: choice("full", "lora", "prompt"),
    flag: flag("--method <method>", "what learns", "what suits the model and the machine"),
    form: main(
      t("Method"),
      t(
        "What is trained: all weights, small matrices beside them, or a prompt. Automatic chooses what suits the model and this machine.",
      ),
    ),
    choices: { full: t("all weights"), lora: "LoRA", prompt: t("soft prompt") },
  },
  /** Why that method; written down when a run begins. */
  reason: { type: text(0) },
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
  epochs: {
    type: whole(1, 1000),
    default: 5,
    flag: flag("--epochs <n>", "times every example is seen"),
    form: main(
      t("Epochs"),
      t("How often every example is seen. The best evaluation is kept, so more does no harm but takes longer."),
    ),
  },
  learningRate: {
    type: { ...number(0, 100), above: true },
    otherwise: t("by method"),
    flag: flag("--lr <x>", "learning rate; Adafactor's is relative to each weight's size"),
    form: main(
      t("Learning rate"),
      t("How far each step goes. Too high and the loss jumps; too low and nothing happens."),
    ),
  },
  batchSize: {
    type: whole(1, 4096),
    default: 16,
    flag: flag("--batch-size <n>", "examples of a step"),
    form: main(
      t("Batch size"),
      t("Examples that one step learns from. Long batches are computed in parts, so memory does not depend on it."),
    ),
  },
  optimizer: {
    type: choice("adafactor", "adamw"),
    flag: flag("--optimizer <name>", "rule that updates the weights", "adafactor; adamw for lora and prompt"),
    form: learning(
      t("Optimizer"),
      t("Adafactor keeps little beside the weights, as T5 was trained; AdamW keeps twice their size."),
    ),
    choices: { adafactor: "Adafactor", adamw: "AdamW" },
  },
  schedule: {
    type: choice("constant", "linear", "cosine", "inverse-sqrt"),
    default: "constant",
    flag: flag("--schedule <shape>", "shape of the learning rate over the run"),
    form: learning(t("Schedule"), t("How the learning rate changes after the warm-up.")),
    choices: {
      constant: t("constant (the default)"),
      linear: t("linear, to zero"),
      cosine: t("cosine, to zero"),
      "inverse-sqrt": t("inverse square root"),
    },
  },
  warmup: {
    type: whole(0, 1_000_000),
    default: 0,
    flag: flag("--warmup <n>", "steps of rising learning rate"),
    form: learning(t("Warm-up steps"), t("Steps in which the learning rate rises from zero.")),
  },
  weightDecay: {
    type: number(0, 1),
    default: 0,
    flag: flag("--weight-decay <x>", "share of a weight lost at each step, times the rate"),
    form: learning(t("Weight decay"), t("Share of a weight that each step takes away, times the learning rate.")),
  },
  clipNorm: {
    type: number(0, Number.MAX_VALUE),
    default: 0,
    flag: flag("--clip-norm <x>", "largest norm of the gradients; 0: any"),
    form: learning(t("Largest gradient norm"), t("Longer gradients are cut to it; 0 leaves all as they are.")),
  },
  dropout: {
    type: share,
    otherwise: t("the model's own"),
    flag: flag("--dropout <x>", "share of values dropped"),
    form: learning(t("Dropout"), t("Share of values dropped during training, against memorizing.")),
  },
  labelSmoothing: {
    type: share,
    default: 0,
    flag: flag("--label-smoothing <x>", "share of the target spread over the vocabulary"),
    form: learning(t("Label smoothing"), t("Share of the target that is spread over the whole vocabulary.")),
  },
  zLoss: {
    type: number(0, 1),
    default: 1e-4,
    flag: flag("--z-loss <x>", "weight of the squared log of the softmax's denominator"),
  },
  freezeEmbedding: {
    type: yesNo,
    default: false,
    flag: flag("--freeze-embedding", "full: leave the embedding as it is"),
    form: method(
      t("Leave the embedding as it is"),
      t("The table of word pieces does not learn: less memory, and rare words keep their meaning."),
    ),
    only: "full",
  },
  loraRank: {
    type: whole(1, 1024),
    default: 16,
    flag: flag("--lora-rank <n>", "width of LoRA's matrices"),
    form: method(t("LoRA rank"), t("Width of the matrices that learn beside the weights.")),
    only: "lora",
  },
  loraAlpha: {
    type: { ...number(0, 1e6), above: true },
    default: 32,
    flag: flag("--lora-alpha <x>", "LoRA's share is multiplied by alpha / rank"),
    form: method(t("LoRA alpha"), t("The output of the matrices is multiplied by alpha / rank.")),
    only: "lora",
  },
  loraDropout: {
    type: share,
    default: 0.05,
    flag: flag("--lora-dropout <x>", "share of LoRA's inputs dropped"),
    form: method(t("LoRA dropout"), t("Share of the matrices' inputs that is dropped.")),
    only: "lora",
  },
  loraTargets: {
    type: { kind: "names" },
    default: ["q", "v", "wi", "wi_0", "wi_1", "wo"],
    flag: flag("--lora-targets <list>", "layers LoRA learns beside"),
  },
  promptTokens: {
    type: whole(1, 1000),
    default: 20,
    flag: flag("--prompt-tokens <n>", "tokens of a soft prompt"),
    form: method(t("Prompt tokens"), t("Length of the soft prompt.")),
    only: "prompt",
  },
  maxInputTokens: {
    type: whole(16, 4096),
    default: 512,
    ofData: true,
    flag: flag("--max-input-tokens <n>", "inputs are cut to it"),
    form: learning(t("Longest input"), t("In tokens; longer inputs are cut. Shorter ones take less time and memory.")),
  },
  maxTargetTokens: {
    type: whole(2, 4096),
    otherwise: t("by task"),
    ofData: true,
    flag: flag("--max-target-tokens <n>", "pairs with a longer target are left out"),
    form: learning(t("Longest target"), t("In tokens; pairs with a longer target are left out.")),
  },
  maxBatchTokens: {
    type: whole(64, 65_536),
    default: 4096,
    ofMachine: true,
    flag: flag("--max-batch-tokens <n>", "tokens computed at once; fewer take less memory"),
    form: learning(
      t("Tokens computed at once"),
      t("Less takes less memory and a little more time; the result is the same."),
    ),
  },
  checkpointing: {
    type: yesNo,
    ofMachine: true,
    flag: flag("--checkpointing", "compute layers twice to save memory", "where memory is short"),
    form: learning(t("Compute layers twice"), t("Saves most of the memory for a third more time.")),
  },
  validationShare: {
    type: { ...share, above: true },
    default: 0.1,
    flag: flag(
      "--validation-share <x>",
      "share of the sources kept out for validation, if the data have no part for it",
    ),
    form: learning(t("Share kept out"), t("Examples that are never learned from: the run is judged by them.")),
  },
  evaluateEvery: {
    type: whole(1, 1_000_000),
    otherwise: t("an epoch"),
    ofMachine: true,
    flag: flag("--evaluate-every <n>", "steps between two evaluations"),
    form: learning(t("Steps between evaluations"), t("How often the validation curve gets a point.")),
  },
  judged: {
    type: whole(0, 10_000),
    default: 50,
    ofMachine: true,
    flag: flag("--judged <n>", "validation examples on which the model does its task at each evaluation"),
    form: learning(
      t("Examples judged"),
      t("Examples on which the model does its task at each evaluation; more examples give more reliable figures."),
    ),
  },
  patience: {
    type: whole(0, 1000),
    default: 3,
    ofMachine: true,
    flag: flag("--patience <n>", "evaluations without an improvement after which the run ends; 0: never"),
    form: learning(t("Patience"), t("Evaluations without an improvement after which the run ends; 0: never.")),
  },
  seed: {
    type: whole(0, 2 ** 31 - 1),
    default: 0,
    flag: flag("--seed <n>", "seed of what is kept out, the order, the gaps and dropout"),
    form: learning(
      t("Seed"),
      t("Determines what is kept out, the order, the gaps and dropout: the same seed gives the same run."),
    ),
  },
  threads: {
    type: whole(1, 256),
    otherwise: t("by machine"),
    ofMachine: true,
    flag: flag(
      "--threads <n>",
      "threads of one operator",
      "half of the logical cores if more than four, otherwise all",
    ),
    form: learning(t("Threads"), t("Fewer leave more of the machine to you.")),
  },
} as const satisfies Readonly<Record<string, Field>>;

/** A field's name. */
export type FieldName = keyof typeof TRAIN_FIELDS;

/** The fields, by name. */
export const FIELDS: readonly (readonly [name: FieldName, field: Field])[] = Object.entries(TRAIN_FIELDS) as [
  FieldName,
  Field,
][];
