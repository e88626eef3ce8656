/** Starts `spanfill`: for an answer, or as a run that goes on when this process and its parents have ended. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as z from "zod";
import { ModelError, type ModelErrorCode } from "../../models/errors.ts";
import type { RunRequest } from "../../protocol/runs.ts";

/** The command line, which lies beside this bundle. */
export function defaultCli(): string {
  return fileURLToPath(new URL("./cli.js", import.meta.url));
}

/** The options of `spanfill train` that say what a person asked for; each with its value, so that none is taken for another. */
export function trainArguments(request: RunRequest): string[] {
  const { task, data, base, columns = {}, learningRate, ...others } = request;
  const pairs = Object.entries(columns);
  const strange = pairs.flat().find((part) => /[,=]/.test(part));
  if (strange !== undefined) {
    throw new ModelError("input", `The column "${strange}" has a comma or = in its name. Rename it in the data.`);
  }
  const named = pairs.map(([role, column]) => `${role}=${column}`).join(",");
  return [
    `--task=${task}`,
    `--data=${data}`,
    `--base=${base}`,
    ...(named === "" ? [] : [`--columns=${named}`]),
    ...(learningRate === undefined ? [] : [`--lr=${learningRate}`]),
    ...Object.entries(others).flatMap(([name, value]) => {
      const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      if (typeof value === "boolean") return value ? [option] : [];
      return [`${option}=${value}`];
    }),
  ];
}

/** The options of `spanfill data check`, of those of a run. */
export function checkArguments({ data, ...request }: RunRequest): string[] {
  const { task, base, columns, inputColumn, targetColumn, template, prefix, maxInputTokens, maxTargetTokens } = request;
  const known = { task, base, columns, inputColumn, targetColumn, template, prefix, maxInputTokens, maxTargetTokens };
  const given = Object.entries(known).filter(([, value]) => value !== undefined);
  const all = trainArguments({ ...Object.fromEntries(given), task, base, data });
  return [...all.filter((option) => !option.startsWith("--data=")), "--", data];
}

/**
 * Runs a command with --json and waits for its answer.
 * @throws ModelError what the command says is wrong
 */
export async function askCli(cli: string, args: readonly string[], signal: AbortSignal): Promise<unknown> {
  const options = { env: environment(), signal, maxBuffer: 64 << 20, windowsHide: true };
  const said = await promisify(execFile)(process.execPath, [cli, ...args], options).catch((error: unknown) => {
    signal.throwIfAborted();
    const { stdout } = z.object({ stdout: z.string() }).catch({ stdout: "" }).parse(error);
    const failure = failureOf(stdout);
    if (failure !== undefined) throw new ModelError(failure.code as ModelErrorCode, failure.message, { cause: error });
    throw new ModelError("process", `spanfill ${args[0]} ended without an answer.`, { cause: error });
  });
  return JSON.parse(said.stdout);
}

/**
 * Starts a command that is nobody's child: what ends a process together with its children, as editors do, does not find it.
 * Its standard output is added to one file, its errors are another.
 * @returns its process id
 */
export async function launch(
  cli: string,
  args: readonly string[],
  { folder, events, errors }: { readonly folder: string; readonly events: string; readonly errors: string },
): Promise<number> {
  const given = ["-e", LAUNCHER, folder, events, errors, cli, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, given, { env: environment(), windowsHide: true });
  return z.coerce.number().int().positive().parse(stdout);
}

/** Runs in a process between, which ends at once. */
const LAUNCHER = `const [cwd, events, errors, ...args] = process.argv.slice(1);
const { openSync } = require("node:fs");
const stdio = ["ignore", openSync(events, "a"), openSync(errors, "w")];
const child = require("node:child_process").spawn(process.execPath, args, { cwd, stdio, detached: true, windowsHide: true });
child.unref();
process.stdout.write(String(child.pid));`;

/** Inside an editor, its own executable is Node where this is set. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, ...(process.versions["electron"] !== undefined && { ELECTRON_RUN_AS_NODE: "1" }) };
}

function failureOf(stdout: string): { readonly code: string; readonly message: string } | undefined {
  try {
    return failureSchema.parse(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")).error;
  } catch {
    return undefined; // it did not come so far
  }
}

const failureSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
