/** A language server and a client that accounts for every request: answered, refused, or left unanswered. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { built } from "../support/built.ts";
import { framed, type Message } from "../support/json-rpc.ts";

/** The end of a request. */
export type Outcome =
  | { readonly kind: "answered"; readonly result: unknown; readonly ms: number }
  | { readonly kind: "refused"; readonly code: number; readonly message: string; readonly ms: number }
  /** Nothing came for long, or the server ended. */
  | { readonly kind: "unanswered" | "lost"; readonly ms: number };

/** A request counts as unanswered after this time: longer than every deadline of the server. */
const UNANSWERED_MS = 120_000;

/** A session with a language server in a process of its folder. */
export class StressClient {
  readonly process: ChildProcessWithoutNullStreams;
  readonly exited: Promise<unknown>;
  /** Requests that are open, by id. */
  readonly #open = new Map<number, (outcome: Outcome) => void>();
  readonly #settings: object;
  #rest: Buffer = Buffer.alloc(0);
  #nextId = 1;
  /** The engine's process, as the server last reported it. */
  enginePid: number | undefined;

  constructor(env: NodeJS.ProcessEnv, settings: object = {}) {
    this.#settings = settings;
    this.process = spawn(process.execPath, [built("cli.js"), "serve", "--stdio"], { env, stdio: "pipe" });
    this.process.stdin.on("error", () => undefined);
    this.process.stderr.resume();
    this.process.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    this.exited = once(this.process, "exit").then(() => {
      for (const settle of this.#open.values()) settle({ kind: "lost", ms: 0 });
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get openRequests(): number {
    return this.#open.size;
  }

  async initialize(): Promise<void> {
    const workspace = { configuration: true, applyEdit: true, workspaceEdit: { documentChanges: true } };
    const capabilities = { general: { positionEncodings: ["utf-16"] }, workspace };
    await this.request("initialize", { processId: process.pid, rootUri: null, capabilities });
    this.notify("initialized", {});
  }

  notify(method: string, params: unknown): void {
    this.#send({ method, params });
  }

  start(method: string, params: unknown): { readonly id: number; readonly outcome: Promise<Outcome> } {
    const id = this.#nextId++;
    const began = performance.now();
    const outcome = new Promise<Outcome>((resolve) => {
      const timer = setTimeout(() => settle({ kind: "unanswered", ms: UNANSWERED_MS }), UNANSWERED_MS);
      const settle = (end: Outcome) => {
        clearTimeout(timer);
        this.#open.delete(id);
        resolve({ ...end, ms: performance.now() - began });
      };
      this.#open.set(id, settle);
    });
    this.#send({ id, method, params });
    return { id, outcome };
  }

  request(method: string, params: unknown): Promise<Outcome> {
    return this.start(method, params).outcome;
  }

  command(command: string, ...args: readonly unknown[]): Promise<Outcome> {
    return this.request("workspace/executeCommand", { command, arguments: args });
  }

  cancel(id: number): void {
    this.notify("$/cancelRequest", { id });
  }

  open(uri: string, text: string): void {
    this.notify("textDocument/didOpen", { textDocument: { uri, languageId: "markdown", version: 1, text } });
  }

  async close(): Promise<void> {
    await this.request("shutdown", undefined);
    this.notify("exit", undefined);
    await this.exited;
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.exited;
  }

  #send(message: object): void {
    this.process.stdin.write(framed({ jsonrpc: "2.0", ...message }));
  }

  #read(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const header = this.#rest.indexOf("\r\n\r\n");
      if (header < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#rest.toString("latin1", 0, header))?.[1]);
      const end = header + 4 + length;
      if (this.#rest.length < end) return;
      const message: Message = JSON.parse(this.#rest.toString("utf8", header + 4, end));
      this.#rest = this.#rest.subarray(end);
      this.#receive(message);
    }
  }

  #receive({ id, method, params, result, error }: Message): void {
    if (method === "$/spanfill/status") this.enginePid = (params as { readonly pid?: number }).pid;
    if (method !== undefined) {
      if (id !== undefined) this.#send({ id, result: this.#answer(method, params) });
      return;
    }
    const settle = this.#open.get(Number(id));
    if (error === undefined) settle?.({ kind: "answered", result, ms: 0 });
    else settle?.({ kind: "refused", ...error, ms: 0 });
  }

  #answer(method: string, params: unknown): unknown {
    if (method === "workspace/applyEdit") return { applied: true };
    if (method !== "workspace/configuration") return null;
    const { items } = params as { readonly items: readonly { readonly section?: string }[] };
    return items.map(({ section }) => (section === "spanfill" ? this.#settings : null));
  }
}

/** Counts of requests by their ends. */
export class Tally {
  answered = 0;
  refused = 0;
  unanswered = 0;
  /** Reasons of refusals that are neither cancels nor stale versions. */
  readonly reasons = new Map<string, number>();

  /** Counts a request's end. @returns it */
  count(outcome: Outcome): Outcome {
    if (outcome.kind === "answered") this.answered += 1;
    else if (outcome.kind === "refused") {
      this.refused += 1;
      const expected = outcome.code === -32800 || outcome.code === -32801;
      const reason = outcome.message.slice(0, 90);
      if (!expected) this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    } else this.unanswered += 1;
    return outcome;
  }
}

/** The resources of a process on Linux: resident memory in MB, open handles, threads. */
export function resourcesOf(pid: number | undefined): { mb: number; handles: number; threads: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const handles = readdirSync(`/proc/${pid}/fd`).length;
    const threads = Number(/^Threads:\s+(\d+)/m.exec(status)?.[1]);
    return { mb: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1000, handles, threads };
  } catch {
    return undefined;
  }
}

/** The processes that a process has started, on Linux. */
export function childrenOf(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** Whether a process is there and not just waiting to be collected. */
export function isAlive(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/exe`);
    return true;
  } catch {
    return false;
  }
}

/** A quantile of figures. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
