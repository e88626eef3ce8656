/** The settings of a run as a form shows them: what each is for, what may stand in it, and what is taken where nothing does. */
import type { RunRequest } from "../../../../../protocol/runs.ts";
import { t } from "../../ui/texts.ts";

/** A setting's name in the request. */
export type SettingName = Exclude<keyof RunRequest, "task" | "data" | "base" | "columns">;

/** One setting. */
export interface Setting {
  readonly name: SettingName;
  readonly title: string;
  /** One line. */
  readonly help: string;
  /** What stands there while nothing is set. */
  readonly otherwise: string;
  readonly advanced: boolean;
  /** Only this method has it. */
  readonly only?: "full" | "lora" | "prompt";
  readonly input:
    | {
        readonly kind: "number";
        readonly min: number;
        readonly max: number;
        /** The bounds themselves are not allowed. */
        readonly aboveMin?: boolean;
        readonly belowMax?: boolean;
        readonly whole: boolean;
      }
    | { readonly kind: "choice"; readonly options: readonly { readonly value: string; readonly text: string }[] }
    | { readonly kind: "text"; readonly most: number };
}

const whole = (min: number, max: number) => ({ kind: "number", min, max, whole: true }) as const;
const number = (min: number, max: number) => ({ kind: "number", min, max, whole: false }) as const;
const share = { ...number(0, 1), belowMax: true };
const automatic = { value: "", text: t("automatic") };
const yesNo = {
  kind: "choice",
  options: [automatic, { value: "true", text: t("yes") }, { value: "false", text: t("no") }],
} as const;

/** All of them, in the order of the form. */
export const SETTINGS: readonly Setting[] = [
  {
    name: "method",
    title: t("Method"),
    help: t(
      "What learns: all weights, small matrices beside them, or a prompt. Automatic takes what suits the model and this machine.",
    ),
    otherwise: "",
    advanced: false,
    input: {
      kind: "choice",
      options: [
        automatic,
        { value: "full", text: t("all weights") },
        { value: "lora", text: "LoRA" },
        { value: "prompt", text: t("soft prompt") },
      ],
    },
  },
  {
    name: "epochs",
    title: t("Epochs"),
    help: t("How often every example is seen. The best evaluation is kept, so more does no harm but takes longer."),
    otherwise: "5",
    advanced: false,
    input: whole(1, 1000),
  },
  {
    name: "learningRate",
    title: t("Learning rate"),
    help: t("How far each step goes. Too high and the loss jumps; too low and nothing happens."),
    otherwise: t("by method"),
    advanced: false,
    input: { ...number(0, 100), aboveMin: true },
  },
  {
    name: "batchSize",
    title: t("Batch size"),
    help: t("Examples that one step learns from. Long batches are computed in parts, so memory does not depend on it."),
    otherwise: "16",
    advanced: false,
    input: whole(1, 4096),
  },
  {
    name: "inputColumn",
    title: t("Input column"),
    help: t("The column of the input, where its name does not tell."),
    otherwise: t("guessed"),
    advanced: true,
    input: { kind: "text", most: 200 },
  },
  {
    name: "targetColumn",
    title: t("Target column"),
    help: t("The column of what is to be learned, where its name does not tell."),
    otherwise: t("guessed"),
    advanced: true,
    input: { kind: "text", most: 200 },
  },
  {
    name: "prefix",
    title: t("Prefix"),
    help: t("Words before every input that tell the model its task. It needs the same ones later."),
    otherwise: t("the model's own for the task, else T5's"),
    advanced: true,
    input: { kind: "text", most: 500 },
  },
  {
    name: "freezeEmbedding",
    title: t("Leave the embedding as it is"),
    help: t("The table of word pieces does not learn: less memory, and rare words keep their meaning."),
    otherwise: "",
    advanced: true,
    only: "full",
    input: yesNo,
  },
  {
    name: "loraRank",
    title: t("LoRA rank"),
    help: t("Width of the matrices that learn beside the weights."),
    otherwise: "16",
    advanced: true,
    only: "lora",
    input: whole(1, 1024),
  },
  {
    name: "loraAlpha",
    title: t("LoRA alpha"),
    help: t("What the matrices say is multiplied by alpha / rank."),
    otherwise: "32",
    advanced: true,
    only: "lora",
    input: { ...number(0, 1e6), aboveMin: true },
  },
  {
    name: "loraDropout",
    title: t("LoRA dropout"),
    help: t("Share of the matrices' inputs that is dropped."),
    otherwise: "0.05",
    advanced: true,
    only: "lora",
    input: share,
  },
  {
    name: "promptTokens",
    title: t("Prompt tokens"),
    help: t("Length of the soft prompt that learns."),
    otherwise: "20",
    advanced: true,
    only: "prompt",
    input: whole(1, 1000),
  },
  {
    name: "optimizer",
    title: t("Optimizer"),
    help: t("Adafactor keeps little beside the weights, as T5 was trained; AdamW keeps twice their size."),
    otherwise: "",
    advanced: true,
    input: {
      kind: "choice",
      options: [automatic, { value: "adafactor", text: "Adafactor" }, { value: "adamw", text: "AdamW" }],
    },
  },
  {
    name: "schedule",
    title: t("Schedule"),
    help: t("How the learning rate goes on after its rise."),
    otherwise: "",
    advanced: true,
    input: {
      kind: "choice",
      options: [
        { value: "", text: t("constant (the default)") },
        { value: "linear", text: t("linear, to nothing") },
        { value: "cosine", text: t("cosine, to nothing") },
        { value: "inverse-sqrt", text: t("inverse square root") },
      ],
    },
  },
  {
    name: "warmup",
    title: t("Warm-up steps"),
    help: t("Steps in which the learning rate rises from nothing."),
    otherwise: "0",
    advanced: true,
    input: whole(0, 1e6),
  },
  {
    name: "weightDecay",
    title: t("Weight decay"),
    help: t("Share of a weight that each step takes away, times the learning rate."),
    otherwise: "0",
    advanced: true,
    input: number(0, 1),
  },
  {
    name: "clipNorm",
    title: t("Largest gradient norm"),
    help: t("Longer gradients are cut to it; 0 leaves all as they are."),
    otherwise: "0",
    advanced: true,
    input: number(0, Number.MAX_VALUE),
  },
  {
    name: "dropout",
    title: t("Dropout"),
    help: t("Share of values dropped while learning, against learning by heart."),
    otherwise: t("the model's own"),
    advanced: true,
    input: share,
  },
  {
    name: "labelSmoothing",
    title: t("Label smoothing"),
    help: t("Share of the target that is spread over the whole vocabulary."),
    otherwise: "0",
    advanced: true,
    input: share,
  },
  {
    name: "maxInputTokens",
    title: t("Longest input"),
    help: t("In tokens; longer inputs are cut. Shorter ones take less time and memory."),
    otherwise: "512",
    advanced: true,
    input: whole(16, 4096),
  },
  {
    name: "maxTargetTokens",
    title: t("Longest target"),
    help: t("In tokens; pairs with a longer target are left out."),
    otherwise: t("by task"),
    advanced: true,
    input: whole(2, 4096),
  },
  {
    name: "maxBatchTokens",
    title: t("Tokens computed at once"),
    help: t("Less takes less memory and a little more time; the result is the same."),
    otherwise: "4096",
    advanced: true,
    input: whole(64, 65_536),
  },
  {
    name: "checkpointing",
    title: t("Compute layers twice"),
    help: t("Saves most of the memory for a third more time."),
    otherwise: "",
    advanced: true,
    input: yesNo,
  },
  {
    name: "validationShare",
    title: t("Share kept out"),
    help: t("Examples that are never learned from: the run is judged by them."),
    otherwise: "0.1",
    advanced: true,
    input: { ...number(0, 1), aboveMin: true, belowMax: true },
  },
  {
    name: "evaluateEvery",
    title: t("Steps between evaluations"),
    help: t("How often the curve of the examples kept out gets a point."),
    otherwise: t("an epoch"),
    advanced: true,
    input: whole(1, 1e6),
  },
  {
    name: "judged",
    title: t("Examples judged"),
    help: t("Examples that the model does its task on at each evaluation; more gives surer figures."),
    otherwise: "50",
    advanced: true,
    input: whole(0, 10_000),
  },
  {
    name: "patience",
    title: t("Patience"),
    help: t("Evaluations without a better one that end the run; 0 waits for ever."),
    otherwise: "3",
    advanced: true,
    input: whole(0, 1000),
  },
  {
    name: "seed",
    title: t("Seed"),
    help: t("Of what is kept out, the order, the gaps and dropout: the same one gives the same run."),
    otherwise: "0",
    advanced: true,
    input: whole(0, 2 ** 31 - 1),
  },
  {
    name: "threads",
    title: t("Threads"),
    help: t("Fewer leave more of the machine to you."),
    otherwise: t("the machine's cores"),
    advanced: true,
    input: whole(1, 256),
  },
];
