/** Answers what is asked of training runs, and tells what happens in those that go on, whoever started them. */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { ModelError } from "../../models/errors.ts";
import type { Answerers, Removed } from "../../protocol/panel.ts";
import { EMPTY_STORY } from "../../protocol/run-story.ts";
import { dataCheckSchema, fitSchema, type RunNews, type RunSummary, type runQuestions } from "../../protocol/runs.ts";
import type { RunRequest } from "../../protocol/train-request.ts";
import { resolveModel } from "../catalog/installed.ts";
import { folderBytes, notOurs, type Places } from "../catalog/store.ts";
import { isLocked } from "../files/lock.ts";
import { isOwnFolder, removeOwnFolder } from "../files/removal.ts";
import { STATE_FOLDER } from "../training/run/folder.ts";
import {
  followLines,
  listRuns,
  type RunRecord,
  readRecord,
  readTail,
  readyFolder,
  runFiles,
  runsFolder,
  sayTo,
  writeRecord,
  writeRunRequest,
} from "./folder.ts";
import { freeName } from "./name.ts";
import { askCli, defaultCli, launch } from "./process.ts";
import { addLine } from "./story.ts";
import { isLive, isStarting, lostMessage, summaryOf, type WatchedRun } from "./watched-run.ts";

/** The kinds of questions about runs. */
export type RunKind = (typeof runQuestions)[number]["shape"]["kind"]["value"];

/** Knows the runs. */
export interface RunService {
  /**
   * They throw a ModelError when there is no such run, when its state does not allow the action, or when a command
   * reports an error.
   */
  readonly answers: Answerers<RunKind, [signal: AbortSignal]>;
  /** Looks no more; the runs go on. */
  dispose(): void;
}

/** What a service works with. */
export interface RunServiceOptions {
  readonly places: Places;
  /** Is told what happens, at most ten times a second a run, once something was asked. */
  readonly onNews: (news: RunNews) => void;
  /** The command line's script; beside this bundle when absent. */
  readonly cli?: string;
  /** Is told when a look at the runs fails; the next one follows. */
  readonly problem?: (error: unknown) => void;
}

/** @returns a service that has looked at nothing yet */
export function createRunService(options: RunServiceOptions): RunService {
  return new Runs(options);
}

/** Between two looks at a run that goes on. */
const LOOK_MS = 150;
/** Between two looks whether it lives. */
const LIVES_MS = 1000;
/** Between two looks whether other windows have started some. */
const LIST_MS = 2000;
const LAST_WORDS = 2000;

class Runs implements RunService {
  private readonly places: Places;
  private readonly onNews: (news: RunNews) => void;
  private readonly cli: string;
  private readonly watched = new Map<string, WatchedRun>();
  private watching: NodeJS.Timeout | undefined;
  private listedMs = 0;
  private disposed = false;
  private readonly problem: (error: unknown) => void;

  constructor({ places, onNews, cli = defaultCli(), problem = () => undefined }: RunServiceOptions) {
    this.problem = problem;
    this.places = places;
    this.onNews = onNews;
    this.cli = cli;
  }

  readonly answers: RunService["answers"] = {
    runs: async () => {
      const runs = await this.list();
      // A run that cannot be read is listed as it was last seen.
      await Promise.allSettled(runs.map((run) => this.look(run, true)));
      return { runs: runs.map(summaryOf).sort((a, b) => b.startedAt.localeCompare(a.startedAt)) };
    },
    run: async ({ id }) => {
      const run = await this.find(id);
      return { summary: summaryOf(run), ...run.story };
    },
    checkData: async ({ request }, signal) =>
      askCli(this.cli, ["data", "check"], withPaths(request), dataCheckSchema, signal),
    fit: async ({ request }, signal) => {
      const fitRequest = { ...withPaths(request), out: join(this.places.own, "new") };
      return askCli(this.cli, ["train", "--dry-run"], fitRequest, fitSchema, signal);
    },
    startRun: async ({ title, request }) => this.start(title, withPaths(request)),
    steerRun: async ({ id, action }) => this.steer(await this.find(id), action),
    removeRun: async ({ id, model }) => this.remove(await this.find(id), model),
  };

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.watching);
  }

  private async start(title: string, request: RunRequest): Promise<RunSummary> {
    resolveModel(request.base);
    const id = await freeName(this.places, title);
    const record = {
      id,
      title,
      startedAt: new Date().toISOString(),
      request,
      out: join(this.places.own, id),
      launchedMs: Date.now(),
    };
    const run = this.know(record);
    await this.launch(run, false);
    return summaryOf(run);
  }

  private async steer(run: WatchedRun, action: "pause" | "continue" | "stop" | "resume"): Promise<RunSummary> {
    const { id, title, out } = run.record;
    if (action !== "resume") {
      if (!isLive(run.state)) throw new ModelError("input", `${title} is not going on: it can only be resumed.`);
      await sayTo(this.places, id, action);
      return summaryOf(run);
    }
    if (isLive(run.state)) throw new ModelError("input", `${title} is going on already.`);
    const begun = existsSync(join(out, STATE_FOLDER));
    if (run.state === "done" || (!begun && existsSync(join(out, "config.json")))) {
      throw new ModelError("input", `${title} has come to its end. Start a new run, from its model if you like.`);
    }
    await this.launch(run, begun);
    return summaryOf(run);
  }

  /** Starts the run's process. @param begun whether it goes on from the state in the model's folder */
  private async launch(run: WatchedRun, begun: boolean): Promise<void> {
    const { places } = this;
    const files = runFiles(places, run.record.id);
    await run.looking;
    await readyFolder(places, run.record.id);
    await sayTo(places, run.record.id, undefined);
    // What ended it before is read by now, and no more its end.
    delete run.end;
    delete run.message;
    delete run.endedAt;
    run.state = "starting";
    run.reportedState ??= "starting";
    run.record = { ...run.record, launchedMs: Date.now() };
    await writeRecord(places, run.record);
    if (!begun) await writeRunRequest(places, run.record);
    const what = begun ? `--resume=${run.record.out}` : `--request=${files.request}`;
    const pid = await launch(this.cli, ["train", "--json", `--control=${files.control}`, what], files);
    run.record = { ...run.record, pid };
    await writeRecord(places, run.record);
    this.watch();
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
    this.watched.delete(id);
    return { freedBytes };
  }

  private async find(id: string): Promise<WatchedRun> {
    const run = (await this.list()).find(({ record }) => record.id === id);
    if (run === undefined) throw new ModelError("input", `There is no run ${id} any more.`);
    await this.look(run, true);
    return run;
  }

  /** All runs, those that others have started or removed meanwhile too. */
  private async list(): Promise<WatchedRun[]> {
    this.watch();
    this.listedMs = Date.now();
    const ids = await listRuns(this.places);
    for (const id of this.watched.keys()) if (!ids.includes(id)) this.watched.delete(id);
    const runs = await Promise.all(
      ids.map(async (id) => {
        const record = await readRecord(this.places, id);
        return record === undefined ? [] : [this.know(record)];
      }),
    );
    return runs.flat();
  }

  private know(record: RunRecord): WatchedRun {
    const watchedBefore = this.watched.get(record.id);
    if (watchedBefore !== undefined) {
      // Another window may have started it again.
      if (record.launchedMs >= watchedBefore.record.launchedMs) watchedBefore.record = record;
      return watchedBefore;
    }
    const run: WatchedRun = {
      record,
      story: EMPTY_STORY,
      lines: followLines(runFiles(this.places, record.id).events),
      looking: Promise.resolve(),
      unreported: [],
      state: "starting",
      checkedMs: 0,
    };
    this.watched.set(record.id, run);
    return run;
  }

  /**
   * Reads what is new of a run, and where it is, and tells it; an answer that follows has it all. Where that fails, the
   * next look tries again.
   * @param thoroughly whether it lives is asked even if it was a moment ago
   */
  private look(run: WatchedRun, thoroughly: boolean): Promise<void> {
    const looking = run.looking.then(async () => {
      const asks = thoroughly || (isLive(run.state) && Date.now() - run.checkedMs > LIVES_MS);
      // First: what it said last is then read whole.
      const lives = asks ? await isLocked(run.record.out) : isLive(run.state);
      if (asks) run.checkedMs = Date.now();
      const first = run.reportedState === undefined;
      for (const line of await run.lines()) {
        const event = addLine(run, line);
        if (event !== undefined) run.unreported.push(event);
      }
      await this.settle(run, lives);
      const events = run.unreported;
      const changed = run.reportedState !== run.state || events.length > 0;
      run.reportedState = run.state;
      run.unreported = [];
      // What it told before it was known here is for those who ask.
      if (changed && !this.disposed) this.onNews({ summary: summaryOf(run), events: first ? [] : events });
    });
    run.looking = looking.catch(() => undefined);
    return looking;
  }

  private async settle(run: WatchedRun, lives: boolean): Promise<void> {
    const { story, end, record } = run;
    if (lives && (end === undefined || end.state !== "done")) {
      run.state = story.plan === undefined ? "starting" : story.pause === "no" ? "running" : "paused";
      delete run.message;
      delete run.endedAt;
      return;
    }
    if (end === undefined && isStarting(record)) {
      run.state = "starting";
      return;
    }
    const { events, errors } = runFiles(this.places, record.id);
    run.state = end?.state ?? "lost";
    run.endedAt ??= (await stat(events).catch(() => undefined))?.mtime.toISOString() ?? record.startedAt;
    if (end?.message !== undefined) run.message = end.message;
    else if (end === undefined) run.message ??= lostMessage(await readTail(errors, LAST_WORDS));
    else delete run.message;
  }

  /** Looks again and again, from the first question on. */
  private watch(): void {
    if (this.disposed) return;
    this.watching ??= setTimeout(() => {
      this.tellNews()
        .catch(this.problem) // such as a folder that went away as it was read; the next look finds it gone
        .finally(() => {
          this.watching = undefined;
          this.watch();
        });
    }, LOOK_MS).unref();
  }

  private async tellNews(): Promise<void> {
    // Those that have ended too, now and then: another window may resume one.
    const all = Date.now() - this.listedMs > LIST_MS;
    if (all) await this.list();
    for (const run of this.watched.values()) {
      // Others are told of, whatever befalls this one.
      if (all || isLive(run.state)) await this.look(run, false).catch(() => undefined);
    }
  }
}

/**
 * The request with its data's path in its plainest form.
 * @throws ModelError "input" when that is relative: there is no folder here that it could be relative to
 */
function withPaths(request: RunRequest): RunRequest {
  if (!isAbsolute(request.data)) {
    throw new ModelError("input", `"${request.data}" is a relative path. Name the data by its absolute path.`);
  }
  return { ...request, data: resolve(request.data) };
}
