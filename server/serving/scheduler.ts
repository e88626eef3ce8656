/** The order of work: a bounded queue, clients in turn, and requests of one kind together in a batch. */

/** A request that waits. */
export interface Job<Request, Result> {
  /** Whoever asked; each has its turn. */
  readonly client: string;
  /** Requests with the same key can run together. */
  readonly key: string;
  /** Rows that it adds to a batch. */
  readonly rows: number;
  readonly request: Request;
  readonly signal: AbortSignal;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** The limits and the work of a scheduler. */
export interface SchedulerOptions<Request, Result> {
  readonly mostWaiting: number;
  /** Rows of a batch; 1 runs each request by itself. */
  readonly mostRows: number;
  /** Runs a batch. @returns a result for each request, in order */
  readonly run: (requests: readonly Request[], signal: AbortSignal) => Promise<readonly Result[]>;
  readonly onBatch?: (rows: number) => void;
}

/** Work in turn. */
export interface Scheduler<Request, Result> {
  readonly waiting: number;
  /**
   * Adds a request; undefined if the queue is full.
   * @returns its result; rejects with the signal's reason as soon as that aborts
   */
  add(job: Omit<Job<Request, Result>, "resolve" | "reject">): Promise<Result> | undefined;
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>;
}

/** Creates a scheduler; it runs one batch at a time. */
export function createScheduler<Request, Result>(
  options: SchedulerOptions<Request, Result>,
): Scheduler<Request, Result> {
  const turns = createTurns<Job<Request, Result>>(options.mostRows);
  let working: Promise<void> | undefined;

  async function work(): Promise<void> {
    for (;;) {
      // What has arrived meanwhile is read first.
      await new Promise((resolve) => setImmediate(resolve));
      const batch = turns.next();
      if (batch.length === 0) return;
      const wanted = batch.filter(({ signal }) => !signal.aborted);
      for (const { signal, reject } of batch) if (signal.aborted) reject(signal.reason);
      if (wanted.length > 0) await runBatch(wanted);
    }
  }

  async function runBatch(jobs: readonly Job<Request, Result>[]): Promise<void> {
    options.onBatch?.(jobs.reduce((sum, { rows }) => sum + rows, 0));
    const everyone = allAborted(jobs.map(({ signal }) => signal));
    try {
      const results = await options.run(
        jobs.map(({ request }) => request),
        everyone.signal,
      );
      for (const [i, { resolve, reject }] of jobs.entries()) {
        const result = results[i];
        if (result === undefined) reject(new RangeError("a batch gave no result for a request"));
        else resolve(result);
      }
    } catch (error) {
      for (const { reject } of jobs) reject(error);
    } finally {
      everyone.release();
    }
  }

  return {
    get waiting() {
      return turns.waiting;
    },
    add(job) {
      if (turns.waiting >= options.mostWaiting) return undefined;
      const result = new Promise<Result>((resolve, reject) => {
        turns.add({ ...job, resolve, reject });
        job.signal.addEventListener("abort", () => reject(job.signal.reason), { once: true });
      });
      working ??= work().finally(() => {
        working = undefined;
      });
      return result;
    },
    async idle() {
      while (working !== undefined) await working;
    },
  };
}

/** Requests that wait: each client's in order, and clients in turn. */
function createTurns<T extends { readonly client: string; readonly key: string; readonly rows: number }>(
  mostRows: number,
) {
  /** The first client is next. */
  const queues = new Map<string, T[]>();
  let waiting = 0;
  const take = (client: string): T | undefined => {
    const jobs = queues.get(client);
    const job = jobs?.shift();
    queues.delete(client);
    if (jobs !== undefined && jobs.length > 0) queues.set(client, jobs); // behind all others
    if (job !== undefined) waiting -= 1;
    return job;
  };
  return {
    get waiting() {
      return waiting;
    },
    add(job: T) {
      queues.set(job.client, [...(queues.get(job.client) ?? []), job]);
      waiting += 1;
    },
    /** Takes the next request, and the oldest of other clients' that can run with it. */
    next(): T[] {
      const [client] = queues.keys();
      const first = client === undefined ? undefined : take(client);
      if (first === undefined) return [];
      const batch = [first];
      let { rows } = first;
      for (let joined = true; joined && rows < mostRows; ) {
        joined = false;
        for (const [other, [job]] of [...queues]) {
          if (job === undefined || job.key !== first.key || rows + job.rows > mostRows) continue;
          take(other);
          batch.push(job);
          rows += job.rows;
          joined = true;
        }
      }
      return batch;
    },
  };
}

/** A signal that aborts when all of the signals have. */
function allAborted(signals: readonly AbortSignal[]) {
  const controller = new AbortController();
  const check = () => {
    if (signals.every(({ aborted }) => aborted)) controller.abort(signals[0]?.reason);
  };
  for (const signal of signals) signal.addEventListener("abort", check);
  return {
    signal: controller.signal,
    release: () => {
      for (const signal of signals) signal.removeEventListener("abort", check);
    },
  };
}
