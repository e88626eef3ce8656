/** `spanfill train`: teaches a model one's own texts, on this machine. */
import { basename } from "node:path";
import { Command, type Option } from "commander";
import { FIELDS } from "../../../protocol/train-fields.ts";
import type { TrainRequest } from "../../../protocol/train-request.ts";
import { BENCHMARKS, OWN_TASKS } from "../../../protocol/train-tasks.ts";
import type { TrainEvent } from "../../../protocol/training.ts";
import { type CommandResult, UsageError, type Work } from "../../command-work.ts";
import { printNote } from "../../output.ts";
import { withJson } from "../options.ts";
import { runCommand } from "../terminal.ts";
import { addFields, addRequestFile, givenFields, readRequestFile } from "./train-flags.ts";

/** Options beside the fields of the request. */
interface Options {
  readonly request?: string;
  readonly resume?: string;
  readonly control?: boolean | string;
  readonly dryRun?: boolean;
  readonly measure?: boolean;
  readonly json?: boolean;
}

/** The command; its action prints the losses before and after, or events as lines of JSON with --json. */
export function trainCommand(): Command {
  const command = new Command("train")
    .summary("fine-tune a model on your own texts")
    .description(
      "Fine-tune a model on your own texts, on this machine's processor, and write it as a new model folder that transformers loads too. The weights that do best on examples kept out are the ones written. Ctrl+C pauses: --resume goes on; a second Ctrl+C stops at once, and then at most a minute is lost.",
    );
  addFields(command, (name) => WHERE.includes(name));
  command.option("--resume <folder>", "go on with the run that was stopped there");
  addFields(command, (name) => !WHERE.includes(name));
  addRequestFile(command);
  command
    .option("--control [file]", "take pause, continue and stop, one a line, on standard input or from a file")
    .option("--dry-run", "say what the run would need, and end")
    .option("--measure", "time the base where --on says and here, with words without a meaning, and end")
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
  return withJson(command).action((options: Options) =>
    runCommand(
      options.json === true,
      async (work) => {
        const { stayUp } = await import("../../engine/process/stay-up.ts");
        // Hours of work shall not end with a stray exception.
        stayUp((line) => printNote(line));
        return train(await requestOf(command, options, work.signal), options, work);
      },
      { ends: true },
    ),
  );
}

async function train(
  request: TrainRequest,
  { json = false, control = false, dryRun = false, measure = false }: Options,
  { signal, progress }: Work,
): Promise<CommandResult> {
  const [{ runTraining, trainingNeeds }, { eventPrinter, needsInWords, paceInWords, reportInWords }] =
    await Promise.all([import("../../training/run/start.ts"), import("./print-training.ts")]);
  if (dryRun) {
    const needs = await trainingNeeds(request, signal);
    return { text: needsInWords(needs), json: needs };
  }
  if (measure) {
    const { measurePace } = await import("../../training/cluster/pace.ts");
    const pace = await measurePace(request, signal);
    return { text: `${paceInWords(pace)}\n`, json: pace };
  }
  const print = eventPrinter(json, progress);
  let done: TrainEvent | undefined;
  const onEvent = (event: TrainEvent) => {
    if (event.type === "done") done = event;
    else print(event);
  };
  const report = await runTraining(request, { signal, control, onEvent });
  const again = `spanfill train --resume ${request.out ?? basename(report.out)}`;
  return {
    text: reportInWords(report),
    json: done ?? {},
    ...(report.cancelled && {
      cancelled: `Paused after step ${report.steps}, which is saved. Go on with: ${again}`,
    }),
  };
}

async function requestOf(command: Command, { resume, request }: Options, signal: AbortSignal): Promise<TrainRequest> {
  const given = givenFields(command);
  if (resume !== undefined) {
    refuseOnResume(command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === "cli"));
    const { readRequest } = await import("../../training/run/request.ts");
    // Where it lies now: it may have been moved.
    return { ...(await readRequest(resume)), ...given, out: resume };
  }
  if (request === undefined && given.task === undefined)
    throw new UsageError("--task is missing: what is to be learned?");
  if (request === undefined && given.data === undefined)
    throw new UsageError("--data is missing: name a file or a folder.");
  return readRequestFile(request, given, signal);
}

/** @throws UsageError when an option would make another run of the one that goes on */
function refuseOnResume(given: readonly Option[]): void {
  const refused = given.filter(({ long }) => !GOING_ON.has(long)).map(({ long }) => long);
  if (refused.length === 0) return;
  throw new UsageError(
    `--resume takes no ${refused.join(" and no ")}: the run knows what it was started with. What may change is ${OF_MACHINE.join(", ")}.`,
  );
}

/** Fields whose flags come first. */
const WHERE: readonly string[] = ["task", "data", "base", "out"];

const OF_MACHINE = FIELDS.flatMap(([, { ofMachine, flag }]) => (ofMachine && flag ? [flag.names.split(" ")[0]] : []));

/** Options that a run takes when it goes on. */
const GOING_ON = new Set<string | undefined>(["--resume", "--control", "--json", "--dry-run", ...OF_MACHINE]);
