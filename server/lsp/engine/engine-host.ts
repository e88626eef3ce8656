/**
 * Runs the engine for the server: starts it with the first request that needs it, and replaces it when settings ask
 * for another model.
 */

import { defined } from "../../../base/defined.ts";
import { onFirstCall } from "../../../base/once.ts";
import { english, type Translate } from "../../../base/translate.ts";
import { ModelError } from "../../../models/errors.ts";
import { fallbackNotice } from "../../../protocol/devices.ts";
import type { Feature } from "../../../protocol/features.ts";
import type { EngineStatus } from "../../../protocol/requests.ts";
import { modelIdentity } from "../../catalog/folder/identity.ts";
import { nameOfFolder } from "../../catalog/store.ts";
import { repeatChanged } from "../../engine/changed.ts";
import type { LoadedModel } from "../../engine/engine.ts";
import { createRemoteEngine } from "../../engine/process/remote.ts";
import { translatedSlowNotice } from "../../engine/slow-notice.ts";
import { EngineEnded } from "../errors.ts";
import type { Log } from "../log.ts";
import {
  deviceOf,
  type EngineSettings,
  type Folder,
  folderOf,
  identityOf,
  keyOf,
  modelKey,
  sendsText,
} from "./engine-folder.ts";
import { LoadBackoff, type Trial } from "./load-backoff.ts";
import type { Running } from "./running.ts";
import type { ServerChoice } from "./server-choice.ts";
import { StatusReport } from "./status-report.ts";

/** Options of an engine host. */
export interface EngineHostOptions {
  readonly log: Log;
  /** Called when the status has changed. */
  readonly onStatus: (status: EngineStatus) => void;
  /** Translates notices; called each time, because the client reports its language later. English if absent. */
  readonly t?: () => Translate;
  /** The inference server that settings name; none if absent. */
  readonly server?: ServerChoice;
  /** The engine's script; by default next to the server's own. */
  readonly childPath?: string;
}

/** Work with a model. */
export type Work<T> = (model: () => Promise<LoadedModel>, identity: AnswerIdentity) => Promise<T>;

/** A key that identifies a model's answers: its files, and the precision and device that compute them. */
export interface AnswerIdentity {
  /**
   * The key of the model that would answer.
   * @throws ModelError when there is none
   */
  readonly expected: () => Promise<string>;
  /** The key of the model that answered, once it was loaded; undefined if its files changed in the meantime. */
  readonly actual: () => string | undefined;
}

/** The server's engine. */
export interface EngineHost {
  /**
   * Runs work that may ask for these settings' model for a feature, which is loaded then. Where the model's files are
   * changed under the work, it is run again.
   * @throws what loading or the work throws
   */
  use<T>(settings: EngineSettings, feature: Feature, work: Work<T>): Promise<T>;
  /** A key for what the model of a feature would answer now. @throws ModelError where there is none */
  identity(settings: EngineSettings, feature: Feature): Promise<string>;
  status(settings: EngineSettings): EngineStatus;
  isLoading(): boolean;
  /**
   * Ends the engine's process; the next use starts another.
   * @param again whether the next process repeats the work in progress: its `use` throws an EngineEnded that says so
   */
  restart(again: boolean): Promise<void>;
  /** Ends the engine's process for good. */
  dispose(): Promise<void>;
}

/** Creates a host that has started nothing yet. */
export function createEngineHost(options: EngineHostOptions): EngineHost {
  return new Host(options);
}

class Host implements EngineHost {
  private readonly options: EngineHostOptions;
  private running: Running | undefined;
  private loading = 0;
  private busy = 0;
  private failure: string | undefined;
  private settings: EngineSettings | undefined;
  private disposed = false;
  private saidSlow = false;
  /** How often the engine was ended on purpose, and whether the next one repeats the work of the latest time. */
  private ends = { count: 0, again: false };
  private readonly backoff = new LoadBackoff();
  private readonly report: StatusReport;

  constructor(options: EngineHostOptions) {
    this.options = options;
    this.report = new StatusReport(options.onStatus);
  }

  async use<T>(settings: EngineSettings, feature: Feature, work: Work<T>): Promise<T> {
    let asked = false;
    let trial: Trial | undefined;
    const begun = (next: Trial) => {
      trial = next;
    };
    let ended = this.ends.count;
    const attempt = () => {
      // The same folder throughout one attempt.
      const folder = onFirstCall(() => folderOf(settings, feature));
      let loaded: LoadedModel | undefined;
      const model = async () => {
        ended = this.ends.count;
        if (!asked) this.busy += 1;
        asked = true;
        trial = undefined;
        loaded = await this.load(settings, folder(), begun);
        this.failure = undefined;
        return loaded;
      };
      return work(model, {
        expected: () => this.expected(settings, folder()),
        actual: () => (loaded === undefined ? undefined : this.actual(settings, folder(), loaded)),
      });
    };
    try {
      const result = await repeatChanged(attempt);
      if (trial !== undefined) this.backoff.answered(trial.key);
      return result;
    } catch (error) {
      if (error instanceof ModelError && error.code === "process") {
        if (this.ends.count !== ended) throw new EngineEnded(this.ends.again);
        if (trial !== undefined) throw this.processEnded(trial, error);
      }
      // Invalid input says nothing about the engine.
      if (error instanceof ModelError && error.code !== "input" && error.code !== "task") this.failure = error.message;
      throw error;
    } finally {
      if (asked) this.busy -= 1;
      this.publish();
    }
  }

  isLoading = (): boolean => this.loading > 0;

  private translation(): Translate {
    return this.options.t?.() ?? english;
  }

  private key(settings: EngineSettings): string {
    return keyOf(settings, this.options.server?.connectionOf(settings));
  }

  status(settings: EngineSettings): EngineStatus {
    const { model, precision } = settings;
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
      ...defined({
        slowNotice: info?.slowNotice && translatedSlowNotice(info.slowNotice, this.translation()),
        parameters: info?.parameters,
        pid,
        deviceNotice: notice,
        host: sendsText(settings) ? this.options.server?.hostOf(settings) : undefined,
      }),
      ...(failed && { message: failure }),
    };
  }

  async identity(settings: EngineSettings, feature: Feature): Promise<string> {
    return this.expected(settings, folderOf(settings, feature));
  }

  private async expected(settings: EngineSettings, folder: Folder): Promise<string> {
    const running = this.running?.key === this.key(settings) ? this.running : undefined;
    if (running?.notice !== undefined) return identityOf("cpu", settings.precision, folder);
    const current = running?.engine.pid === undefined ? undefined : running.models.get(modelKey(folder));
    if (current?.files === folder.files)
      return identityOf(current.loaded.info.device, current.loaded.info.precision, folder);
    const device = await deviceOf(settings, folder);
    return identityOf(device, device === "cpu" ? settings.precision : "float32", folder);
  }

  private actual({ precision }: EngineSettings, folder: Folder, { info }: LoadedModel): string | undefined {
    if (modelIdentity(folder.directory) !== folder.files) return undefined;
    // A failed device has left its work to the CPU.
    if (this.running?.notice !== undefined) return identityOf("cpu", precision, folder);
    return identityOf(info.device, info.precision, folder);
  }

  async restart(again: boolean): Promise<void> {
    const { running } = this;
    this.running = undefined;
    this.ends = { count: this.ends.count + 1, again };
    this.failure = undefined;
    this.backoff.forget();
    await running?.engine.dispose();
    this.publish();
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await this.restart(false);
  }

  /**
   * Loads a model.
   * @param begun called with the process that works with the model, once there is one
   */
  private async load(settings: EngineSettings, folder: Folder, begun: (trial: Trial) => void): Promise<LoadedModel> {
    if (this.disposed) throw new ModelError("process", "The server is shutting down.");
    this.settings = settings;
    const { directory, files } = folder;
    const { precision, threads } = settings;
    const reference = { directory, precision, identity: files, ...defined({ threads: threads || undefined }) };
    const key = this.key(settings);
    if (this.running !== undefined && this.running.key !== key) await this.restart(true);
    const trial = { key: `${key} ${directory} ${files}`, name: nameOfFolder(directory) };
    this.backoff.check(trial.key, trial.name);
    this.running ??= this.start(key, settings);
    const { running } = this;
    const current = running.models.get(modelKey(folder));
    // A training run may have saved better weights.
    if (running.engine.pid !== undefined && current?.files === files) {
      running.model = current.loaded;
      begun({ ...trial, pid: running.engine.pid });
      this.publish();
      return current.loaded;
    }
    const started = performance.now();
    this.loading += 1;
    this.publish();
    try {
      const device = await deviceOf(settings, folder);
      const loading = running.engine.load({ ...reference, device });
      begun({ ...trial, pid: running.engine.pid });
      const loaded = await loading;
      running.models.set(modelKey(folder), { loaded, files });
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

  private processEnded({ key, name, pid }: Trial, error: ModelError): ModelError {
    const waitMs = this.backoff.ended(key, pid);
    if (waitMs > 0) this.options.log.warn(`${name} keeps ending its process; not retried for ${waitMs / 1000} s`);
    const named = this.backoff.explained(error, key, name);
    this.failure = named.message;
    return named;
  }

  private start(key: string, settings: EngineSettings): Running {
    const { childPath, log, server } = this.options;
    const idleMs = settings.idleMinutes === 0 ? undefined : settings.idleMinutes * 60_000;
    const engine = createRemoteEngine({
      ...defined({ childPath, server: server?.connectionOf(settings), idleMs }),
      log: (line) => log.info(`engine: ${line}`),
      onGone: () => this.publish(),
      onFallback: (device, why) => {
        running.notice = fallbackNotice(device, why, this.translation());
        log.warn(running.notice);
        this.publish();
      },
    });
    const running: Running = { key, engine, models: new Map() };
    return running;
  }

  private publish(): void {
    if (this.settings !== undefined) this.report.update(this.status(this.settings));
  }
}
