/** One side of a comparison in a separate process, which idles while another side runs. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
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
  /** Greedy decoding of exactly newTokens tokens. */
  | { readonly type: "generate"; readonly ids: readonly number[]; readonly newTokens: number };

/** How long one generate took. */
export interface ContenderRun {
  readonly totalMs: number;
  /** Processor time of the process meanwhile; of ours only. */
  readonly processorMs?: number;
  /** Until the first token (or first few, where they come in chunks) was there. */
  readonly firstTokenMs: number;
  /** Mean time of the later tokens. */
  readonly msPerToken: number;
  readonly ids: readonly number[];
  /** Peak resident memory of the process so far. */
  readonly peakBytes: number;
}

/** A contender's answer: to load, then to generate. */
export type ContenderReply = { readonly loadMs: number } | ContenderRun;

/** A process with one model loaded. */
export interface Contender {
  readonly name: string;
  readonly loadMs: number;
  generate(ids: readonly number[], newTokens: number): Promise<ContenderRun>;
  dispose(): void;
}

/**
 * Starts a contender and loads its model.
 * @param script JavaScript file that speaks ContenderRequest over IPC
 * @throws Error with what the process said
 */
export async function startContender(
  name: string,
  script: string,
  model: Omit<Extract<ContenderRequest, { type: "load" }>, "type">,
): Promise<Contender> {
  const child = fork(script, {
    // Peers bring their own ONNX Runtime.
    env: { ...process.env, ...NO_TELEMETRY },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await reply(name, child);
  const { loadMs } = (await ask(name, child, { type: "load", ...model })) as { loadMs: number };
  return {
    name,
    loadMs,
    generate: async (ids, newTokens) => (await ask(name, child, { type: "generate", ids, newTokens })) as ContenderRun,
    dispose: () => child.kill(),
  };
}

function ask(name: string, child: ChildProcess, request: ContenderRequest): Promise<unknown> {
  child.send(request);
  return reply(name, child);
}

async function reply(name: string, child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const [message] = (await Promise.race([
    once(child, "message", ended),
    once(child, "exit", ended).then(([code]) => [{ ok: false, message: `its process ended with ${code}` }]),
  ]).finally(() => ended.abort())) as [{ ok: boolean; message?: string }];
  if (!message.ok) throw new Error(`${name}: ${message.message}`);
  return message;
}
