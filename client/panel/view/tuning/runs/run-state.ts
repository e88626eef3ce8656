/** A run's details as its news come in, and what of them is put into words. */
import { EMPTY_STORY, fold, type Incident, type RunStory } from "../../../../../protocol/run-story.ts";
import type { RunDetails, RunNews, RunSummary } from "../../../../../protocol/runs.ts";
import type { Evaluation } from "../../../../../protocol/training.ts";
import { t } from "../../ui/texts.ts";

/** The details of a run that has sent no event. */
export function newDetails(summary: RunSummary): RunDetails {
  return { summary, ...EMPTY_STORY };
}

/** Details with what happened since. */
export function withNews(details: RunDetails, { summary, events }: RunNews): RunDetails {
  return { ...events.reduce<RunStory>(fold, details), summary };
}

/** An incident as a sentence. */
export function incidentText(incident: Incident): string {
  switch (incident.kind) {
    case "resumed":
      return t("Went on after a stop.");
    case "rollback": {
      const rate = figure(incident.learningRate);
      return t("The loss was not a number: back to step {0}, with learning rate {1}.", incident.toStep, rate);
    }
    case "paused":
      return t("Paused.");
    case "continued":
      return t("Continued.");
  }
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

/**
 * A running run's text for screen readers: it changes only at each tenth of the way, evaluation and change
 * of state.
 */
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
