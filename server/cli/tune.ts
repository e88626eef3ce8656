/** `spanfill tune`: teaches a model one's own texts, on this machine. */
import { Command, InvalidArgumentError, Option } from "commander";
import { SCHEDULES, type Schedule } from "../training/schedule.ts";
import { atLeast, between, columnList, withJson } from "./options.ts";
import { runCommand, UsageError } from "./terminal.ts";
import type { TuneTask } from "./tuning/data.ts";

interface Options {
  readonly task: TuneTask;
  readonly data: string;
  readonly out: string;
  readonly model?: string;
  readonly columns?: Record<string, string>;
  readonly prefix?: string;
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: "adafactor" | "adamw";
  readonly learningRate?: number;
  readonly schedule: Schedule;
  readonly warmup: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly dropout?: number;
  readonly labelSmoothing: number;
  readonly zLoss: number;
  readonly maxInputTokens: number;
  readonly maxTargetTokens: number;
  readonly maxBatchTokens: number;
  readonly validationShare: number;
  readonly evaluateEvery?: number;
  readonly patience: number;
  readonly seed: number;
  readonly threads?: number;
  readonly restart?: boolean;
  readonly json?: boolean;
}

/** The command; its action prints the losses before and after, or the run's report with --json. */
export function tuneCommand(): Command {
  const command = new Command("tune")
    .summary("fine-tune a model on your own texts")
    .description(
      "Fine-tune a model on your own texts, on this machine's processor, and write it as a new model folder. The weights that do best on examples kept out are the ones written. A run that was stopped goes on when the same command is given again.",
    )
    .addOption(
      new Option("-t, --task <task>", "what to learn")
        .choices(["summarize", "title", "infill", "text"])
        .makeOptionMandatory(),
    )
    .requiredOption("-d, --data <file>", "JSON lines (.gz and .zst too); infill: also a text file, or a folder of them")
    .requiredOption("-o, --out <folder>", "where the tuned model goes")
    .option("-m, --model <id|dir>", "the model to start from (default: built-in)")
    .option("--columns <list>", "columns whose names do not tell their role: text=body,summary=abstract", columnList)
    .option("--prefix <text>", "stands before every input (default: the model's own for the task)")
    .option("--epochs <n>", "times that every example is seen", atLeast(1), 5)
    .option("--batch-size <n>", "examples of a step", atLeast(1), 16)
    .addOption(new Option("--optimizer <name>").choices(["adafactor", "adamw"]).default("adafactor"))
    .option("--learning-rate <x>", "adafactor: relative, 1e-3 by default; adamw: 5e-4 by default", between(0, 1, false))
    .addOption(new Option("--schedule <shape>", "of the learning rate").choices(SCHEDULES).default("constant"))
    .option("--warmup <n>", "steps of rising learning rate", atLeast(0), 0)
    .option("--weight-decay <x>", "share of a weight lost at each step, times the rate", between(0, 1), 0)
    .option("--clip-norm <x>", "largest norm of the gradients; 0: any", between(0, Number.POSITIVE_INFINITY), 0)
    .option("--dropout <x>", "share of values dropped (default: the model's own)", below1)
    .option("--label-smoothing <x>", "share of the target spread over the vocabulary", below1, 0)
    .option("--z-loss <x>", "weight of the squared log of the softmax's denominator", between(0, 1), 1e-4)
    .option("--max-input-tokens <n>", "inputs are cut to it", atLeast(16), 512)
    .option("--max-target-tokens <n>", "pairs with a longer target are left out", atLeast(8), 128)
    .option("--max-batch-tokens <n>", "tokens computed at once: less takes less memory", atLeast(64), 4096)
    .option("--validation-share <x>", "share of the sources kept out for validation", below1, 0.1)
    .option("--evaluate-every <n>", "steps between two evaluations (default: an epoch)", atLeast(1))
    .option("--patience <n>", "evaluations without a better one that end the run; 0: any number", atLeast(0), 3)
    .option("--seed <n>", "of what is kept out, the order, the gaps and dropout", atLeast(0), 0)
    .option("--threads <n>", "threads of one operator (default: the machine's cores)", atLeast(1))
    .option("--restart", "forget a run that was stopped")
    .addHelpText(
      "after",
      `
Columns, found by their usual names: summarize: text, summary; title: text, title; infill: text; text: input, target.
Rows of one source (column source, path, id or url) are all learned from or all kept out.

Examples:
  $ spanfill tune --task summarize --data pairs.jsonl --out ./my-model
  $ spanfill tune --task infill --data ./docs --out ./my-model --epochs 10
  $ spanfill summarize --model ./my-model README.md`,
    );
  return withJson(command).action((options: Options) =>
    runCommand(options.json === true, async ({ signal, progress }) => {
      if (options.validationShare === 0) throw new UsageError("--validation-share must be above 0.");
      const { runTune } = await import("./tuning/run.ts");
      return runTune(
        {
          task: options.task,
          data: options.data,
          out: options.out,
          columns: options.columns ?? {},
          restart: options.restart === true,
          maxTargetTokens: options.maxTargetTokens,
          validationShare: options.validationShare,
          ...(options.model === undefined ? {} : { model: options.model }),
          ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
          ...(options.threads === undefined ? {} : { threads: options.threads }),
          ...(options.dropout === undefined ? {} : { dropoutRate: options.dropout }),
        },
        {
          epochs: options.epochs,
          batchSize: options.batchSize,
          maxBatchTokens: options.maxBatchTokens,
          maxInputTokens: options.maxInputTokens,
          optimizer: options.optimizer,
          learningRate: options.learningRate ?? (options.optimizer === "adafactor" ? 1e-3 : 5e-4),
          schedule: options.schedule,
          warmupSteps: options.warmup,
          weightDecay: options.weightDecay,
          clipNorm: options.clipNorm,
          evaluateEvery: options.evaluateEvery ?? 0,
          patience: options.patience,
          seed: options.seed,
          labelSmoothing: options.labelSmoothing,
          zLoss: options.zLoss,
        },
        { signal, progress },
      );
    }),
  );
}

function below1(value: string): number {
  const number = between(0, 1)(value);
  if (number === 1) throw new InvalidArgumentError("Use a number of at least 0 and below 1.");
  return number;
}
