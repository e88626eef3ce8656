/** Limits of length, memory and time, and the evaluations of a run. */
import { type Field, flag, formOf, share, t, whole, yesNo } from "../field.ts";

const learning = formOf("learning");

export const LIMIT_FIELDS = {
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
