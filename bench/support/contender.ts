/** One side of a comparison in a separate process, which idles while another side runs. */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Precision } from "../../server/engine/engine.ts";
import { NO_TELEMETRY } from "../../server/engine/runtime/telemetry.ts";

/** Sent to a contender's process. */
export type ContenderRequest =
  | {
      readonly type: "load";
      readonly directory: string;
      readonly precision: Precision;
      readonly threads: number;
      /** Size of the shortlist that tokens are chosen from; the whole vocabulary when absent (ours only). */
      readonly shortlist?: number;
    }
  /** Decoding of exactly newTokens tokens for each row of ids: greedy, or by beam search. */
  | { readonly type: "generate"; readonly inputs: Rows; readonly newTokens: number; readonly beams: number };

/** Token ids, row by row. */
export type Rows = readonly (readonly number[])[];

/** How long one generate took. */
export interface ContenderRun {
  readonly totalMs: number;
  /** Processor time of the process meanwhile; of ours only. */
  readonly processorMs?: number;
  /** Until the first token (or first few, where they come in chunks) was there; Python's peers don't say. */
  readonly firstTokenMs: number;
  /** Mean time of the later tokens. */
  readonly msPerToken: number;
  /** The best sequence of each row. */
  readonly ids: Rows;
  /** Peak resident memory of the process so far. */
  readonly peakBytes: number;
}

/** A contender's answer: to load, then to generate. */
export type ContenderReply = { readonly loadMs: number } | ContenderRun;

/** A process with one model loaded. */
export interface Contender {
  readonly name: string;
  readonly loadMs: number;
  /** @throws MissingError when it has no call for that */
  generate(inputs: Rows, newTokens: number, beams?: number): Promise<ContenderRun>;
  dispose(): void;
}

/** A contender cannot do what was asked. */
export class MissingError extends Error {}

/**
 * Starts a contender and loads its model.
 * @param script a JavaScript file that speaks ContenderRequest over IPC, or the command line of a program that speaks
 *   it in lines of JSON
 * @throws Error with what the process said; MissingError when it cannot run such a model
 */
export async function startContender(
  name: string,
  script: string | readonly [string, ...string[]],
  model: Omit<Extract<ContenderRequest, { type: "load" }>, "type">,
): Promise<Contender> {
  const channel = typeof script === "string" ? forked(script) : spawned(script);
  const ask = async (request: ContenderRequest): Promise<ContenderReply> => {
    channel.send(request);
    const reply = await channel.reply();
    if (reply.missing) throw new MissingError(`${name} cannot do this`);
    if (!reply.ok) throw new Error(`${name}: ${reply.message}`);
    return reply as unknown as ContenderReply;
  };
  if (typeof script === "string") await channel.reply(); // it is ready
  try {
    const { loadMs } = (await ask({ type: "load", ...model })) as { loadMs: number };
    return {
      name,
      loadMs,
      generate: async (inputs, newTokens, beams = 1) =>
        (await ask({ type: "generate", inputs, newTokens, beams })) as ContenderRun,
      dispose: channel.kill,
    };
  } catch (error) {
    channel.kill();
    throw error;
  }
}

interface Reply {
  readonly ok: boolean;
  readonly message?: string;
  readonly missing?: boolean;
}

interface Channel {
  send(request: ContenderRequest): void;
  reply(): Promise<Reply>;
  kill(): void;
}

// Peers bring their own ONNX Runtime.
const environment = () => ({ ...process.env, ...NO_TELEMETRY });

function forked(script: string): Channel {
  const child = fork(script, { env: environment(), stdio: ["ignore", "ignore", "inherit", "ipc"] });
  return {
    send: (request) => void child.send(request),
    reply: () =>
      firstOf(
        (ended) => once(child, "message", ended),
        (ended) => once(child, "exit", ended),
      ),
    kill: () => void child.kill(),
  };
}

function spawned([command, ...args]: readonly [string, ...string[]]): Channel {
  const child = spawn(command, args, { env: environment(), stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout });
  return {
    send: (request) => void child.stdin.write(`${JSON.stringify(request)}\n`),
    reply: () =>
      firstOf(
        (ended) => once(lines, "line", ended).then(([line]) => [JSON.parse(line)]),
        (ended) => once(child, "exit", ended),
      ),
    kill: () => void child.kill(),
  };
}

/** The next message, or how the process ended. */
async function firstOf(
  message: (ended: AbortController) => Promise<unknown[]>,
  end: (ended: AbortController) => Promise<unknown[]>,
): Promise<Reply> {
  const ended = new AbortController();
  const told = end(ended).then(([code]) => [{ ok: false, message: `its process ended with ${code}` }]);
  const [reply] = await Promise.race([message(ended), told]).finally(() => ended.abort());
  return reply as Reply;
}
