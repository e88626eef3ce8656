/** Options that several commands take, parsed once: wrong values end with exit code 2 and a message that names them. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { DEVICES } from "../../protocol/devices.ts";

/** Adds --model, --precision, --threads and --json. */
export function withModelOptions(command: Command): Command {
  return withJson(
    command
      .option("-m, --model <id|dir>", "a model's id, or a folder: ./DIR or an absolute path (default: built-in)")
      .addOption(new Option("--precision <precision>", "of the weights").choices(["int8", "float32"]).default("int8"))
      .addOption(
        new Option(
          "--device <device>",
          "what to run on; others than the CPU take float32 (spanfill devices lists them)",
        )
          .choices(["auto", ...DEVICES])
          .default("auto"),
      )
      .option("--threads <n>", "threads of one operator (default: the machine's cores)", atLeast(1)),
  );
}

/** Adds --json. */
export function withJson(command: Command): Command {
  return command.option("--json", "print one line of JSON, errors too");
}

/** Parses a whole number. */
export function atLeast(least: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (value.trim() === "" || !Number.isSafeInteger(number) || number < least) {
      throw new InvalidArgumentError(`Use a whole number of at least ${least}.`);
    }
    return number;
  };
}

/** Parses a whole number of a range. */
export function within([least, most]: readonly [number, number]): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (value.trim() === "" || !Number.isSafeInteger(number) || number < least || number > most) {
      throw new InvalidArgumentError(`Use a whole number from ${least} to ${most}.`);
    }
    return number;
  };
}

/** Parses a finite number above (or, `inclusive`, from) a least and up to a most value. */
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

/** Parses token ids: a JSON array of whole numbers, not empty. */
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

/** Parses names of columns by the role they play: `text=body,summary=abstract`. */
export function columnList(value: string): Record<string, string> {
  return Object.fromEntries(
    value.split(",").map((pair) => {
      const [role = "", column = ""] = pair.split(/=(.*)/s).map((part) => part.trim());
      if (role === "" || column === "") throw new InvalidArgumentError("Use ROLE=COLUMN, with commas between several.");
      return [role, column];
    }),
  );
}

/** Parses labels with commas between them: at least two different ones. */
export function labelList(value: string): string[] {
  const labels = [...new Set(value.split(",").map((label) => label.trim()))].filter((label) => label !== "");
  if (labels.length < 2) throw new InvalidArgumentError("Use two labels or more, with commas between them.");
  return labels;
}
