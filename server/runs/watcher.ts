/** Follows the training runs of a folder, whichever window started them, and reports what happens in them. */
import { stat } from "node:fs/promises";
import { ModelError } from "../../models/errors.ts";
import { EMPTY_STORY } from "../../protocol/run-story.ts";
import type { RunNews } from "../../protocol/runs.ts";
import type { Places } from "../catalog/store.ts";
import { isLocked } from "../files/lock.ts";
import { followLines, listRuns, type RunRecord, readRecord, readTail, runFiles } from "./folder.ts";
import { addLine } from "./story.ts";
import { isLive, isStarting, lostMessage, summaryOf, type WatchedRun } from "./watched-run.ts";

/** Time between two checks of a live run. */
const CHECK_MS = 150;
/** Time between two checks whether its process still runs. */
const ALIVE_MS = 1000;
/** Time between two checks whether other windows have started runs. */
const LIST_MS = 2000;
/** Bytes of a lost run's standard error that its message quotes. */
const LAST_WORDS = 2000;

/** Options of a watcher. */
export interface WatcherOptions {
  readonly places: Places;
  readonly onNews: (news: RunNews) => void;
  /** Called when a check of the runs fails; the next one follows. */
  readonly problem: (error: unknown) => void;
}

/** Watches runs from the first call of `list`, `find` or `watch` on. */
export class RunWatcher {
  private readonly options: WatcherOptions;
  private readonly runs = new Map<string, WatchedRun>();
  private timer: NodeJS.Timeout | undefined;
  private listedMs = 0;
  private disposed = false;

  constructor(options: WatcherOptions) {
    this.options = options;
  }

  /** Stops watching; the runs continue. */
  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
  }

  /** All runs, up to date. A run that cannot be read stays as it was last seen. */
  async list(): Promise<WatchedRun[]> {
    const runs = await this.listed();
    await Promise.allSettled(runs.map((run) => this.check(run, true)));
    return runs;
  }

  /**
   * A run, up to date.
   * @throws ModelError "input" when there is none with this id
   */
  async find(id: string): Promise<WatchedRun> {
    const run = (await this.listed()).find(({ record }) => record.id === id);
    if (run === undefined) throw new ModelError("input", `There is no run ${id} any more.`);
    await this.check(run, true);
    return run;
  }

  /** The run of a record, watched from now on. */
  add(record: RunRecord): WatchedRun {
    const watchedBefore = this.runs.get(record.id);
    if (watchedBefore !== undefined) {
      // Another window may have started it again.
      if (record.launchedMs >= watchedBefore.record.launchedMs) watchedBefore.record = record;
      return watchedBefore;
    }
    const run: WatchedRun = {
      record,
      story: EMPTY_STORY,
      lines: followLines(runFiles(this.options.places, record.id).events),
      checking: Promise.resolve(),
      unreported: [],
      state: "starting",
      checkedMs: 0,
    };
    this.runs.set(record.id, run);
    return run;
  }

  /** Stops watching a run that was removed. */
  forget(id: string): void {
    this.runs.delete(id);
  }

  /** Starts the repeated checks unless they are under way. */
  watch(): void {
    if (this.disposed) return;
    this.timer ??= setTimeout(() => {
      this.reportNews()
        .catch(this.options.problem) // such as a folder removed while it was read; the next check notices
        .finally(() => {
          this.timer = undefined;
          this.watch();
        });
    }, CHECK_MS).unref();
  }

  /** All runs, including those that other windows have started or removed in the meantime. */
  private async listed(): Promise<WatchedRun[]> {
    this.watch();
    this.listedMs = Date.now();
    const { places } = this.options;
    const ids = await listRuns(places);
    for (const id of this.runs.keys()) if (!ids.includes(id)) this.runs.delete(id);
    const runs = await Promise.all(
      ids.map(async (id) => {
        const record = await readRecord(places, id);
        return record === undefined ? [] : [this.add(record)];
      }),
    );
    return runs.flat();
  }

  /**
   * Reads a run's new output, determines its state, and reports both. If that fails, the next check tries again.
   * @param thorough whether to check that the process runs even if that was checked a moment ago
   */
  private check(run: WatchedRun, thorough: boolean): Promise<void> {
    const checking = run.checking.then(async () => {
      const checksProcess = thorough || (isLive(run.state) && Date.now() - run.checkedMs > ALIVE_MS);
      // Before the output: that of a process that has ended is then complete.
      const alive = checksProcess ? await isLocked(run.record.out) : isLive(run.state);
      if (checksProcess) run.checkedMs = Date.now();
      const first = run.reportedState === undefined;
      for (const line of await run.lines()) {
        const event = addLine(run, line);
        if (event !== undefined) run.unreported.push(event);
      }
      await this.settle(run, alive);
      const events = run.unreported;
      const changed = run.reportedState !== run.state || events.length > 0;
      run.reportedState = run.state;
      run.unreported = [];
      // Events from before the first check are answers to questions, not news.
      if (changed && !this.disposed) this.options.onNews({ summary: summaryOf(run), events: first ? [] : events });
    });
    run.checking = checking.catch(() => undefined);
    return checking;
  }

  /** Sets a run's state, and its message if it has ended. */
  private async settle(run: WatchedRun, alive: boolean): Promise<void> {
    const { story, end, record } = run;
    if (alive && (end === undefined || end.state !== "done")) {
      run.state = story.plan === undefined ? "starting" : story.pause === "no" ? "running" : "paused";
      delete run.message;
      delete run.endedAt;
      return;
    }
    if (end === undefined && isStarting(record)) {
      run.state = "starting";
      return;
    }
    const { events, errors } = runFiles(this.options.places, record.id);
    run.state = end?.state ?? "lost";
    run.endedAt ??= (await stat(events).catch(() => undefined))?.mtime.toISOString() ?? record.startedAt;
    if (end?.message !== undefined) run.message = end.message;
    else if (end === undefined) run.message ??= lostMessage(await readTail(errors, LAST_WORDS));
    else delete run.message;
  }

  private async reportNews(): Promise<void> {
    // Ended runs are checked now and then: another window may resume one.
    const all = Date.now() - this.listedMs > LIST_MS;
    if (all) await this.listed();
    for (const run of this.runs.values()) {
      // A run that cannot be read does not keep the others from being reported.
      if (all || isLive(run.state)) await this.check(run, false).catch(() => undefined);
    }
  }
}
