/** A run's details as its news come in: each is added to what is known, in time that does not grow with the run. */
import type { CurvePoint, RunDetails, RunNews, RunSummary } from "../../../../../protocol/runs.ts";
import type { Evaluation, TrainEvent } from "../../../../../protocol/training.ts";
import { t } from "../../ui/texts.ts";

/** Points of a curve that are kept; when there are twice as many, every other one goes. */
export const KEPT_POINTS = 5000;

/** What is known of a run that has told nothing yet. */
export function newDetails(summary: RunSummary): RunDetails {
  return { summary, curve: [], evaluations: [], incidents: [] };
}

/** Details with what happened since. */
export function withNews(details: RunDetails, { summary, events }: RunNews): RunDetails {
  let { plan, estimate } = details;
  let curve: CurvePoint[] | undefined;
  let evaluations = details.evaluations;
  let incidents = details.incidents;
  const incident = (step: number, text: string) => {
    incidents = [...incidents, { step, text }];
  };
  const backTo = (step: number) => {
    curve = upTo(curve ?? details.curve, step);
    evaluations = evaluations.filter((one) => one.step <= step);
  };
  for (const event of events) {
    switch (event.type) {
      case "plan":
        plan = event;
        break;
      case "estimate":
        estimate = event;
        break;
      case "step":
        curve ??= [...details.curve];
        // A step that is told again, after a resumption or beside what the server had sent, stands in the place of the first.
        if ((curve.at(-1)?.step ?? -1) >= event.step) curve = upTo(curve, event.step - 1);
        curve.push(pointOf(event));
        if (curve.length >= 2 * KEPT_POINTS) curve = curve.filter((_, i) => i % 2 === 1);
        break;
      case "evaluation": {
        const { type: _type, best: _best, ...evaluation } = event;
        evaluations = [...evaluations.filter(({ step }) => step !== evaluation.step), evaluation];
        break;
      }
      case "resumed":
        backTo(event.step);
        incident(event.step, t("Went on after a stop."));
        break;
      case "rollback":
        backTo(event.toStep);
        incident(
          event.step,
          t("Back to step {0} with learning rate {1}: {2}", event.toStep, figure(event.learningRate), event.reason),
        );
        break;
      case "paused":
        incident(event.step, t("Paused."));
        break;
      case "continued":
        incident(event.step, t("Continued."));
        break;
      case "saved":
      case "done":
        break;
    }
  }
  return {
    summary,
    curve: curve ?? details.curve,
    evaluations,
    incidents,
    ...(plan && { plan }),
    ...(estimate && { estimate }),
  };
}

/** The base's evaluation and the best one since, with their samples; undefined where there is none. */
export function endsOf({ summary, evaluations }: RunDetails): {
  readonly base: Evaluation | undefined;
  readonly best: Evaluation | undefined;
} {
  const learned = evaluations.filter(({ step }) => step > 0);
  const lowest = learned.toSorted((a, b) => a.validation - b.validation)[0];
  return {
    base: evaluations.find(({ step }) => step === 0),
    best: learned.find(({ step }) => step === summary.best?.step) ?? lowest,
  };
}

/** What a screen reader is told of a run while it goes: a new text only at each tenth of the way, evaluation and change of state. */
export function announcement({ summary, evaluations }: RunDetails): string {
  const { title, state, step, steps, message } = summary;
  if (state === "failed") return `${title}: ${message ?? stateWord(state)}`;
  const tenths = steps === 0 ? 0 : Math.floor((10 * step) / steps);
  const last = evaluations.at(-1);
  const judged =
    last === undefined ? "" : `, ${t("validation loss {0} at step {1}", figure(last.validation), last.step)}`;
  return `${title}: ${stateWord(state)}, ${10 * tenths}%${judged}`;
}

/** A run's state for a person. */
export function stateWord(state: RunSummary["state"]): string {
  const words = {
    starting: t("starting"),
    running: t("running"),
    paused: t("paused"),
    stopped: t("stopped"),
    done: t("done"),
    failed: t("failed"),
    lost: t("ended without a word"),
  };
  return words[state];
}

/** Whether a run's process is there. */
export function isLive({ state }: Pick<RunSummary, "state">): boolean {
  return state === "starting" || state === "running" || state === "paused";
}

/** A number with three digits that count. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "∞";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

function upTo(curve: readonly CurvePoint[], step: number): CurvePoint[] {
  let end = curve.length;
  while (end > 0 && (curve[end - 1]?.step ?? 0) > step) end -= 1;
  return curve.slice(0, end);
}

function pointOf(event: Extract<TrainEvent, { type: "step" }>): CurvePoint {
  const { step, loss, learningRate, gradientNorm, tokensPerSecond, memoryBytes } = event;
  return { step, loss, learningRate, gradientNorm, tokensPerSecond, memoryBytes };
}
