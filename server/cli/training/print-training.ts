/** The events of a training run for a person, or as lines of JSON. */
import { percent, sizeInWords } from "../../../base/figures.ts";
import type { Fit, Pace } from "../../../protocol/runs.ts";
import type { Evaluation, TrainEvent } from "../../../protocol/training.ts";
import type { Work } from "../../command-work.ts";
import { printJson, printNoteOverLine } from "../../output.ts";
import type { RunReport } from "../../training/run/start.ts";

/** A printer of events: lines of JSON on stdout, or sentences on stderr. */
export function eventPrinter(json: boolean, progress: Work["progress"]): (event: TrainEvent) => void {
  if (json) return (event) => printJson(event);
  return (event) => {
    if (event.type === "step") {
      const { step, steps, loss, tokensPerSecond, secondsLeft } = event;
      progress(
        `Loss ${loss.toFixed(3)}, ${Math.round(tokensPerSecond)} tokens/s, ${duration(secondsLeft)} left`,
        step,
        steps,
      );
    } else for (const line of linesOf(event)) printNoteOverLine(line);
  };
}

/** The result of a run in a few sentences. */
export function reportInWords({ evaluations, best, steps, tokensPerSecond, out }: RunReport): string {
  const [before = best] = evaluations;
  const change = 100 * (1 - best.validation / before.validation);
  const kept =
    best.step === 0
      ? "No step did better than the model did before: its weights are kept. Try another --lr, or more data."
      : `Validation loss ${before.validation.toFixed(4)} before, ${best.validation.toFixed(4)} after step ${best.step} (${change.toFixed(1)}% less; perplexity ${Math.exp(before.validation).toFixed(1)} -> ${Math.exp(best.validation).toFixed(1)}).`;
  const metrics = figures(best).map(
    ([name, value]) =>
      `${name} ${percent(before.metrics[name]?.mean ?? Number.NaN, 1)} before, ${percent(value, 1)} after`,
  );
  const judged = metrics.length === 0 ? "" : `\n${metrics.join("; ")}.`;
  return `${kept}${judged}\n${steps} steps, ${Math.round(tokensPerSecond)} tokens/s. The model is in ${out}.\n`;
}

/** The shape that is enough for a text, in a line. */
export function enoughInWords({ bytes, shape, parameters, hours }: NonNullable<Fit["enough"]>): string {
  const size = `${(parameters / 1e6).toFixed(1)} M parameters`;
  return `On your ${sizeInWords(bytes)} a model of ${size} is enough (${shape}): in ${hours} hours of training no other shape is predicted to come more than 1% below its loss.\n`;
}

/** The needs of a run in a few sentences. */
export function needsInWords({ reason, examples, steps, seconds, fits, enough, ...room }: Fit): string {
  const verdict = fits ? "That fits." : "That does not fit: see --method, --checkpointing and --max-batch-tokens.";
  return `${examples} examples, ${steps} steps. ${reason}
Memory: about ${sizeInWords(room.memoryBytes)} of ${sizeInWords(room.freeMemoryBytes)} that are free. Disk: ${sizeInWords(room.diskBytes)} of ${sizeInWords(room.freeDiskBytes)}. ${verdict}
Very roughly ${duration(seconds)}.
${enough === undefined ? "" : enoughInWords(enough)}`;
}

/** The speed of a place beside this machine's, in a line. */
export function paceInWords({ on, workers, there, here }: Pace): string {
  const speed = ({ tokensPerSecond, firstStepSeconds }: Pace["here"]) =>
    `${tokensPerSecond} tokens/s, the first step after ${firstStepSeconds} s`;
  return `${on}, ${workers} ${workers === 1 ? "worker" : "workers"}: ${speed(there)}. This machine: ${speed(here)}.`;
}

function linesOf(event: TrainEvent): string[] {
  switch (event.type) {
    case "plan": {
      const { learnedParameters: learned, parameters, examples, validationExamples, reason, notes, steps } = event;
      return [
        ...notes,
        `${examples} examples to learn from, ${validationExamples} kept out; ${steps} steps.`,
        `${reason} ${learned.toLocaleString("en")} of ${parameters.toLocaleString("en")} parameters learn.`,
      ];
    }
    case "estimate":
      return [
        `About ${duration(event.secondsPerEpoch)} an epoch, ${duration(event.seconds)} in all (${event.stepSeconds.toFixed(2)} s a step), ${sizeInWords(event.memoryBytes)} of memory.`,
      ];
    case "resumed":
      return [`Going on after step ${event.step} of a run that was stopped.`];
    case "evaluation": {
      const { step, loss, validation, best, samples } = event;
      const training = loss === null ? "" : `training loss ${loss.toFixed(4)}, `;
      const metrics = figures(event).map(([name, value]) => `, ${name} ${percent(value, 1)}`);
      const [sample] = samples;
      const shown = sample === undefined ? [] : [`  wrote ${short(sample.output)} for ${short(sample.target)}`];
      return [
        `Step ${step}: ${training}validation ${validation.toFixed(4)}${metrics.join("")}${best && step > 0 ? " (best so far)" : ""}`,
        ...shown,
      ];
    }
    case "rollback":
      return [event.reason];
    case "paused":
      return [`Paused after step ${event.step}${event.brief === true ? ", for a moment" : ""}.`];
    case "continued":
      return ["Going on."];
    default:
      return [];
  }
}

/** Metrics of the whole; those of each label have names with blanks. */
function figures({ metrics }: Pick<Evaluation, "metrics">): [name: string, value: number][] {
  return Object.entries(metrics).flatMap(([name, interval]): [string, number][] =>
    interval === null || name.includes(" ") ? [] : [[name, interval.mean]],
  );
}

function short(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return `"${line.length > 60 ? `${line.slice(0, 60)}...` : line}"`;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
