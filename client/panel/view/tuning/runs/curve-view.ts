/** The curves of one or more runs, with what is drawn and how, a legend, and the same as a table. */
import { html, type TemplateResult } from "lit";
import type { RunDetails } from "../../../../../protocol/runs.ts";
import type { App } from "../../app.ts";
import "./curve-chart.ts";
import { t } from "../../ui/texts.ts";
import { choice, inputValue } from "../../ui/widgets.ts";
import { tell } from "../tuning-actions.ts";
import type { CurveOptions } from "../tuning-state.ts";
import { choices, describe, type Line, linesOf, type Mark, marksOf } from "./curves.ts";
import { figure } from "./run-state.ts";
import { metricNames, metricTitle, percentage } from "./tuning-results.ts";

interface Drawn {
  readonly runs: readonly RunDetails[];
  readonly options: CurveOptions;
  readonly lines: readonly Line[];
  readonly marks: readonly Mark[];
}

/** The last drawing: as long as neither runs nor options change, the chart has nothing to do. */
let last: Drawn | undefined;

/** The curves. @param runs the first is the one that is looked at */
export function curvesView(app: App, runs: readonly RunDetails[]): TemplateResult {
  const { curves } = app.state().tuning;
  const kinds = choices(runs);
  const options = kinds.some(({ value }) => value === curves.what) ? curves : { ...curves, what: "loss" };
  const { lines, marks } = drawn(runs, options);
  const { what, log, smoothing } = options;
  const change = (part: Partial<CurveOptions>) => tell(app, { type: "curves", change: part });
  return html`
    <section class="curves" aria-label=${t("Curves")}>
      <div class="bar">
        ${choice(t("What is drawn"), what, kinds, (value) => change({ what: value }))}
        <button class="toggle" aria-pressed=${log ? "true" : "false"} @click=${() => change({ log: !log })}>${t("Log scale")}</button>
        <label class="field">
          <span>${t("Smoothing")}</span>
          <input
            type="range"
            min="0"
            max="0.99"
            step="0.01"
            .value=${String(smoothing)}
            @input=${(event: Event) => change({ smoothing: Number(inputValue(event)) })}
          />
          <span class="figure">${smoothing.toFixed(2)}</span>
        </label>
      </div>
      ${lines.length === 0 ? html`<p class="hint">${t("The first points come after the first steps.")}</p>` : ""}
      <spanfill-curves class="plot" role="img" ?hidden=${lines.length === 0} aria-label=${describe(lines)} .data=${{ lines, marks, log }}></spanfill-curves>
      <ul class="legend">
        ${lines.map(({ label, run, style }) => html`<li><span class="swatch c${run % 5} ${style}" aria-hidden="true"></span> ${label}</li>`)}
        ${marks.length > 0 ? html`<li><span class="swatch mark" aria-hidden="true"></span> ${t("something happened, see below")}</li>` : ""}
      </ul>
      ${marks.length === 0 ? "" : html`<ul class="incidents" aria-label=${t("What happened")}>${marks.map(({ step, text }) => html`<li>${t("Step {0}: {1}", step, text)}</li>`)}</ul>`}
      <details>
        <summary>${t("Evaluations as a table")}</summary>
        ${runs.map(evaluationsView)}
      </details>
    </section>
  `;
}

function drawn(runs: readonly RunDetails[], options: CurveOptions): Drawn {
  const same =
    last !== undefined &&
    last.runs.length === runs.length &&
    runs.every((run, i) => run === last?.runs[i]) &&
    (["what", "log", "smoothing"] as const).every((name) => last?.options[name] === options[name]);
  if (same && last !== undefined) return last;
  last = { runs, options, lines: linesOf(runs, options), marks: marksOf(runs) };
  return last;
}

function evaluationsView({ summary, evaluations }: RunDetails): TemplateResult {
  const names = metricNames(evaluations);
  return html`
    <div class="scroller" tabindex="0" role="group" aria-label=${t("Evaluations of {0}", summary.title)}>
      <table class="grid narrow">
        <caption>${summary.title}</caption>
        <thead>
          <tr><th scope="col">${t("Step")}</th><th scope="col">${t("Training loss")}</th><th scope="col">${t("Kept out")}</th>${names.map((name) => html`<th scope="col">${metricTitle(name)}</th>`)}</tr>
        </thead>
        <tbody>
          ${evaluations.map(
            ({ step, loss, validation, metrics }) => html`
              <tr><th scope="row">${step}</th><td class="figure">${loss === null ? "" : figure(loss)}</td><td class="figure">${figure(validation)}</td>${names.map((name) => html`<td class="figure">${percentage(metrics[name]?.mean)}</td>`)}</tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}
