/** How the weights learn: passes over the data, optimizer, regularization, and the options of each method. */
import { choice, type Field, flag, formOf, number, share, t, whole, yesNo } from "../field.ts";

const main = formOf("main");
const method = formOf("method");
const learning = formOf("learning");

export const LEARNING_FIELDS = {
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
    flag: flag(
      "--optimizer <name>",
      "rule that updates the weights",
      "adafactor; adamw for lora, bottleneck and prompt",
    ),
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
  bottleneckLayout: {
    type: choice("houlsby", "pfeiffer", "parallel"),
    default: "houlsby",
    flag: flag(
      "--bottleneck <layout>",
      "where bottlenecks stand: after attention and feed-forward, after feed-forward, or beside it",
    ),
    form: method(t("Places"), t("Where the small layers stand.")),
    choices: {
      houlsby: t("after attention and feed-forward (Houlsby)"),
      pfeiffer: t("after feed-forward (Pfeiffer)"),
      parallel: t("beside feed-forward (parallel)"),
    },
    only: "bottleneck",
  },
  bottleneckSize: {
    type: whole(1, 4096),
    default: 32,
    flag: flag("--bottleneck-size <n>", "width of the bottlenecks"),
    form: method(t("Bottleneck size"), t("Width of the small layers.")),
    only: "bottleneck",
  },
  bottleneckScale: {
    type: { ...number(0, 1000), above: true },
    otherwise: t("1; 4 beside feed-forward"),
    flag: flag("--bottleneck-scale <x>", "factor of what bottlenecks add", "1; 4 for parallel"),
    form: method(t("Bottleneck scale"), t("What the small layers add is multiplied by it.")),
    only: "bottleneck",
  },
  promptTokens: {
    type: whole(1, 1000),
    default: 20,
    flag: flag("--prompt-tokens <n>", "tokens of a soft prompt"),
    form: method(t("Prompt tokens"), t("Length of the soft prompt.")),
    only: "prompt",
  },
} as const satisfies Readonly<Record<string, Field>>;
