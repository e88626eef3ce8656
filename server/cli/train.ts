/** `spanfill train`: teaches a model one's own texts, on this machine. */
import { Command, InvalidArgumentError, Option } from "commander";
import { TRAIN_BOUNDS } from "../../protocol/train-bounds.ts";
import { printNote } from "../output.ts";
import { BENCHMARKS, OWN_TASKS, TASK_NAMES } from "../training/data/task-names.ts";
import type { TrainRequest } from "../training/run/request.ts";
import { MACHINE_SETTINGS } from "../training/run/run.ts";
import { SCHEDULES } from "../training/step/schedule.ts";
import { UsageError } from "../work.ts";
import { between, columnList, THREADS_HELP, within, withJson } from "./options.ts";
import { runCommand } from "./terminal.ts";

interface Options
  extends Omit<TrainRequest, "columns" | "restart" | "task" | "data" | "freezeEmbedding" | "learningRate"> {
  readonly task?: string;
  readonly data?: string;
  readonly columns?: Record<string, string>;
  readonly freezeEmbedding?: boolean;
  readonly lr?: number;
  readonly restart?: boolean;
  readonly resume?: string;
  readonly control?: boolean | string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** The command; its action prints the losses before and after, or events as lines of JSON with --json. */
export function trainCommand(): Command {
  const command = new Command("train")
    .summary("fine-tune a model on your own texts")
    .description(
      "Fine-tune a model on your own texts, on this machine's processor, and write it as a new model folder that transformers loads too. The weights that do best on examples kept out are the ones written. Ctrl+C pauses: --resume goes on; a second Ctrl+C stops at once, and then at most a minute is lost.",
    )
    .addOption(new Option("-t, --task <task>", "what to learn").choices(TASK_NAMES))
    .option("-d, --data <file>", "rows (.jsonl, .json, .csv, .tsv, .parquet), a dataset folder, or a folder of texts")
    .option("-b, --base <id|dir>", "the model to start from (default: built-in)")
    .option("-o, --out <folder>", "where the trained model goes (default: ./BASE-TASK)")
    .option("--resume <folder>", "go on with the run that was stopped there")
    .option("--restart", "forget a run that was stopped")
    .addOption(
      new Option("--method <method>", "what learns (default: what suits the model and the machine)").choices([
        "full",
        "lora",
        "prompt",
      ]),
    )
    .option("--columns <list>", "columns whose names do not tell their role: text=body,summary=abstract", columnList)
    .option("--input-column <name>", "the column of the input")
    .option("--target-column <name>", "the column of what is to be learned")
    .option("--template <text>", 'inputs of several columns: "translate {language}: {sentence}"')
    .option("--prefix <text>", "stands before every input (default: the model's own for the task, else T5's)")
    .option("--epochs <n>", "times that every example is seen", within(TRAIN_BOUNDS.epochs), 5)
    .option("--lr <x>", "learning rate (default: by method; adafactor's is relative)", between(0, 100, false))
    .option("--batch-size <n>", "examples of a step", within(TRAIN_BOUNDS.batchSize), 16)
    .addOption(
      new Option("--optimizer <name>", "(default: adafactor; of lora and prompt adamw)").choices([
        "adafactor",
        "adamw",
      ]),
    )
    .addOption(new Option("--schedule <shape>", "of the learning rate").choices(SCHEDULES).default("constant"))
    .option("--warmup <n>", "steps of rising learning rate", within(TRAIN_BOUNDS.warmup), 0)
    .option("--weight-decay <x>", "share of a weight lost at each step, times the rate", between(0, 1), 0)
    .option("--clip-norm <x>", "largest norm of the gradients; 0: any", between(0, Number.POSITIVE_INFINITY), 0)
    .option("--dropout <x>", "share of values dropped (default: the model's own)", below1)
    .option("--label-smoothing <x>", "share of the target spread over the vocabulary", below1, 0)
    .option("--z-loss <x>", "weight of the squared log of the softmax's denominator", between(0, 1), 1e-4)
    .option("--freeze-embedding", "full: leave the embedding as it is")
    .option("--lora-rank <n>", "width of LoRA's matrices", within(TRAIN_BOUNDS.loraRank), 16)
    .option("--lora-alpha <x>", "LoRA's share is multiplied by alpha / rank", between(0, 1e6, false), 32)
    .option("--lora-dropout <x>", "share of LoRA's inputs dropped", below1, 0.05)
    .option("--lora-targets <list>", "layers LoRA learns beside", list, ["q", "v", "wi", "wi_0", "wi_1", "wo"])
    .option("--prompt-tokens <n>", "tokens of a soft prompt", within(TRAIN_BOUNDS.promptTokens), 20)
    .option("--max-input-tokens <n>", "inputs are cut to it (default: 512)", within(TRAIN_BOUNDS.maxInputTokens))
    .option(
      "--max-target-tokens <n>",
      "pairs with a longer target are left out (default: by task)",
      within(TRAIN_BOUNDS.maxTargetTokens),
    )
    .option(
      "--max-batch-tokens <n>",
      "tokens computed at once: less takes less memory",
      within(TRAIN_BOUNDS.maxBatchTokens),
      4096,
    )
    .option("--checkpointing", "compute layers twice to save memory (default: where memory is short)")
    .option("--validation-share <x>", "share of the sources kept out, where the data have no part for it", below1, 0.1)
    .option(
      "--evaluate-every <n>",
      "steps between two evaluations (default: an epoch)",
      within(TRAIN_BOUNDS.evaluateEvery),
    )
    .option(
      "--judged <n>",
      "validation examples that the model does its task on at each evaluation",
      within(TRAIN_BOUNDS.judged),
      50,
    )
    .option(
      "--patience <n>",
      "evaluations without a better one that end the run; 0: any number",
      within(TRAIN_BOUNDS.patience),
      3,
    )
    .option("--seed <n>", "of what is kept out, the order, the gaps and dropout", within(TRAIN_BOUNDS.seed), 0)
    .option("--threads <n>", THREADS_HELP, within(TRAIN_BOUNDS.threads))
    .option("--control [file]", "take pause, continue and stop, one a line, on standard input or from a file")
    .option("--dry-run", "say what the run would need, and end")
    .addHelpText(
      "after",
      `
Tasks:
${Object.entries(OWN_TASKS)
  .map(([name, about]) => `  ${name.padEnd(10)} ${about}`)
  .join("\n")}
  ${BENCHMARKS.join(", ")}: as T5 was taught them
Columns are found by their usual names ("spanfill data check" shows which). Rows of one source (column source, path, id or url) are
all learned from or all kept out. With --json each event is a line of JSON on standard output.

Examples:
  $ spanfill train --task summarize --data pairs.jsonl --out ./my-model
  $ spanfill train --task infill --data ./docs --epochs 10
  $ spanfill train --task classify --data train.csv --target-column intent --method lora
  $ spanfill summarize --model ./my-model README.md`,
    );
  return withJson(command).action((options: Options, { options: known }: Command) =>
    runCommand(options.json === true, async (work) => {
      const [{ runTrain }, { stayUp }] = await Promise.all([
        import("../training/run/start.ts"),
        import("../engine/process/stay-up.ts"),
      ]);
      // Hours of work shall not end with a stray exception.
      stayUp((line) => printNote(line));
      const { json = false, control = false, dryRun = false } = options;
      const given = known.filter((option) => command.getOptionValueSource(option.attributeName()) === "cli");
      return runTrain(await requestOf(options, given), { json, control, dryRun }, work);
    }),
  );
}

async function requestOf(
  { lr, resume, control: _, json: __, dryRun: ___, ...options }: Options,
  given: readonly Option[],
): Promise<TrainRequest> {
  const { task, data } = options;
  if (resume !== undefined) {
    const names = given.map((option) => option.attributeName());
    const refused = given.filter((_, i) => !ON_RESUME.has(names[i] ?? "")).map(({ long }) => long);
    if (refused.length > 0) {
      const free = MACHINE_SETTINGS.map((name) => `--${kebab(name)}`).join(", ");
      throw new UsageError(
        `--resume takes no ${refused.join(" and no ")}: the run knows what it was started with. What may change is ${free}.`,
      );
    }
    const request = await (await import("../training/run/request.ts")).readRequest(resume);
    const changed = Object.entries(options).filter(([name]) => names.includes(name));
    // Where it lies now: it may have been moved.
    return { ...request, ...Object.fromEntries(changed), out: resume };
  }
  if (task === undefined) throw new UsageError("--task is missing: what is to be learned?");
  if (data === undefined) throw new UsageError("--data is missing: name a file or a folder.");
  if (options.validationShare === 0) throw new UsageError("--validation-share must be above 0.");
  return {
    ...options,
    task,
    data,
    columns: options.columns ?? {},
    freezeEmbedding: options.freezeEmbedding === true,
    restart: options.restart === true,
    ...(lr === undefined ? {} : { learningRate: lr }),
  };
}

/** Options that a run takes when it goes on. */
const ON_RESUME: ReadonlySet<string> = new Set(["resume", "control", "json", "dryRun", ...MACHINE_SETTINGS]);

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function below1(value: string): number {
  const number = between(0, 1)(value);
  if (number === 1) throw new InvalidArgumentError("Use a number of at least 0 and below 1.");
  return number;
}

function list(value: string): string[] {
  return value.split(",").map((part) => part.trim());
}
