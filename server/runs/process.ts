/** Starts `spanfill`: for an answer, or as a run that outlives this process and its parents. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as z from "zod";
import { ModelError } from "../../models/errors.ts";
import type { TrainRequestInput } from "../../protocol/train-request.ts";
import { errorCode } from "../engine/process/messages.ts";

/** The command line, which lies beside this bundle. */
export function defaultCli(): string {
  return fileURLToPath(new URL("./cli.js", import.meta.url));
}

/**
 * Runs a command that answers a question about a request, which it reads from standard input.
 * @param schema checks the answer
 * @param secret variables beside this process's
 * @throws ModelError with the command's own message
 */
export async function askCli<Answer>(
  cli: string,
  command: readonly string[],
  request: TrainRequestInput,
  schema: z.ZodType<Answer>,
  signal: AbortSignal,
  secret: NodeJS.ProcessEnv = {},
): Promise<Answer> {
  const options = { env: { ...environment(), ...secret }, signal, maxBuffer: 64 << 20, windowsHide: true };
  const running = promisify(execFile)(process.execPath, [cli, ...command, "--request=-", "--json"], options);
  // A command that ends before it has read its input reports why.
  running.child.stdin?.on("error", () => undefined).end(JSON.stringify(request));
  const { stdout } = await running.catch((error: unknown) => {
    signal.throwIfAborted();
    const { stdout } = z.object({ stdout: z.string() }).catch({ stdout: "" }).parse(error);
    const failure = failureOf(stdout);
    if (failure !== undefined) throw new ModelError(failure.code, failure.message, { cause: error });
    throw new ModelError("process", `spanfill ${command.join(" ")} ended without an answer.`, { cause: error });
  });
  return schema.parse(JSON.parse(stdout));
}

/**
 * Starts a command that is not a child of this process. Its standard output is appended to one file, its standard
 * error replaces another.
 * @param secret variables beside this process's
 * @returns its process id
 */
export async function launch(
  cli: string,
  command: readonly string[],
  { folder, events, errors }: { readonly folder: string; readonly events: string; readonly errors: string },
  secret: NodeJS.ProcessEnv = {},
): Promise<number> {
  const args = [cli, "launch", folder, events, errors, ...command];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...environment(), ...secret },
    windowsHide: true,
  });
  return z.coerce.number().int().positive().parse(stdout);
}

/** The environment in which an editor's executable runs as Node. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, ...(process.versions["electron"] !== undefined && { ELECTRON_RUN_AS_NODE: "1" }) };
}

function failureOf(stdout: string): z.output<typeof failureSchema>["error"] | undefined {
  try {
    return failureSchema.parse(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")).error;
  } catch {
    return undefined; // the process ended before it reported an error
  }
}

/** An error's line; a code that only the command line uses means that the request was wrong. */
const failureSchema = z.object({ error: z.object({ code: errorCode.catch("input"), message: z.string() }) });
