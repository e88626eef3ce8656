/**
 * A run's story, folded from its events: by the server, by the panel's page, which bundles this file, and for the
 * trainer's curve.
 */
import type { Evaluation, TrainEvent } from "./training.ts";

/**
 * A run's story so far. A run that goes on after a stop repeats the steps that were not saved; the story has the last
 * telling.
 */
export interface RunStory {
  readonly plan?: Extract<TrainEvent, { type: "plan" }>;
  readonly estimate?: Extract<TrainEvent, { type: "estimate" }>;
  /** Steps done. */
  readonly step: number;
  readonly secondsLeft?: number;
  /** `briefly`: for a moment, because a person is at work. */
  readonly pause: "no" | "asked" | "briefly";
  /** The newest step. */
  readonly latest?: CurvePoint;
  /** At most `CURVE_POINTS` steps, evenly spaced (`withPoint`). */
  readonly curve: readonly CurvePoint[];
  readonly evaluations: readonly Evaluation[];
  /** In the order in which they happened, those of steps that were taken back too. */
  readonly incidents: readonly Incident[];
}

/** A step on the curve. */
export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly tokensPerSecond: number;
  readonly memoryBytes: number;
}

/** An event that a person wants to know of later. A brief pause is not one: there would be hundreds. */
export type Incident =
  | { readonly kind: "resumed" | "paused" | "continued"; readonly step: number }
  /** The loss of `step` was not a number: the run went back to `toStep`. */
  | { readonly kind: "rollback"; readonly step: number; readonly toStep: number; readonly learningRate: number };

/** The most points that a curve keeps. */
export const CURVE_POINTS = 5000;

/** The story of a run that has sent no event. */
export const EMPTY_STORY: RunStory = { step: 0, pause: "no", curve: [], evaluations: [], incidents: [] };

/** Whether a run's model has layers of other weights than its base; false for an adapter beside them, or a prompt. */
export function changesLayers({ plan }: Pick<RunStory, "plan">): boolean {
  return plan === undefined || plan.method === "full" || plan.method === "lora";
}

/** The story after one more event. */
export function fold(story: RunStory, event: TrainEvent): RunStory {
  switch (event.type) {
    case "plan":
      return { ...story, plan: event, pause: "no" };
    case "estimate":
      return { ...story, estimate: event, secondsLeft: event.seconds };
    case "resumed":
      return withIncident(backTo(story, event.step), { kind: "resumed", step: event.step });
    case "rollback": {
      const { step, toStep, learningRate } = event;
      return withIncident(backTo(story, toStep), { kind: "rollback", step, toStep, learningRate });
    }
    case "paused":
      if (event.brief === true) return { ...story, pause: "briefly" };
      return withIncident({ ...story, pause: "asked" }, { kind: "paused", step: event.step });
    case "continued": {
      const going: RunStory = { ...story, pause: "no" };
      return story.pause === "asked" ? withIncident(going, { kind: "continued", step: event.step }) : going;
    }
    case "step": {
      const { step, loss, learningRate, gradientNorm, tokensPerSecond, memoryBytes, secondsLeft } = event;
      const latest = { step, loss, learningRate, gradientNorm, tokensPerSecond, memoryBytes };
      const before = step > story.step ? story : backTo(story, step - 1);
      return { ...before, step, secondsLeft, latest, curve: withPoint(before.curve, latest) };
    }
    case "evaluation": {
      const { type: _type, best: _best, ...evaluation } = event;
      const before = event.step < story.step ? backTo(story, event.step) : story;
      const others = before.evaluations.filter(({ step }) => step < event.step);
      return { ...before, evaluations: [...others, evaluation] };
    }
    case "done":
      return { ...story, step: event.steps, secondsLeft: 0 };
    case "saved":
      return story;
  }
}

/**
 * A curve with one more point, which replaces those of its step and later ones. Of n steps the curve keeps every
 * 2^k-th, with the least k that keeps `CURVE_POINTS` or fewer. That depends on the steps only, so a curve that was
 * saved or sent is continued as if it had not been.
 */
export function withPoint<Point extends { readonly step: number }>(
  curve: readonly Point[],
  point: Point,
): readonly Point[] {
  const before = upTo(curve, point.step - 1);
  const stride = strideAt(point.step);
  if (point.step % stride !== 0) return before;
  const thinned =
    strideAt(before.at(-1)?.step ?? 0) < stride ? before.filter(({ step }) => step % stride === 0) : before;
  return [...thinned, point];
}

function strideAt(step: number): number {
  let stride = 1;
  while (step > stride * CURVE_POINTS) stride *= 2;
  return stride;
}

/** The story when the steps after one are taken back. */
function backTo({ latest: _, ...story }: RunStory, step: number): RunStory {
  const curve = upTo(story.curve, step);
  const latest = curve.at(-1);
  const evaluations = story.evaluations.filter((evaluation) => evaluation.step <= step);
  return { ...story, step, curve, evaluations, ...(latest && { latest }) };
}

function upTo<Point extends { readonly step: number }>(curve: readonly Point[], step: number): readonly Point[] {
  const end = curve.findLastIndex((point) => point.step <= step) + 1;
  return end === curve.length ? curve : curve.slice(0, end);
}

function withIncident(story: RunStory, incident: Incident): RunStory {
  return { ...story, incidents: [...story.incidents, incident] };
}
