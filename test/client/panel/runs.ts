/** Runs and what they tell, for the panel's tests. */
import type { RunSummary } from "../../../protocol/runs.ts";
import type { TrainEvent } from "../../../protocol/training.ts";

/** A run that goes. */
export function runSummary(id: string, change: Partial<RunSummary> = {}): RunSummary {
  const request = { task: "summarize", data: "/data/articles.jsonl", base: "own" } as const;
  const rest = { state: "running", startedAt: "2026-01-02T10:00:00Z", usable: false, step: 0, steps: 100 } as const;
  return { id, title: `run ${id}`, model: `tuned-${id}`, request, ...rest, ...change };
}

/** A step. */
export function step(at: number, loss = 2 + 8 / Math.sqrt(at)): Extract<TrainEvent, { type: "step" }> {
  const rest = { steps: 100, epoch: 1, learningRate: 0.01, gradientNorm: 1, secondsLeft: 10, memoryBytes: 5e8 };
  return { type: "step", step: at, loss, tokensPerSecond: 900, ...rest };
}

/** An evaluation. */
export function evaluation(at: number, validation = 3): Extract<TrainEvent, { type: "evaluation" }> {
  return { type: "evaluation", step: at, loss: 3, validation, metrics: {}, samples: [], best: false };
}
