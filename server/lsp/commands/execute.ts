/** The commands of workspace/executeCommand: a table of their handlers, which get checked arguments. */
import * as z from "zod";
import { COMMAND_NAMES, type CommandName, type Commands, commandId, FORMER_NAMES } from "../../../protocol/commands.ts";
import { DEFAULT_MARKER } from "../../features/write/gaps.ts";
import { fillGapsInText, summarizeText } from "../../tools.ts";
import { asked, DEADLINES } from "../deadlines.ts";
import { type Call, withModel } from "../document/document-work.ts";
import { summarizeFolder } from "../document/summaries.ts";
import { invalidParams } from "../errors.ts";
import type { Services } from "../services.ts";
import { ARGUMENTS, type CheckedArguments } from "./arguments.ts";
import { askRange, classifyRange, summarizeRange } from "./ask.ts";
import { forgetSummaries, freeModelMemory, restartEngine, status } from "./engine.ts";
import { continueHere, continueText, explainSuggestion } from "./suggest.ts";
import { fillGapsInPart, rephrasePart, writeField } from "./write.ts";

type Handlers = {
  readonly [Name in CommandName]: (
    services: Services,
    args: CheckedArguments[Name],
    call: Call,
  ) => Promise<Commands[Name]["result"]>;
};

const HANDLERS: Handlers = {
  summarizeRange,
  summarizeText: (services, args, call) =>
    asked(services, DEADLINES.reading(args.text.length), call.signal, (signal) =>
      withModel(services, "summarize", async (model) => summarizeText(await model(), args, { signal })),
    ),
  summarizeFolder,
  forgetSummaries,
  fillGaps: fillGapsInPart,
  fillGapsInText: (services, args, call) =>
    asked(services, DEADLINES.fills(args.text.split(DEFAULT_MARKER).length), call.signal, (signal) =>
      withModel(services, "infill", async (model) => fillGapsInText(await model(), args, { signal })),
    ),
  rephrase: rephrasePart,
  writeField,
  continueHere,
  continueText,
  explainSuggestion,
  askRange,
  classifyRange,
  freeModelMemory,
  restartEngine,
  status,
};

/** Names by ids, the former ones too. */
const NAMES = new Map<string, CommandName>([
  ...COMMAND_NAMES.map((name) => [commandId(name), name] as const),
  ...Object.entries(FORMER_NAMES).map(([former, name]) => [`spanfill.${former}`, name] as const),
]);

/** The ids that the server announces. A client may refuse to send others, so the former ones are among them. */
export const COMMAND_IDS: readonly string[] = [...NAMES.keys()];

/** Parameters of workspace/executeCommand. */
export const executeCommandParams = z.object({
  command: z.string(),
  arguments: z.array(z.unknown()).optional(),
  workDoneToken: z.union([z.string(), z.int()]).optional(),
});

type ExecuteParams = z.output<typeof executeCommandParams>;

/**
 * Runs a command.
 * @throws ResponseError InvalidParams for an unknown command, or for arguments that are not those of the command
 */
export async function executeCommand(
  services: Services,
  { command, arguments: args, workDoneToken: token }: ExecuteParams,
  signal: AbortSignal,
): Promise<unknown> {
  const name = NAMES.get(command);
  if (name === undefined) {
    throw invalidParams(`There is no command "${command}". Commands: ${COMMAND_NAMES.map(commandId).join(", ")}.`);
  }
  return run(name, args?.[0], services, { token, signal });
}

/** Milliseconds that a command may take. */
export async function commandDeadline(
  { command, arguments: args }: ExecuteParams,
  services: Services,
): Promise<number> {
  const name = NAMES.get(command);
  if (name === undefined) return DEADLINES.lookup;
  const { commandDeadline } = await import("../request-deadlines.ts");
  return commandDeadline(name, args?.[0], services.findDocument);
}

/** Whether a command, when it is cancelled, answers with what it has done. */
export function isPartial({ command }: ExecuteParams): boolean {
  return NAMES.get(command) === "summarizeFolder";
}

function run<Name extends CommandName>(name: Name, argument: unknown, services: Services, call: Call) {
  const schemas: { readonly [Each in CommandName]: z.ZodType<CheckedArguments[Each]> } = ARGUMENTS;
  // A command that needs nothing may come without an argument.
  return HANDLERS[name](services, schemas[name].parse(argument ?? {}), call);
}
