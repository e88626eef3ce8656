/** One run: how far it is, its curves, what the model writes by now, what it came to, and what can be done with it. */
import { html, type TemplateResult } from "lit";
import { sizeInWords } from "../../../../../base/figures.ts";
import type { Feature } from "../../../../../protocol/features.ts";
import type { RunDetails, RunSummary } from "../../../../../protocol/runs.ts";
import { type App, attempt } from "../../app.ts";
import { duration } from "../../models/rows.ts";
import { longText } from "../../ui/text-view.ts";
import { t } from "../../ui/texts.ts";
import { choice } from "../../ui/widgets.ts";
import { lastPart, settingTitle } from "../form/tuning-form.ts";
import { tuningTask } from "../form/tuning-tasks.ts";
import { askComparison, duplicate, mark, steer, tell, tryOut, useNow } from "../tuning-actions.ts";
import { selectedRun } from "../tuning-state.ts";
import { curvesView } from "./curve-view.ts";
import { doom, doomView, when } from "./history-view.ts";
import { resultView } from "./result-view.ts";
import { announcement, figure, isLive, newDetails, stateWord } from "./run-state.ts";
import { similarityView } from "./similarity-view.ts";

/** The run that is looked at. */
export function runView(app: App): TemplateResult {
  const { tuning } = app.state();
  const run = selectedRun(tuning);
  if (run === undefined) {
    return html`<h2 id="tuning-heading" tabindex="-1">${t("Run")}</h2><p role="status">${t("Looking for the run…")}</p>`;
  }
  const details = tuning.details[run.id] ?? newDetails(run);
  const beside = tuning.marked.filter((id) => id !== run.id).flatMap((id) => tuning.details[id] ?? []);
  const { request, state, message } = run;
  const ended = !isLive(run);
  return html`
    <section class="run" data-run=${run.id} data-state=${state} aria-labelledby="tuning-heading">
      <h2 id="tuning-heading" tabindex="-1">${run.title}</h2>
      <p class="hint">
        ${tuningTask(request.task)?.title ?? request.task} · ${t("from {0}", lastPart(request.data))} ·
        ${t("starting with {0}", request.base)} · ${when(run.startedAt)}
      </p>
      <p class="unseen" role="status" aria-live="polite">${announcement(details)}</p>
      ${message === undefined ? "" : html`<p class="failure" role="alert">✕ ${message}</p>`}
      ${progressView(run)}
      <div class="buttons">${steeringView(app, run)} ${usingView(app, run)} ${ended ? endedView(app, run) : ""}</div>
      ${doomView(app, tuning.doomed === run.id ? run : undefined)} ${factsView(details)}
      ${ended ? resultView(app, details) : ""} ${similarityView(details, tuning.comparisons[run.id], () => askComparison(app, run))} ${curvesView(app, [details, ...beside])} ${besideView(app, run)}
      ${samplesView(app, details)} ${ended ? "" : resultView(app, details)} ${planView(details)}
    </section>
  `;
}

function progressView({ state, step, steps, secondsLeft, waiting }: RunSummary): TemplateResult {
  const share = steps === 0 ? 0 : step / steps;
  const left = state === "running" && secondsLeft !== undefined ? `, ${t("{0} left", duration(secondsLeft))}` : "";
  const far = steps === 0 ? "" : `: ${t("step {0} of {1}", step, steps)}`;
  return html`
    <div class="far">
      <span><strong>${waiting === true ? t("Waits while you type") : stateWord(state)}</strong>${far}${left}</span>
      <progress max="1" .value=${share} aria-label=${t("Progress")}></progress>
    </div>
  `;
}

function steeringView(app: App, run: RunSummary): readonly TemplateResult[] {
  const button = (text: string, action: "pause" | "continue" | "stop" | "resume", title: string) =>
    html`<vscode-button secondary title=${title} @click=${() => steer(app, run, action)}>${text}</vscode-button>`;
  const stop = button(t("Stop"), "stop", t("Saves and ends; it can be resumed"));
  switch (run.state) {
    case "starting":
      return [stop];
    case "running":
      return [button(t("Pause"), "pause", t("Computes nothing until it is continued")), stop];
    case "paused":
      return [button(t("Continue"), "continue", ""), stop];
    case "stopped":
    case "lost":
    case "failed":
      return [button(t("Resume"), "resume", t("Goes on from what was saved"))];
    case "done":
      return [];
  }
}

const USES: Readonly<Record<Feature, string>> = {
  summarize: t("For summaries"),
  infill: t("For filling gaps and suggestions"),
  ask: t("For questions"),
  classify: t("For classifying"),
};

/** The uses of the model: from its first evaluation on, with its best weights so far. */
function usingView(app: App, run: RunSummary): readonly TemplateResult[] {
  if (!run.usable) return [];
  const { chosen } = app.state();
  const feature = tuningTask(run.request.task)?.feature;
  const input = app.state().tuning.details[run.id]?.evaluations.at(-1)?.samples[0]?.input ?? "";
  const used = chosen !== undefined && chosen[feature ?? "model"] === run.model;
  const what = feature === undefined ? "" : USES[feature];
  const best = isLive(run) ? ` ${t("(its best weights so far)")}` : "";
  return [
    ...(feature === undefined
      ? []
      : [
          html`<vscode-button title="${what}${best}" @click=${() => useNow(app, run, feature)}>${used ? `${t("In use")} ✓` : t("Use now")}</vscode-button>`,
        ]),
    html`<vscode-button secondary @click=${() => useNow(app, run, undefined)}>${t("Use for everything")}</vscode-button>`,
    html`<vscode-button secondary @click=${() => tryOut(app, run, input)}>${t("Try in the playground")}</vscode-button>`,
  ];
}

function endedView(app: App, run: RunSummary): readonly TemplateResult[] {
  const folder = app.state().list?.models.find(({ id }) => id === run.model)?.installed?.directory;
  const reveal = (path: string) => attempt(app, () => app.ask({ kind: "reveal", path }));
  return [
    ...(folder === undefined
      ? []
      : [html`<vscode-button secondary @click=${() => reveal(folder)}>${t("Reveal folder")}</vscode-button>`]),
    html`<vscode-button secondary @click=${() => duplicate(app, run)}>${t("Duplicate…")}</vscode-button>`,
    html`<vscode-button secondary @click=${() => doom(app, run)}>${t("Delete…")}</vscode-button>`,
  ];
}

/** Where it stands, in figures. */
function factsView({ latest: now, plan }: RunDetails): TemplateResult | string {
  if (now === undefined && plan === undefined) return "";
  const facts: (readonly [string, string])[] = [
    ...(now === undefined
      ? []
      : ([
          [t("Loss"), figure(now.loss)],
          [t("Learning rate"), figure(now.learningRate)],
          [t("Tokens a second"), figure(now.tokensPerSecond)],
          [t("Memory"), sizeInWords(now.memoryBytes)],
        ] as const)),
    ...(plan === undefined
      ? []
      : ([
          [t("Learns"), t("{0} M of {1} M", millions(plan.learnedParameters), millions(plan.parameters))],
          [t("Examples"), t("{0}, {1} kept out", plan.examples, plan.validationExamples)],
        ] as const)),
  ];
  return html`<dl class="tiles">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Ticks other runs, whose curves are then drawn beside this one's. */
function besideView(app: App, run: RunSummary): TemplateResult | string {
  const { runs = [], marked } = app.state().tuning;
  const others = runs.filter(({ id }) => id !== run.id);
  if (others.length === 0) return "";
  return html`
    <details>
      <summary>${t("Draw other runs beside it")}</summary>
      <div class="ticks">
        ${others.map(
          ({ id, title }) => html`
            <label><input type="checkbox" .checked=${marked.includes(id)} @change=${({ currentTarget }: Event) => mark(app, id, currentTarget instanceof HTMLInputElement && currentTarget.checked)} /> ${title}</label>
          `,
        )}
      </div>
    </details>
  `;
}

/** The model's outputs at an evaluation, beside the references. */
function samplesView(app: App, { evaluations }: RunDetails): TemplateResult | string {
  const last = evaluations.at(-1);
  if (last === undefined) return "";
  const { evaluation } = app.state().tuning;
  const shown = evaluations.find(({ step }) => step === evaluation) ?? last;
  const options = evaluations.map(({ step }) => ({
    value: String(step),
    text: step === 0 ? t("before learning") : t("step {0}", step),
  }));
  const pick = (value: string) =>
    tell(app, { type: "evaluation", step: value === String(last.step) ? undefined : Number(value) });
  return html`
    <section class="samples" aria-label=${t("Samples")}>
      <div class="bar">
        <h3>${t("What it writes")}</h3>
        ${choice(t("Evaluation"), String(shown.step), options, pick, "evaluation")}
      </div>
      ${
        shown.samples.length === 0
          ? html`<p class="hint">${t("Nothing was written at this evaluation.")}</p>`
          : html`
            <div class="scroller" tabindex="0" role="group" aria-label=${t("Samples")}>
              <table class="grid stacked" id="samples">
                <thead><tr><th scope="col" class="long">${t("Input")}</th><th scope="col">${t("Reference")}</th><th scope="col">${t("The model")}</th></tr></thead>
                <tbody>
                  ${shown.samples.map(({ input, target, output }) => html`<tr><td class="long">${longText(input)}</td><td>${target}</td><td>${output || t("(nothing)")}</td></tr>`)}
                </tbody>
              </table>
            </div>
          `
      }
    </section>
  `;
}

function planView({ summary, plan, estimate }: RunDetails): TemplateResult {
  const { request, model } = summary;
  const settings = Object.entries(request).filter(([name]) => !["task", "data", "base"].includes(name));
  const text = (value: unknown) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  return html`
    <details>
      <summary>${t("Settings and data")}</summary>
      <dl>
        <dt>${t("Data")}</dt><dd>${request.data}</dd>
        <dt>${t("Model")}</dt><dd>${model}</dd>
        ${plan === undefined ? "" : html`<dt>${t("Method")}</dt><dd>${plan.reason}</dd>`}
        ${estimate === undefined ? "" : html`<dt>${t("Measured")}</dt><dd>${t("{0} s a step, {1} of memory", figure(estimate.stepSeconds), sizeInWords(estimate.memoryBytes))}</dd>`}
        ${settings.map(([name, value]) => html`<dt>${settingTitle(name)}</dt><dd>${text(value)}</dd>`)}
      </dl>
      ${plan === undefined || plan.notes.length === 0 ? "" : html`<ul class="notes">${plan.notes.map((note) => html`<li>⚠ ${note}</li>`)}</ul>`}
    </details>
  `;
}

function millions(count: number): string {
  return (count / 1e6).toFixed(count < 1e6 ? 2 : 1);
}
