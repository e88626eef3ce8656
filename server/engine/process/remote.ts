/** The engine in a child process, which contains crashes, memory and blocking calls; ending it frees everything. */
import type { ChildProcess } from "node:child_process";
import { defined } from "../../../base/defined.ts";
import { ModelError } from "../../../models/errors.ts";
import { type Device, type DeviceProbe, type OnFallback, plainReason } from "../device.ts";
import type { CallOptions, Engine, LoadedModel, ModelReference } from "../engine.ts";
import type { ServerConnection } from "../wire/connection.ts";
import { forkEngine } from "./fork.ts";
import { type Call, type Result, resultSchemas, type ToChild, toParentSchema } from "./messages.ts";
import { HungError, SilenceWatch } from "./silence.ts";
import type { Listeners, Spare } from "./spare.ts";

/** Options of the child process. */
export interface RemoteEngineOptions {
  /** The child's script; by default child.js next to this bundle. */
  readonly childPath?: string;
  /** The server that a model may run on; that of this process's environment if absent. */
  readonly server?: ServerConnection;
  /** The child ends after this time without a call; the next call restarts it. Default: never. */
  readonly idleMs?: number;
  /** Receives the child's stderr and notes on its start and end, line by line. */
  readonly log?: (line: string) => void;
  /** Called when the child has crashed, become idle, or ended. */
  readonly onGone?: () => void;
  readonly onFallback?: OnFallback;
  /** A process at work counts as hung after this time without a sign of life, or longer. Default: 10 seconds. */
  readonly silentMs?: number;
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
 * calls interrupted by a crash reject with ModelError "process". A process that hangs is killed, and its calls are made
 * once more. A model stays usable across restarts, since it is reloaded.
 */
export function createRemoteEngine(options: RemoteEngineOptions = {}): RemoteEngine {
  return new ChildEngine(options);
}

const NEVER_BEGUN = { encodeMs: 0, firstTokenMs: 0, totalMs: 0, steps: 0 };
const END_GRACE_MS = 2000;

/** A running call. */
interface Pending {
  readonly type: Call["type"];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onTokens: CallOptions["onTokens"];
}

type ModelCall = Exclude<Call, { readonly type: "probe" | "open" }>;
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
  /** Whether the process has not finished a call yet. */
  private fresh = true;
  /** Devices that ended the process. */
  private readonly deadly = new Set<Device>();
  private readonly silence: SilenceWatch;
  private spare: Spare | undefined;

  constructor(options: RemoteEngineOptions) {
    this.options = options;
    this.silence = new SilenceWatch((error) => this.kill(error), options.silentMs);
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  async load(model: ModelReference): Promise<LoadedModel> {
    const info = await this.call("load", { type: "load", model });
    this.silence.runs(info.parameters);
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

  /** Calls a model, and once more if the process hangs; if its device ends the process, on the CPU. */
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
      if (this.crashes === crashes || !(error instanceof ModelError)) throw error;
      if (device === "cpu") {
        if (!(error instanceof HungError)) throw error;
        options.signal?.throwIfAborted();
        return this.ask(type, call, options);
      }
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
        this.silence.watch(this.loading);
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
      if (this.pending.size === 0) this.silence.stop();
      this.waitForIdle();
    }
  }

  /** Whether a call is under way that blocks the process for long; the first one of a process loads its model. */
  private get loading(): boolean {
    return this.fresh || [...this.pending.values()].some(({ type }) => type === "load" || type === "probe");
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
    let over = () => {};
    const gone = new Promise<void>((resolve) => {
      over = resolve;
    });
    const onLost = (how: string) => {
      if (this.child === child) this.crashes += 1;
      this.lose(child, `The engine process ${how}`);
      over();
    };
    const listeners: Listeners = { onMessage: (message) => this.receive(message), onLost };
    const child: ChildProcess = this.spare?.take(listeners) ?? forkEngine({ ...this.options, ...listeners });
    this.child = child;
    this.fresh = true;
    this.ending.add(gone);
    void gone.finally(() => this.ending.delete(gone));
    return child;
  }

  private receive(message: unknown): void {
    const parsed = toParentSchema.safeParse(message);
    if (!parsed.success) {
      this.options.log?.(`engine process: an unknown message was dropped (${typeof message})`);
      return;
    }
    this.silence.heard(this.loading);
    if (parsed.data.type === "fellBack") this.options.onFallback?.(parsed.data.device, parsed.data.why);
    if (parsed.data.type === "fellBack" || parsed.data.type === "alive") return;
    const pending = this.pending.get(parsed.data.id);
    if (parsed.data.type !== "tokens") void this.answered();
    if (parsed.data.type === "tokens") this.passOn(parsed.data, pending);
    else if (parsed.data.type === "result") pending?.resolve(parsed.data.value);
    else pending?.reject(new ModelError(parsed.data.code, parsed.data.message));
  }

  /** Notes that the process works. What crashed before may crash again; other servers may have left theirs. */
  private async answered(): Promise<void> {
    const isFirst = this.fresh;
    this.fresh = false;
    if (!isFirst) return;
    if (this.crashes === 0) return (await import("./orphans.ts")).endOrphans(this.options.log);
    const { Spare } = await import("./spare.ts"); // loaded after the first crash
    this.spare ??= new Spare();
    if (!this.disposed) this.spare.prepare(this.options);
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
    this.spare?.end();
    const { child } = this;
    if (child === undefined) return;
    this.lose(child, why);
    this.options.log?.(why);
    if (child.connected) child.disconnect();
    const kill = setTimeout(() => child.kill("SIGKILL"), END_GRACE_MS);
    child.once("exit", () => clearTimeout(kill));
  }

  /** Ends a child that hangs. */
  private kill(error: HungError): void {
    const { child } = this;
    if (child === undefined) return;
    this.crashes += 1;
    this.options.log?.(error.message);
    this.lose(child, error);
    child.kill("SIGKILL");
  }

  /** Rejects the calls of a child that is gone. */
  private lose(child: ChildProcess, why: string | ModelError): void {
    if (this.child !== child) return;
    this.child = undefined;
    clearTimeout(this.idle);
    this.silence.stop();
    for (const { reject } of this.pending.values()) {
      reject(typeof why === "string" ? new ModelError("process", why) : why);
    }
    this.pending.clear();
    this.options.onGone?.();
  }
}
