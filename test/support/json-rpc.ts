/**
 * A small JSON-RPC client for a language server's child process: it waits for what it is told to, and can misbehave.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";

/** Any message from the server. */
export interface Message {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** How a request from the server is answered. */
export type Answer = (params: unknown) => unknown;

/** An error response. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor({ code, message, data }: NonNullable<Message["error"]>) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** An answer that is not sent. */
export const UNANSWERED = Symbol("unanswered");

/** What the server sends, and how it ended. */
export class RpcClient {
  /** Every message from the server, in order. */
  readonly received: Message[] = [];
  /** Answers to the server's requests by method; without one the answer is null. */
  readonly answers = new Map<string, Answer>();
  readonly process: ChildProcessWithoutNullStreams;
  /** Resolves with the exit code and the signal. */
  readonly exited: Promise<[code: number | null, signal: string | null]>;
  stderr = "";
  private readonly waiting = new Set<() => void>();
  private buffer: Buffer = Buffer.alloc(0);
  private nextId = 1;
  private ended = false;

  constructor(script: string, args: readonly string[], cwd?: string) {
    this.process = spawn(process.execPath, [script, ...args], { stdio: "pipe", cwd });
    this.exited = once(this.process, "exit").then(([code, signal]) => [code, signal]);
    void this.exited.then(() => {
      this.ended = true;
      this.wake();
    });
    this.process.stdin.on("error", () => undefined); // the server may be gone already
    this.process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.process.stdout.on("data", (chunk: Buffer) => this.read(chunk));
  }

  /** Sends bytes as they are. */
  raw(bytes: string | Buffer): void {
    this.process.stdin.write(bytes);
  }

  send(message: object): void {
    this.raw(framed({ jsonrpc: "2.0", ...message }));
  }

  notify(method: string, params: unknown = {}): void {
    this.send({ method, params });
  }

  /** Sends a request. @returns its id, and its result or an RpcError */
  start(method: string, params: unknown = {}): { readonly id: number; readonly result: Promise<unknown> } {
    const id = this.nextId++;
    this.send({ id, method, params });
    const result = this.until((message) => message.id === id && message.method === undefined).then(
      ({ error, result }) => {
        if (error !== undefined) throw new RpcError(error);
        return result;
      },
    );
    result.catch(() => undefined); // it may be looked at later
    return { id, result };
  }

  /** Sends a request and waits. @throws RpcError */
  request(method: string, params: unknown = {}): Promise<unknown> {
    return this.start(method, params).result;
  }

  /**
   * The first message from `from` on that fits, now or later.
   * @throws when the server ends first, or none comes for long
   */
  async until(fits: (message: Message) => boolean, from = 0): Promise<Message> {
    for (let at = from; ; at++) {
      while (at >= this.received.length) {
        if (this.ended) throw new Error(`the server ended: ${this.stderr}`);
        await this.more();
      }
      const message = this.received[at];
      if (message !== undefined && fits(message)) return message;
    }
  }

  /** Ends the server by force, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.exited;
  }

  private read(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    for (;;) {
      const header = this.buffer.indexOf("\r\n\r\n");
      if (header < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.buffer.toString("latin1", 0, header))?.[1]);
      if (!Number.isInteger(length))
        throw new Error(`the server wrote no header: ${this.buffer.toString("latin1", 0, header)}`);
      const end = header + 4 + length;
      if (this.buffer.length < end) return;
      const message: Message = JSON.parse(this.buffer.toString("utf8", header + 4, end));
      this.buffer = this.buffer.subarray(end);
      this.received.push(message);
      this.reply(message);
      this.wake();
    }
  }

  private reply({ id, method, params }: Message): void {
    if (id === undefined || method === undefined) return;
    try {
      const result = this.answers.get(method)?.(params) ?? null;
      if (result !== UNANSWERED) this.send({ id, result });
    } catch (error) {
      this.send({ id, error: { code: -32603, message: String(error) } });
    }
  }

  private more(): Promise<void> {
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => {
        const last = this.received.slice(-3).map((message) => JSON.stringify(message));
        reject(new Error(`the server says no more; its last words: ${last.join("\n")} ${this.stderr}`));
      }, PATIENCE_MS);
      this.waiting.add(() => {
        clearTimeout(patience);
        resolve();
      });
    });
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}

const PATIENCE_MS = 30_000;

/** A message as it goes over the wire. */
export function framed(message: unknown): string {
  const body = JSON.stringify(message);
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
