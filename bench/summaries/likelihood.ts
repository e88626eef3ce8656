/** A language model as the judge of summaries: how likely it finds them given their text (as BARTScore). */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { NO_TELEMETRY } from "../../server/engine/runtime/telemetry.ts";
import { calledFrom } from "../support/called-from.ts";

/** A judge's reading of one text, in nats. */
export interface Verdict {
  /** Mean of the text's tokens and its end, given the passage. */
  readonly given: number;
  /** Mean of the three neighboring tokens that are least likely, given the passage. */
  readonly worst: number;
}

/** A judge's process. */
export interface Judge extends AsyncDisposable {
  /**
   * Reads texts as the description of a passage.
   * @param request what the description is asked for with
   * @throws Error when the process ended
   */
  read(passage: string, request: string, texts: readonly string[]): Promise<Verdict[]>;
}

/** Files that a judge needs. */
export interface JudgeOptions {
  /** A GGUF file of the language model; no judge when absent. */
  readonly judge?: string;
  /** A Python with what bench/peers/judge.py needs. */
  readonly python: string;
}

/**
 * Starts a judge.
 * @throws Error when a file is not there or the program ends before it has loaded the model
 */
export async function startJudge(gguf: string, python: string): Promise<Judge> {
  const model = resolve(calledFrom(), gguf);
  for (const path of [model, python]) if (!existsSync(path)) throw new Error(`${path} is not there.`);
  const script = join("bench", "peers", "judge.py");
  const child = spawn(python, [script, model, String(availableParallelism())], {
    env: { ...process.env, ...NO_TELEMETRY },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error("The judge's process ended; what it said stands above.");
    return JSON.parse(value);
  };
  await next();
  return {
    read: async (passage, request, texts) => {
      child.stdin.write(`${JSON.stringify({ passage, request, texts })}\n`);
      const nats = (await next()) as readonly (readonly number[])[];
      return nats.map(verdictOf);
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

/** The verdict on a text. @param nats of each token and of the end */
export function verdictOf(nats: readonly number[]): Verdict {
  const runs = nats.slice(0, Math.max(1, nats.length - 2)).map((_, i) => mean(nats.slice(i, i + 3)));
  return { given: mean(nats), worst: Math.max(...runs) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
