/** Training requests on the command line: flags made from the table of fields, and files of JSON. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { reason } from "../../../base/reason.ts";
import { type Field, type FieldType, numberProblem, wantedInWords } from "../../../protocol/field.ts";
import { FIELDS } from "../../../protocol/train-fields.ts";
import type { TrainRequest } from "../../../protocol/train-request.ts";
import { UsageError } from "../../command-work.ts";
import { columnList } from "../options.ts";
import { readText } from "../terminal.ts";

/** Adds the flags of the fields that the test names. */
export function addFields(command: Command, isWanted: (name: string, field: Field) => boolean): void {
  for (const [name, field] of FIELDS) {
    const option = isWanted(name, field) ? optionOf(field) : undefined;
    if (option !== undefined) command.addOption(option);
  }
}

/** Adds --request. */
export function addRequestFile(command: Command): void {
  command.option(
    "--request <file>",
    'read the request from a JSON file ("-": standard input); options on the command line override it',
  );
}

/** The fields that the command line gives, by name. */
export function givenFields(command: Command): Partial<TrainRequest> {
  const given = FIELDS.flatMap(([name, field]) => {
    const attribute = optionOf(field)?.attributeName() ?? "";
    return command.getOptionValueSource(attribute) === "cli" ? [[name, command.getOptionValue(attribute)]] : [];
  });
  return Object.fromEntries(given);
}

/**
 * The request that a file of JSON and the flags beside it make.
 * @param file "-" is standard input; undefined where flags say all
 * @throws UsageError naming the file, the field and its values
 */
export async function readRequestFile(
  file: string | undefined,
  given: Partial<TrainRequest>,
  signal: AbortSignal,
): Promise<TrainRequest> {
  const { writtenRequestSchema, wrongFields } = await import("../../../protocol/train-request.ts");
  const name = file === "-" ? "standard input" : (file ?? "the options");
  const fields = file === undefined ? {} : parseObject(await readText(file, signal), name);
  const { success, data, error } = writtenRequestSchema.safeParse({ ...fields, ...given });
  if (!success) throw new UsageError(`${name}: ${wrongFields(error)}`);
  if (file === "-" && data.data === "-") {
    throw new UsageError("Standard input cannot hold both the request and the data. Put one of them into a file.");
  }
  return data;
}

function parseObject(text: string, name: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new UsageError(`${name} is not JSON (${reason(error)}). Write an object such as ${EXAMPLE}.`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new UsageError(`${name} holds no object. Write one such as ${EXAMPLE}.`);
}

const EXAMPLE = '{"task": "summarize", "data": "pairs.jsonl", "epochs": 3}';

/** The option of a field that the command line offers. */
function optionOf({ type, flag, otherwise, default: value }: Field): Option | undefined {
  if (flag === undefined) return undefined;
  const stands = flag.otherwise ?? otherwise;
  const option = new Option(flag.names, stands === undefined ? flag.help : `${flag.help} (default: ${stands})`);
  if (type.kind === "choice") option.choices(type.choices);
  else if (type.kind !== "switch") option.argParser(parserOf(type));
  return type.kind === "switch" || type.kind === "columns" || value === undefined ? option : option.default(value);
}

function parserOf(type: Exclude<FieldType, { readonly kind: "choice" | "switch" }>): (value: string) => unknown {
  const refuse = () => new InvalidArgumentError(wantedInWords(type));
  switch (type.kind) {
    case "number":
      return (value) => {
        const number = value.trim() === "" ? Number.NaN : Number(value);
        if (numberProblem(type, number) !== undefined) throw refuse();
        return number;
      };
    case "text":
      return (value) => {
        if (value.length < type.least || value.length > type.most) throw refuse();
        return value;
      };
    case "names":
      return (value) => value.split(",").map((part) => part.trim());
    case "columns":
      return columnList;
  }
}
