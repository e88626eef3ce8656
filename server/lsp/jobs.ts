/** Work on models that takes a while: one job at a time for each model, reported as it goes on. */
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";
import type { Job } from "../../protocol/panel/models.ts";
import { cancelled } from "./errors.ts";

/** Reports a change of a job. */
export type Report = (change: Partial<Job>) => void;

/** The jobs of this session, by the models' ids; the latest job of each. */
export class Jobs {
  private readonly entries = new Map<string, { job: Job; readonly controller: AbortController }>();
  private readonly onJob: (job: Job) => void;

  constructor(onJob: (job: Job) => void) {
    this.onJob = onJob;
  }

  list(): Job[] {
    return [...this.entries.values()].map(({ job }) => job);
  }

  get(id: string): Job | undefined {
    return this.entries.get(id)?.job;
  }

  /** Ends the job of a model. */
  stop(id: string): void {
    this.entries.get(id)?.controller.abort();
  }

  /** Forgets the job of a model. @throws ModelError "input" while one is running */
  remove(id: string): void {
    this.refuseBusy(id);
    this.entries.delete(id);
  }

  /**
   * Runs work as a job.
   * @throws ModelError "input" while another is running for the model; ResponseError when it was stopped; the error of
   *   the work
   */
  async run<T>(id: string, kind: Job["kind"], work: (signal: AbortSignal, report: Report) => Promise<T>): Promise<T> {
    this.refuseBusy(id);
    const controller = new AbortController();
    const entry = { job: { id, kind, state: "running" } as Job, controller };
    const report: Report = (change) => {
      entry.job = { ...entry.job, ...change };
      this.onJob(entry.job);
    };
    this.entries.set(id, entry);
    report({});
    try {
      const result = await work(controller.signal, report);
      report({ state: "done" });
      return result;
    } catch (error) {
      if (controller.signal.aborted) {
        report({ state: "stopped" });
        throw cancelled("Stopped.");
      }
      report({ state: "failed", message: reason(error) });
      throw error;
    }
  }

  /** Ends all jobs. */
  dispose(): void {
    for (const { controller } of this.entries.values()) controller.abort();
  }

  private refuseBusy(id: string): void {
    const job = this.get(id);
    if (job?.state === "running")
      throw new ModelError("input", `Something is under way for ${id} (${job.kind}): wait, or stop it.`);
  }
}
