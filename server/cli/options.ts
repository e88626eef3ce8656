/**
 * Options that several commands share, and their parsers: a wrong value ends the command with exit code 2 and a
 * message that names it.
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { DEVICES } from "../../protocol/devices.ts";

/** Adds --model, --adapter, --precision, --device, --threads and --json. */
export function withModelOptions(command: Command): Command {
  return withJson(withModel(command).option("--threads <n>", THREADS_HELP, atLeast(1)));
}

/**
 * Adds --model, --adapter, --precision, --device, --processes and --json; --threads, as the number of processes was
 * named, still works.
 */
export function withPoolOptions(command: Command): Command {
  return withJson(
    withModel(command)
      .option(
        "--processes <n>",
        "single-threaded processes that run the model (default: one for each core, at most 8)",
        atLeast(1),
      )
      .addOption(new Option("--threads <n>").argParser(atLeast(1)).hideHelp()),
  );
}

/** Help for --threads: the default is that of the engine (defaultThreads). */
const THREADS_HELP = "threads of one operator (default: half of the logical cores if more than four, otherwise all)";

function withModel(command: Command): Command {
  return command
    .option("-m, --model <id|dir>", "a model's id, or a folder: ./DIR or an absolute path (default: built-in)")
    .option("--adapter <id|dir>", "an adapter of the model; without --model, of the model that it names itself")
    .addOption(new Option("--precision <precision>", "of the weights").choices(["int8", "float32"]).default("int8"))
    .addOption(
      new Option("--device <device>", "device to run on; all except the CPU need float32 (spanfill devices lists them)")
        .choices(["auto", ...DEVICES])
        .default("auto"),
    );
}

/** Adds --json. */
export function withJson(command: Command): Command {
  return command.option("--json", "print one line of JSON, also for errors");
}

/** A parser of whole numbers from `least`. */
export function atLeast(least: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (value.trim() === "" || !Number.isSafeInteger(number) || number < least) {
      throw new InvalidArgumentError(`Use a whole number of at least ${least}.`);
    }
    return number;
  };
}

/** A parser of finite numbers above `least` (or, if `inclusive`, from it) and up to `most`. */
export function between(least: number, most: number, inclusive = true): (value: string) => number {
  return (value) => {
    const number = Number(value);
    const low = inclusive ? number >= least : number > least;
    if (value.trim() === "" || !Number.isFinite(number) || !low || number > most) {
      const range = Number.isFinite(most) ? ` and at most ${most}` : "";
      throw new InvalidArgumentError(`Use a number ${inclusive ? "of at least" : "above"} ${least}${range}.`);
    }
    return number;
  };
}

/** Parses token ids from a nonempty JSON array of whole numbers. */
export function tokenIds(value: string): number[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    parsed = undefined;
  }
  const isId = (id: unknown): id is number => Number.isSafeInteger(id) && (id as number) >= 0;
  if (!Array.isArray(parsed) || parsed.length === 0 || !parsed.every(isId)) {
    throw new InvalidArgumentError('Use a JSON array of token ids, like "[8774, 1]".');
  }
  return parsed;
}

/** Parses column names by their roles: `text=body,summary=abstract`. */
export function columnList(value: string): Record<string, string> {
  return Object.fromEntries(
    value.split(",").map((pair) => {
      const [role = "", column = ""] = pair.split(/=(.*)/s).map((part) => part.trim());
      if (role === "" || column === "") throw new InvalidArgumentError("Use ROLE=COLUMN, and commas between pairs.");
      return [role, column];
    }),
  );
}

/** Parses a comma-separated list of at least two different labels. */
export function labelList(value: string): string[] {
  const labels = [...new Set(value.split(",").map((label) => label.trim()))].filter((label) => label !== "");
  if (labels.length < 2) throw new InvalidArgumentError("Use at least two labels, separated by commas.");
  return labels;
}
