/** The scaling chart's place in the page: what is drawn against what, the chart itself, and what the paper advises. */

import { html, type TemplateResult } from "lit";
import { ref } from "lit/directives/ref.js";
import type { App } from "../app.ts";
import { shownRows } from "../state.ts";
import { t } from "../ui/texts.ts";
import { choice } from "../ui/widgets.ts";
import { ScalingChart } from "./chart.ts";
import { COSTS, chartData, qualities } from "./chart-data.ts";

const COSTS_TO_CHOOSE = COSTS.map(({ name, title }) => ({ value: name, text: title }));

let chart: ScalingChart | undefined;
/** The chart's content, for when its element is there, and the effect of a click. */
let wanted: { readonly show: (chart: ScalingChart) => void; readonly select: (id: string) => void } | undefined;

/**
 * Makes and ends the chart with its place; the same function each time, for another one would end it at each redraw.
 */
function keepChart(element: Element | undefined): void {
  if (!(element instanceof HTMLElement)) {
    chart?.dispose();
    chart = undefined;
    return;
  }
  chart = new ScalingChart(element, (id) => wanted?.select(id));
  wanted?.show(chart);
}

/** The chart of the models that the filter lets through. */
export function chartView(app: App): TemplateResult {
  const state = app.state();
  const rows = shownRows(state);
  const data = chartData(rows, state.cost, state.quality);
  const cost = COSTS.find(({ name }) => name === state.cost)?.title ?? "";
  const kinds = qualities(state.list?.models ?? []);
  const withQuality = data.points.filter(({ quality }) => quality !== undefined).length;
  const select = (id: string) => app.dispatch({ type: "select", id });
  const show = (on: ScalingChart) => on.show(data, { cost, quality: state.quality, selected: state.selected });
  wanted = { show, select };
  if (chart !== undefined) show(chart);
  const advised = rows.filter(({ advice }) => advice !== undefined);
  return html`
    <section class="chart" aria-label=${t("Scaling chart")}>
      <div class="axes">
        <div class="field">
          <span>${t("Cost")}</span>
          ${choice(t("Cost"), state.cost, COSTS_TO_CHOOSE, (name) => app.dispatch({ type: "chart", change: { cost: name } }))}
        </div>
        <div class="field">
          <span>${t("Quality")}</span>
          ${choice(
            t("Quality"),
            state.quality,
            kinds.map((kind) => ({ value: kind, text: kind })),
            (quality) => app.dispatch({ type: "chart", change: { quality } }),
          )}
        </div>
      </div>
      <div
        class="plot"
        role="group"
        tabindex="0"
        aria-label=${t("Chart of {0} against {1}: {2} models with a published or measured value, {3} of them on the Pareto front. Left and right arrow keys go from model to model.", cost, state.quality, withQuality, data.front.length)}
        @keydown=${(event: KeyboardEvent) => {
          const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
          if (step === 0 || data.points.length === 0) return;
          event.preventDefault();
          const now = data.points.findIndex(({ id }) => id === state.selected);
          const next = data.points[Math.min(Math.max(now + step, 0), data.points.length - 1)];
          if (next !== undefined) select(next.id);
        }}
        ${ref(keepChart)}
      ></div>
      <p class="hint" role="status">
        ${t("{0} of {1} models have this value; the others stand as ticks at the bottom.", withQuality, data.points.length)}
        ${data.left === 0 ? "" : state.cost === "ms" ? t("{0} are left out: their cost is not known (measure them).", data.left) : t("{0} are left out: their cost is not known.", data.left)}
        ${t("The line joins those that no other beats at their cost or below.")}
      </p>
      <h2>${t("Deeper before wider")}</h2>
      <p class="hint">
        ${t('Raise the depth before anything else: a deep and narrow model does what the next larger shape does, up to 32 or 36 layers, where the gain ends (Tay et al. 2021, "Scale Efficiently", section 4.4 and table 4).')}
      </p>
      <ul>
        ${advised.map(
          ({ id, advice }) => html`
            <li>
              <button class="link" @click=${() => select(id)}>${id.replace(/^google\/t5-efficient-/, "")}</button>: ${advice?.text}
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}
