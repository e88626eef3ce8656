/** What a run has told so far, folded from its events: a run that goes on after a stop does some steps again, so what they told is forgotten. */
import * as z from "zod";
import { CURVE_POINTS, type CurvePoint, type RunDetails, type RunState, type Score } from "../../protocol/runs.ts";
import { type Evaluation, type TrainEvent, trainEventSchema } from "../../protocol/training.ts";
import { bestOf } from "../training/run/run.ts";

/** A run's story; grows with each event. */
export interface Story {
  plan?: Extract<TrainEvent, { type: "plan" }>;
  estimate?: Extract<TrainEvent, { type: "estimate" }>;
  /** At most `CURVE_POINTS`, evenly. */
  curve: CurvePoint[];
  /** One in so many steps is on the curve. */
  stride: number;
  evaluations: Evaluation[];
  incidents: { step: number; text: string }[];
  step: number;
  secondsLeft?: number;
  paused: "no" | "asked" | "briefly";
  /** How it ended, until it goes on. */
  end?: { readonly state: Extract<RunState, "stopped" | "done" | "failed">; readonly message?: string };
}

/** The story of a run that has told nothing. */
export function emptyStory(): Story {
  return { curve: [], stride: 1, evaluations: [], incidents: [], step: 0, paused: "no" };
}

/**
 * Adds a line of the run's output.
 * @param line parsed JSON
 * @returns the event that it was, if it was one
 */
export function addLine(story: Story, line: unknown): TrainEvent | undefined {
  const failure = failureSchema.safeParse(line);
  if (failure.success) {
    const { code, message } = failure.data.error;
    story.end = code === "interrupted" ? { state: "stopped" } : { state: "failed", message };
    return undefined;
  }
  const { data: event } = trainEventSchema.safeParse(line);
  if (event === undefined) return undefined;
  addEvent(story, event);
  return event;
}

/** The evaluations of a story that a summary tells. */
export function scoresOf({ evaluations }: Story): { readonly base?: Score; readonly best?: Score } {
  const [first] = evaluations;
  return first === undefined ? {} : { base: scoreOf(first), best: scoreOf(bestOf(evaluations)) };
}

/** The details of a story. */
export function detailsOf({ plan, estimate, curve, evaluations, incidents }: Story): Omit<RunDetails, "summary"> {
  return { ...(plan && { plan }), ...(estimate && { estimate }), curve, evaluations, incidents };
}

function addEvent(story: Story, event: TrainEvent): void {
  switch (event.type) {
    case "plan":
      story.plan = event;
      delete story.end;
      story.paused = "no";
      break;
    case "estimate":
      story.estimate = event;
      story.secondsLeft = event.seconds;
      break;
    case "resumed":
      goBack(story, event.step);
      story.incidents.push({ step: event.step, text: `Went on after step ${event.step}.` });
      break;
    case "rollback":
      goBack(story, event.toStep);
      story.incidents.push({ step: event.toStep, text: event.reason });
      break;
    case "paused":
      story.paused = event.brief === true ? "briefly" : "asked";
      if (event.brief !== true) story.incidents.push({ step: event.step, text: "Paused." });
      break;
    case "continued":
      if (story.paused === "asked") story.incidents.push({ step: event.step, text: "Continued." });
      story.paused = "no";
      break;
    case "step":
      addStep(story, event);
      break;
    case "evaluation": {
      const { type: _, best: __, ...evaluation } = event;
      story.evaluations = [...story.evaluations.filter(({ step }) => step < event.step), evaluation];
      break;
    }
    case "done":
      story.step = event.steps;
      story.secondsLeft = 0;
      story.end = { state: "done" };
      break;
    case "saved":
      break;
  }
}

function addStep(story: Story, { type: _, steps: __, epoch: ___, secondsLeft, ...point }: Step): void {
  if (point.step <= story.step) goBack(story, point.step - 1);
  story.step = point.step;
  story.secondsLeft = secondsLeft;
  if (point.step % story.stride === 0) story.curve.push(point);
  if (story.curve.length <= CURVE_POINTS) return;
  story.stride *= 2;
  story.curve = story.curve.filter(({ step }) => step % story.stride === 0);
}

type Step = Extract<TrainEvent, { type: "step" }>;

function goBack(story: Story, to: number): void {
  story.step = to;
  story.curve = story.curve.filter(({ step }) => step <= to);
  story.evaluations = story.evaluations.filter(({ step }) => step <= to);
}

function scoreOf({ step, validation, metrics }: Evaluation): Score {
  const means = Object.entries(metrics).map(([name, interval]) => [name, interval?.mean ?? null]);
  return { step, validation, metrics: Object.fromEntries(means) };
}

const failureSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
