/** Answers questions about training runs, and reports what happens in those under way. */
import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { ModelError } from "../../models/errors.ts";
import { type Comparison, comparisonSchema } from "../../protocol/comparison.ts";
import type { Removed } from "../../protocol/panel/models.ts";
import type { Answerers } from "../../protocol/panel.ts";
import { changesLayers } from "../../protocol/run-story.ts";
import {
  type ClusterToken,
  dataCheckSchema,
  fitSchema,
  paceSchema,
  type RunNews,
  type RunSummary,
  type runQuestions,
} from "../../protocol/runs.ts";
import type { RunRequest } from "../../protocol/train-request.ts";
import { resolveModel } from "../catalog/installed.ts";
import { folderBytes, notOurs, type Places } from "../catalog/store.ts";
import { isOwnFolder, removeOwnFolder } from "../files/removal.ts";
import { STATE_FOLDER } from "../training/run/folder.ts";
import { order, readyFolder, runFiles, runsFolder, writeRecord, writeRunRequest } from "./folder.ts";
import { freeName } from "./name.ts";
import { askCli, defaultCli, launch } from "./process.ts";
import { isLive, summaryOf, type WatchedRun } from "./watched-run.ts";
import { RunWatcher } from "./watcher.ts";

/** The kinds of questions about runs. */
export type RunKind = (typeof runQuestions)[number]["shape"]["kind"]["value"];

/** The service that starts, steers and removes runs. */
export interface RunService {
  /**
   * The handlers of questions about runs. They throw a ModelError when there is no such run, when its state does not
   * allow the action, or when a command reports an error.
   */
  readonly answers: Answerers<RunKind, [signal: AbortSignal]>;
  /** Stops watching; the runs continue. */
  dispose(): void;
}

/** Options of a service. */
export interface RunServiceOptions {
  readonly places: Places;
  /** Called with what happens from the first question on, at most ten times per second and run. */
  readonly onNews: (news: RunNews) => void;
  /** The command line's script; by default beside this bundle. */
  readonly cli?: string;
  /** Called when a check of the runs fails; the next one follows. */
  readonly problem?: (error: unknown) => void;
}

/** Creates a service that has not read any run yet. */
export function createRunService({
  places,
  onNews,
  cli = defaultCli(),
  problem = () => undefined,
}: RunServiceOptions): RunService {
  return new Runs(places, cli, new RunWatcher({ places, onNews, problem }));
}

class Runs implements RunService {
  private readonly places: Places;
  private readonly cli: string;
  private readonly watcher: RunWatcher;

  constructor(places: Places, cli: string, watcher: RunWatcher) {
    this.places = places;
    this.cli = cli;
    this.watcher = watcher;
  }

  readonly answers: RunService["answers"] = {
    runs: async () => {
      const runs = await this.watcher.list();
      return { runs: runs.map(summaryOf).sort((a, b) => b.startedAt.localeCompare(a.startedAt)) };
    },
    run: async ({ id }) => {
      const run = await this.watcher.find(id);
      return { summary: summaryOf(run), ...run.story };
    },
    checkData: async ({ request }, signal) =>
      askCli(this.cli, ["data", "check"], withPaths(request), dataCheckSchema, signal),
    fit: async ({ request }, signal) => {
      const fitRequest = { ...withPaths(request), out: join(this.places.own, "new") };
      return askCli(this.cli, ["train", "--dry-run"], fitRequest, fitSchema, signal);
    },
    pace: async ({ request, clusterToken }, signal) =>
      askCli(this.cli, ["train", "--measure"], withPaths(request), paceSchema, signal, secretOf(request, clusterToken)),
    startRun: async ({ title, request, clusterToken }) => this.start(title, withPaths(request), clusterToken),
    steerRun: async ({ id, action, clusterToken }) => this.steer(await this.watcher.find(id), action, clusterToken),
    cluster: async ({ address, clusterToken }) => {
      const { tryCluster } = await import("../training/cluster/try-cluster.ts");
      return tryCluster(address, clusterToken?.address === address ? clusterToken.token : undefined);
    },
    compareRun: async ({ id }, signal) => this.compare(await this.watcher.find(id), signal),
    removeRun: async ({ id, model }) => this.remove(await this.watcher.find(id), model),
  };

  dispose(): void {
    this.watcher.dispose();
  }

  private async start(title: string, request: RunRequest, token?: ClusterToken): Promise<RunSummary> {
    resolveModel(request.base);
    const id = await freeName(this.places, title);
    const record = {
      id,
      title,
      startedAt: new Date().toISOString(),
      request,
      out: join(this.places.own, id),
      launchedMs: Date.now(),
      version: 1 as const,
    };
    const run = this.watcher.add(record);
    await this.launch(run, false, token);
    return summaryOf(run);
  }

  private async steer(
    run: WatchedRun,
    action: "pause" | "continue" | "stop" | "resume",
    token?: ClusterToken,
  ): Promise<RunSummary> {
    const { id, title, out } = run.record;
    if (action !== "resume") {
      if (!isLive(run.state)) throw new ModelError("input", `${title} is not going on: it can only be resumed.`);
      await order(this.places, id, action);
      return summaryOf(run);
    }
    if (isLive(run.state)) throw new ModelError("input", `${title} is going on already.`);
    const begun = existsSync(join(out, STATE_FOLDER));
    if (run.state === "done" || (!begun && existsSync(join(out, "config.json")))) {
      throw new ModelError("input", `${title} has come to its end. Start a new run, from its model if you like.`);
    }
    await this.launch(run, begun, token);
    return summaryOf(run);
  }

  /**
   * Starts the run's process.
   * @param begun whether it resumes from the state in the model's folder
   * @param token goes to the process only if it is for the cluster of the run
   */
  private async launch(run: WatchedRun, begun: boolean, token?: ClusterToken): Promise<void> {
    const { places } = this;
    const files = runFiles(places, run.record.id);
    await run.checking;
    await readyFolder(places, run.record.id);
    await order(places, run.record.id, undefined);
    // The end of the process before has been read, and is the run's end no longer.
    delete run.end;
    delete run.message;
    delete run.endedAt;
    run.state = "starting";
    run.reportedState ??= "starting";
    run.record = { ...run.record, launchedMs: Date.now() };
    await writeRecord(places, run.record);
    if (!begun) await writeRunRequest(places, run.record);
    const source = begun ? `--resume=${run.record.out}` : `--request=${files.request}`;
    const secret = secretOf(run.record.request, token);
    const pid = await launch(this.cli, ["train", "--json", `--control=${files.control}`, source], files, secret);
    run.record = { ...run.record, pid };
    await writeRecord(places, run.record);
    this.watcher.watch();
  }

  /** Compares the base with the run's model, on examples that the run kept out. */
  private async compare({ record, state, story }: WatchedRun, signal: AbortSignal): Promise<Comparison> {
    const { title, request, out } = record;
    if (isLive(state)) throw new ModelError("input", `${title} is still going on. Compare once it has ended.`);
    if (!changesLayers(story)) {
      throw new ModelError("input", `${title} left the layers of its base as they are: there is nothing to compare.`);
    }
    if (!existsSync(join(out, "config.json"))) {
      throw new ModelError("input", `${title} has left no model to compare. Resume it until its first evaluation.`);
    }
    const command = ["compare", request.base, out, `--limit=${COMPARED}`];
    return askCli(this.cli, command, request, comparisonSchema, signal);
  }

  private async remove(run: WatchedRun, model: boolean): Promise<Removed> {
    const { id, title, out } = run.record;
    if (isLive(run.state)) throw new ModelError("input", `${title} is still going on. Stop it first.`);
    const usable = existsSync(join(out, "config.json"));
    const { own } = this.places;
    const folders = [
      ...(model || !usable ? [{ folder: out, within: own }] : [{ folder: join(out, STATE_FOLDER), within: out }]),
      { folder: runFiles(this.places, id).folder, within: runsFolder(this.places) },
    ].filter(({ folder }) => existsSync(folder));
    for (const { folder } of folders) if (!(await isOwnFolder(folder, own))) throw notOurs(folder);
    let freedBytes = 0;
    for (const { folder, within } of folders) {
      freedBytes += await folderBytes(folder);
      await removeOwnFolder(folder, within, own);
    }
    this.watcher.forget(id);
    return { freedBytes };
  }
}

/** Examples that models are compared on. */
const COMPARED = 16;

/**
 * Returns the request with the path of its data in canonical form.
 * @throws ModelError "input" when the path is relative: there is no folder here that it could be relative to
 */
function withPaths(request: RunRequest): RunRequest {
  if (!isAbsolute(request.data)) {
    throw new ModelError("input", `"${request.data}" is a relative path. Name the data by its absolute path.`);
  }
  return { ...request, data: resolve(request.data) };
}

/** Variables that give a run the token of its cluster, and of no other. */
function secretOf({ on }: RunRequest, token: ClusterToken | undefined): NodeJS.ProcessEnv {
  return token !== undefined && token.address === on ? { SPANFILL_CLUSTER_TOKEN: token.token } : {};
}
