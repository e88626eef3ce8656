/** The engine in a child process, which contains crashes, memory and blocking calls; ending it frees everything. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { defined } from "../../../base/defined.ts";
import { ModelError } from "../../../models/errors.ts";
import { neutralFolder } from "../../files/working-folder.ts";
import { type Device, type DeviceProbe, type OnFallback, plainReason } from "../device.ts";
import type { CallOptions, Engine, LoadedModel, ModelReference } from "../engine.ts";
import { type Call, type Result, resultSchemas, type ToChild, toParentSchema } from "./messages.ts";

/** Options of the child process. */
export interface RemoteEngineOptions {
  /** The child's script; by default child.js next to this bundle. */
  readonly childPath?: string;
  /** The child ends after this time without a call; the next call restarts it. Default: never. */
  readonly idleMs?: number;
  /** Receives the child's stderr and notes on its start and end, line by line. */
  readonly log?: (line: string) => void;
  /** Called when the child has crashed, become idle, or ended. */
  readonly onGone?: () => void;
  readonly onFallback?: OnFallback;
}

/** An engine whose process can be observed. */
export interface RemoteEngine extends Engine {
  /** The child's process id; undefined while there is none. */
  readonly pid: number | undefined;
  /**
   * Whether a device works.
   * @throws ModelError "process" when the attempt ended the process
   */
  probe(device: Device): Promise<DeviceProbe>;
}

/**
 * Creates an engine that runs in a forked process. The process starts with the first call and again after a crash;
 * calls interrupted by a crash reject with ModelError "process". A model stays usable across restarts, since it is
 * reloaded.
 */
export function createRemoteEngine(options: RemoteEngineOptions = {}): RemoteEngine {
  return new ChildEngine(options);
}

const NEVER_BEGUN = { encodeMs: 0, firstTokenMs: 0, totalMs: 0, steps: 0 };
const END_GRACE_MS = 2000;
const STDERR_KEPT = 1000;

/** A running call. */
interface Pending {
  readonly type: Call["type"];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onTokens: CallOptions["onTokens"];
}

type ModelCall = Exclude<Call, { readonly type: "probe" }>;
type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

class ChildEngine implements RemoteEngine {
  private readonly options: RemoteEngineOptions;
  private readonly pending = new Map<number, Pending>();
  private readonly ending = new Set<Promise<void>>();
  private child: ChildProcess | undefined;
  private idle: NodeJS.Timeout | undefined;
  private nextId = 0;
  private disposed = false;
  private crashes = 0;
  /** Devices that ended the process. */
  private readonly deadly = new Set<Device>();

  constructor(options: RemoteEngineOptions) {
    this.options = options;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  async load(model: ModelReference): Promise<LoadedModel> {
    const info = await this.call("load", { type: "load", model });
    return {
      info,
      encode: (parts, maxTokens) => this.call("encode", { type: "encode", model, parts, ...defined({ maxTokens }) }),
      encodeAll: (texts) => this.call("encodeAll", { type: "encodeAll", model, texts }),
      decode: (ids) => this.call("decode", { type: "decode", model, ids: [...ids] }),
      generate: async (request, options = {}) => {
        if (options.signal?.aborted)
          return { sequences: request.inputs.map(() => []), cancelled: true, timing: NEVER_BEGUN };
        const stream = options.onTokens !== undefined;
        return this.call("generate", { type: "generate", model, request, stream }, options);
      },
      encodeWindow: (window) => this.call("encodeWindow", { type: "encodeWindow", model, window }),
      fill: async (request, options = {}) => {
        if (options.signal?.aborted)
          return { inputTokens: 0, sequences: [], proposed: [], cancelled: true, timing: NEVER_BEGUN };
        return this.call("fill", { type: "fill", model, request }, options);
      },
      wordChances: async (request, options = {}) => {
        if (options.signal?.aborted) return { words: [], cancelled: true };
        return this.call("wordChances", { type: "wordChances", model, request }, options);
      },
      rank: (features) => this.call("rank", { type: "rank", model, features }),
      score: async (input, target, options = {}) => {
        options.signal?.throwIfAborted();
        const call = { type: "score" as const, model, input: [...input], target: [...target] };
        return this.call("score", call, options).catch((error: unknown) => {
          options.signal?.throwIfAborted();
          throw error;
        });
      },
    };
  }

  probe(device: Device): Promise<DeviceProbe> {
    return this.ask("probe", { type: "probe", device });
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    this.end("The engine was closed.");
    await Promise.all(this.ending);
  }

  /** Calls a model; if its device ends the process, repeats the call on the CPU. */
  private async call<T extends ModelCall["type"]>(
    type: T,
    call: WithoutId<ModelCall>,
    options: CallOptions = {},
  ): Promise<Result<T>> {
    const { model } = call;
    const { device = "cpu" } = model;
    const onCpu = () => this.ask(type, { ...call, model: { ...model, device: "cpu" } }, options);
    if (this.deadly.has(device)) return onCpu();
    const { crashes } = this;
    try {
      return await this.ask(type, call, options);
    } catch (error) {
      if (device === "cpu" || this.crashes === crashes || !(error instanceof ModelError)) throw error;
      if (!this.deadly.has(device)) this.options.onFallback?.(device, plainReason(error.message));
      this.deadly.add(device);
      return onCpu();
    }
  }

  private async ask<T extends Call["type"]>(
    type: T,
    call: WithoutId<Call>,
    { signal, onTokens }: CallOptions = {},
  ): Promise<Result<T>> {
    if (this.disposed) throw new ModelError("process", "The engine is closed; open a new one.");
    const child = this.start();
    const id = this.nextId++;
    clearTimeout(this.idle);
    const cancel = () => this.send(child, { type: "cancel", id });
    try {
      const value = await new Promise<unknown>((resolve, reject) => {
        this.pending.set(id, { type, resolve, reject, onTokens });
        this.send(child, { ...call, id } as Call);
        signal?.addEventListener("abort", cancel, { once: true });
      });
      const parsed = resultSchemas[type].safeParse(value);
      if (!parsed.success) {
        throw new ModelError("process", `The engine process gave an invalid answer to "${type}". Reinstall Spanfill.`);
      }
      return parsed.data as Result<T>;
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.pending.delete(id);
      this.waitForIdle();
    }
  }

  private waitForIdle(): void {
    const { idleMs } = this.options;
    if (idleMs === undefined || this.pending.size > 0 || this.child === undefined) return;
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.end("The engine was idle and has been unloaded."), idleMs);
    this.idle.unref();
  }

  private start(): ChildProcess {
    if (this.child !== undefined) return this.child;
    const path = this.options.childPath ?? fileURLToPath(new URL("./child.js", import.meta.url));
    // Without this process's arguments: a debugger's port or a test runner's flags are not for the child.
    const child = fork(path, [], {
      serialization: "advanced",
      // A small nursery: tensors live outside the heap, so a large one costs 12 MB without benefit.
      execArgv: ["--max-semi-space-size=2"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      cwd: neutralFolder(),
    });
    this.child = child;
    let lastWords = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      lastWords = (lastWords + text).slice(-STDERR_KEPT);
      for (const line of text.split("\n")) if (line.trim() !== "") this.options.log?.(line);
    });
    const gone = new Promise<void>((resolve) => {
      const lost = (how: string) => {
        if (this.child === child) this.crashes += 1;
        const lastOutput = lastWords.trim() === "" ? "" : ` Its last output: ${lastWords.trim()}`;
        this.lose(child, `The engine process ${how}. The next request starts it again.${lastOutput}`);
        resolve();
      };
      child.once("error", (error) => {
        if (child.pid === undefined) lost(`could not be started: ${error.message}`);
        else this.options.log?.(`engine process: ${error.message}`);
      });
      // Not "close", which never comes if the parent disconnects. Remaining output is read first.
      child.once("exit", (code, signal) => {
        const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
        if (child.stderr === null || child.stderr.readableEnded) lost(how);
        else child.stderr.once("close", () => lost(how));
      });
    });
    this.ending.add(gone);
    void gone.finally(() => this.ending.delete(gone));
    child.on("message", (message) => this.receive(message));
    return child;
  }

  private receive(message: unknown): void {
    const parsed = toParentSchema.safeParse(message);
    if (!parsed.success) {
      this.options.log?.(`engine process: an unknown message was dropped (${typeof message})`);
      return;
    }
    if (parsed.data.type === "fellBack") {
      this.options.onFallback?.(parsed.data.device, parsed.data.why);
      return;
    }
    const pending = this.pending.get(parsed.data.id);
    if (parsed.data.type === "tokens") this.passOn(parsed.data, pending);
    else if (parsed.data.type === "result") pending?.resolve(parsed.data.value);
    else pending?.reject(new ModelError(parsed.data.code, parsed.data.message));
  }

  /** Passes tokens to the caller; an error that its callback throws fails that call. */
  private passOn({ ids, text }: { readonly ids: number[]; readonly text: string }, pending: Pending | undefined): void {
    try {
      pending?.onTokens?.(ids, text);
    } catch (error) {
      pending?.reject(error);
    }
  }

  private send(child: ChildProcess, message: ToChild): void {
    // The "exit" event reports a child that is gone.
    if (child.connected) child.send(message, () => undefined);
  }

  /** Asks the child to end, and kills it if it does not. */
  private end(why: string): void {
    const { child } = this;
    if (child === undefined) return;
    this.lose(child, why);
    this.options.log?.(why);
    if (child.connected) child.disconnect();
    const kill = setTimeout(() => child.kill("SIGKILL"), END_GRACE_MS);
    child.once("exit", () => clearTimeout(kill));
  }

  /** Rejects the calls of a child that is gone. */
  private lose(child: ChildProcess, why: string): void {
    if (this.child !== child) return;
    this.child = undefined;
    clearTimeout(this.idle);
    for (const { reject } of this.pending.values()) reject(new ModelError("process", why));
    this.pending.clear();
    this.options.onGone?.();
  }
}
