/** Keeps the engine for the server: started by the first request that needs it, exchanged when settings ask for another model. */
import { ModelError } from "../../models/errors.ts";
import { type Device, fallbackNotice } from "../../protocol/devices.ts";
import { TASKS, type Task } from "../../protocol/panel.ts";
import type { EngineStatus } from "../../protocol/requests.ts";
import type { Settings } from "../../protocol/settings.ts";
import { resolveModel } from "../catalog/catalog.ts";
import { modelIdentity, writtenMs } from "../catalog/identity.ts";
import { measurementsOf } from "../catalog/measurements.ts";
import { placesOf } from "../catalog/store.ts";
import type { LoadedModel } from "../engine/engine.ts";
import { createRemoteEngine, type RemoteEngine } from "../engine/remote.ts";
import { chooseDevice } from "../features/devices.ts";
import type { Log } from "./log.ts";

/** The settings that say which engine it is. */
export type EngineSettings = Pick<
  Settings,
  "model" | `models.${Task}` | "precision" | "device" | "threads" | "idleMinutes"
>;

/** What an engine host tells of itself, and to whom. */
export interface EngineHostOptions {
  readonly log: Log;
  /** Called whenever the status has changed. */
  readonly onStatus: (status: EngineStatus) => void;
  /** The engine's script; beside the server's own when absent. */
  readonly childPath?: string;
}

/** The server's engine. */
export interface EngineHost {
  /** Runs work that may ask for these settings' model for a task, which is loaded then. @throws what loading or the work throws */
  use<T>(settings: EngineSettings, task: Task, work: (model: () => Promise<LoadedModel>) => Promise<T>): Promise<T>;
  /** What tells the model of a task, as it would answer, from others. @throws ModelError where there is none */
  identity(settings: EngineSettings, task: Task): Promise<string>;
  status(settings: EngineSettings): EngineStatus;
  /** Ends the engine's process; what runs there fails, and the next use starts another. */
  restart(): Promise<void>;
  /** Ends the engine's process for good. */
  dispose(): Promise<void>;
}

/** @returns a host that has started nothing yet */
export function createEngineHost(options: EngineHostOptions): EngineHost {
  return new Host(options);
}

/** An engine, for as long as the settings that it was made for; it holds the models of all tasks. */
interface Running {
  readonly key: string;
  readonly engine: RemoteEngine;
  /** By folder, each with the time of the folder that it was loaded from. */
  readonly models: Map<string, { readonly loaded: LoadedModel; readonly modifiedMs: number }>;
  /** The last that was asked for. */
  model?: LoadedModel;
  /** That a device failed since, for people. */
  notice?: string;
}

class Host implements EngineHost {
  private readonly options: EngineHostOptions;
  private running: Running | undefined;
  private loading = 0;
  private busy = 0;
  private failure: string | undefined;
  private settings: EngineSettings | undefined;
  private published = "";
  private soon: NodeJS.Timeout | undefined;
  private disposed = false;
  private saidSlow = false;

  constructor(options: EngineHostOptions) {
    this.options = options;
  }

  async use<T>(
    settings: EngineSettings,
    task: Task,
    work: (model: () => Promise<LoadedModel>) => Promise<T>,
  ): Promise<T> {
    let asked = false;
    const model = async () => {
      if (!asked) this.busy += 1;
      asked = true;
      const loaded = await this.load(settings, task);
      this.failure = undefined;
      return loaded;
    };
    try {
      return await work(model);
    } catch (error) {
      // A mistake in the input says nothing about the engine.
      if (error instanceof ModelError && error.code !== "input" && error.code !== "task") this.failure = error.message;
      throw error;
    } finally {
      if (asked) this.busy -= 1;
      this.publish();
    }
  }

  status({ model, precision }: EngineSettings): EngineStatus {
    const { running, failure } = this;
    const pid = running?.engine.pid;
    const info = running?.model?.info;
    const notice = running?.notice;
    const state =
      this.loading > 0 ? "loading" : this.busy > 0 ? "busy" : pid !== undefined && info ? "ready" : "unloaded";
    const failed = failure !== undefined && (state === "ready" || state === "unloaded");
    return {
      state: failed ? "failed" : state,
      model: info?.id ?? (model || "built-in"),
      precision: info?.precision ?? precision,
      device: notice !== undefined || info === undefined ? "cpu" : info.device,
      ...(info?.slowNotice === undefined ? {} : { slowNotice: info.slowNotice }),
      ...(notice === undefined ? {} : { deviceNotice: notice }),
      ...(info === undefined ? {} : { parameters: info.parameters }),
      ...(pid === undefined ? {} : { pid }),
      ...(failed ? { message: failure } : {}),
    };
  }

  async identity(settings: EngineSettings, task: Task): Promise<string> {
    return `${settings.device} ${settings.precision} ${await modelIdentity(directoryOf(settings, task))}`;
  }

  async restart(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    this.failure = undefined;
    await running?.engine.dispose();
    this.publish();
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await this.restart();
  }

  private async load(settings: EngineSettings, task: Task): Promise<LoadedModel> {
    if (this.disposed) throw new ModelError("process", "The server is shutting down.");
    this.settings = settings;
    const { precision, device, threads, idleMinutes } = settings;
    const directory = directoryOf(settings, task);
    const modifiedMs = writtenMs(directory);
    const reference = {
      directory,
      precision,
      modifiedMs,
      ...(threads === 0 ? {} : { threads }),
    };
    const named = [settings.model, ...TASKS.map((each) => settings[`models.${each}`])];
    const key = JSON.stringify([named, precision, device, threads, idleMinutes]);
    if (this.running !== undefined && this.running.key !== key) await this.restart();
    this.running ??= this.start(key, idleMinutes);
    const { running } = this;
    const known = running.models.get(directory);
    // A training run may have put better weights in their place.
    if (running.engine.pid !== undefined && known?.modifiedMs === modifiedMs) {
      running.model = known.loaded;
      this.publish();
      return known.loaded;
    }
    const started = performance.now();
    this.loading += 1;
    this.publish();
    try {
      const loaded = await running.engine.load({ ...reference, device: await deviceOf(settings, directory) });
      running.models.set(directory, { loaded, modifiedMs });
      running.model = loaded;
      const { slowNotice } = loaded.info;
      if (slowNotice !== undefined && !this.saidSlow) this.options.log.warn(slowNotice);
      this.saidSlow = slowNotice !== undefined;
      this.options.log.info(`${loaded.info.id} loaded in ${Math.round(performance.now() - started)} ms`);
      return loaded;
    } finally {
      this.loading -= 1;
      this.publish();
    }
  }

  private start(key: string, idleMinutes: number): Running {
    const { childPath, log } = this.options;
    const engine = createRemoteEngine({
      ...(childPath === undefined ? {} : { childPath }),
      ...(idleMinutes === 0 ? {} : { idleMs: idleMinutes * 60_000 }),
      log: (line) => log.info(`engine: ${line}`),
      onGone: () => this.publish(),
      onFallback: (device, why) => {
        running.notice = fallbackNotice(device, why);
        log.warn(running.notice);
        this.publish();
      },
    });
    const running: Running = { key, engine, models: new Map() };
    return running;
  }

  /** Tells the status when it has changed; that it is at work only when that takes a while. */
  private publish(late = false): void {
    if (this.settings === undefined) return;
    const status = this.status(this.settings);
    const text = JSON.stringify(status);
    if (status.state !== "busy" || late) {
      clearTimeout(this.soon);
      this.soon = undefined;
      if (text !== this.published) this.options.onStatus(status);
      this.published = text;
    } else {
      this.soon ??= setTimeout(() => this.publish(true), BUSY_AFTER_MS);
    }
  }
}

const BUSY_AFTER_MS = 150;

function directoryOf(settings: EngineSettings, task: Task): string {
  return resolveModel(settings[`models.${task}`] || settings.model || undefined);
}

/** What the settings say that a model runs on: where they leave it open, what was measured is read. */
async function deviceOf({ device, precision }: EngineSettings, directory: string): Promise<Device> {
  if (device !== "auto") return device;
  return chooseDevice(device, precision, await measurementsOf(placesOf(), directory)).device;
}
