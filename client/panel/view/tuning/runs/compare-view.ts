/** Two runs beside each other: the settings in which they differ, their curves, and what they came to. */
import { html, type TemplateResult } from "lit";
import type { RunDetails } from "../../../../../protocol/runs.ts";
import type { App } from "../../app.ts";
import { t } from "../../ui/texts.ts";
import { differences, settingTitle } from "../form/tuning-form.ts";
import { openRun } from "../tuning-actions.ts";
import { curvesView } from "./curve-view.ts";
import { endsOf } from "./run-state.ts";
import { metricNames, metricTitle, percentage } from "./tuning-results.ts";

/** The two runs that are ticked. */
export function compareView(app: App): TemplateResult {
  const { marked, details } = app.state().tuning;
  const [a, b] = marked.flatMap((id) => details[id] ?? []);
  const heading = html`<h2 id="tuning-heading" tabindex="-1">${t("Two runs compared")}</h2>`;
  if (a === undefined || b === undefined) return html`${heading}<p role="status">${t("Looking for the runs…")}</p>`;
  const differing = differences(a.summary.request, b.summary.request);
  const open = ({ summary }: RunDetails) =>
    html`<button class="link" @click=${() => openRun(app, summary.id)}>${summary.title}</button>`;
  const head = html`<thead><tr><td></td><th scope="col">${open(a)}</th><th scope="col">${open(b)}</th></tr></thead>`;
  return html`
    <section class="compare" aria-labelledby="tuning-heading">
      ${heading}
      <div class="scroller" tabindex="0" role="group" aria-label=${t("Settings that differ")}>
        <table class="grid">
          <caption>${differing.length === 0 ? t("Their settings are the same.") : t("Settings that differ")}</caption>
          ${head}
          <tbody>
            ${differing.map(([name, x, y]) => html`<tr><th scope="row">${settingTitle(name)}</th><td>${x || t("automatic")}</td><td>${y || t("automatic")}</td></tr>`)}
          </tbody>
        </table>
      </div>
      ${metricsView(a, b, head)} ${curvesView(app, [a, b])}
    </section>
  `;
}

/** The best figure of each metric is marked. */
function metricsView(a: RunDetails, b: RunDetails, head: TemplateResult): TemplateResult {
  const [x, y] = [endsOf(a).best, endsOf(b).best];
  const names = metricNames([x, y].flatMap((evaluation) => evaluation ?? []));
  const row = (
    title: string,
    p: number | undefined,
    q: number | undefined,
    high: boolean,
    say: (v?: number) => string,
  ) => {
    const first = p !== undefined && q !== undefined && p !== q && p > q === high;
    const second = p !== undefined && q !== undefined && p !== q && !first;
    const cell = (value: number | undefined, best: boolean) =>
      html`<td class="figure">${best ? html`<strong>${say(value)} ★<span class="unseen">${t("the better one")}</span></strong>` : say(value)}</td>`;
    return html`<tr><th scope="row">${title}</th>${cell(p, first)}${cell(q, second)}</tr>`;
  };
  return html`
    <div class="scroller" tabindex="0" role="group" aria-label=${t("What they came to")}>
      <table class="grid">
        <caption>${t("What they came to on the examples kept out")}</caption>
        ${head}
        <tbody>
          ${names.map((name) => row(metricTitle(name), x?.metrics[name]?.mean, y?.metrics[name]?.mean, true, percentage))}
          ${row(t("Loss of a token"), x?.validation, y?.validation, false, (value) => value?.toFixed(3) ?? "")}
          <tr><th scope="row">${t("Best step")}</th><td class="figure">${x?.step ?? ""}</td><td class="figure">${y?.step ?? ""}</td></tr>
        </tbody>
      </table>
    </div>
  `;
}
