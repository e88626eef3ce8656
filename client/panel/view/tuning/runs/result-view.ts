/** A run's result: the base model beside the tuned one on examples that neither learned from. */
import { html, type TemplateResult } from "lit";
import type { RunDetails } from "../../../../../protocol/runs.ts";
import type { Evaluation } from "../../../../../protocol/training.ts";
import type { App } from "../../app.ts";
import { longText } from "../../ui/text-view.ts";
import { t } from "../../ui/texts.ts";
import { tell } from "../tuning-actions.ts";
import { endsOf, isLive } from "./run-state.ts";
import { type Change, changes, confusedPairs, metricNames, metricTitle, percentage } from "./tuning-results.ts";

/** The result; nothing before the first evaluation of a model that learned. */
export function resultView(app: App, details: RunDetails): TemplateResult | string {
  const { base, best } = endsOf(details);
  if (best === undefined) return "";
  const { summary } = details;
  const look = () => tell(app, { type: "evaluation", step: best.step });
  return html`
    <section class="result-of-run" aria-label=${t("Result")}>
      <h3>${isLive(summary) ? t("So far") : t("Result")}</h3>
      <p class="hint">
        ${t("On the examples kept out, which it never learned from. The best evaluation, at step {0}, is what the model has.", best.step)}
        <button class="link" @click=${look}>${t("Show its samples")}</button>
      </p>
      ${figuresView(base, best)} ${best.confusion === undefined ? "" : confusionView(best.confusion)}
      ${base === undefined ? "" : changesView(base, best, summary.request.task === "classify")}
      ${
        isLive(summary)
          ? ""
          : html`<p class="hint">${t("For other programs, in a terminal:")} <code>spanfill export ${summary.model} --to hf</code> ${t("(or onnx, or gguf)")}</p>`
      }
    </section>
  `;
}

function figuresView(base: Evaluation | undefined, best: Evaluation): TemplateResult {
  const names = metricNames([best]);
  const cell = (of: Evaluation | undefined, name: string) => {
    const interval = of?.metrics[name];
    if (interval === undefined || interval === null) return html`<td class="figure">–</td>`;
    return html`<td class="figure">${percentage(interval.mean)} <span class="interval">${percentage(interval.low)}–${percentage(interval.high)}</span></td>`;
  };
  const change = (name: string) => {
    const [a, b] = [base?.metrics[name], best.metrics[name]];
    if (!a || !b) return "";
    const gain = 100 * (b.mean - a.mean);
    const apart = b.low > a.high || b.high < a.low;
    return `${gain >= 0 ? "▲" : "▼"} ${gain >= 0 ? "+" : "−"}${Math.abs(gain).toFixed(1)}${apart ? "" : ` ${t("(not sure)")}`}`;
  };
  return html`
    <div class="scroller" tabindex="0" role="group" aria-label=${t("Base against tuned")}>
      <table class="grid narrow" id="result">
        <caption>${t("Base against tuned, with 95% intervals")}</caption>
        <thead><tr><td></td><th scope="col">${t("Base")}</th><th scope="col">${t("Tuned")}</th><th scope="col">${t("Change")}</th></tr></thead>
        <tbody>
          ${names.map((name) => html`<tr><th scope="row">${metricTitle(name)}</th>${cell(base, name)}${cell(best, name)}<td class="figure">${change(name)}</td></tr>`)}
          <tr>
            <th scope="row">${t("Loss of a token")}</th>
            <td class="figure">${base?.validation.toFixed(3) ?? "–"}</td>
            <td class="figure">${best.validation.toFixed(3)}</td>
            <td class="figure">${base === undefined ? "" : `${best.validation <= base.validation ? "▼" : "▲"} ${best.validation <= base.validation ? "−" : "+"}${Math.abs(best.validation - base.validation).toFixed(3)}`}</td>
          </tr>
        </tbody>
      </table>
    </div>
  `;
}

function confusionView(confusion: NonNullable<Evaluation["confusion"]>): TemplateResult {
  const { labels, counts } = confusion;
  const name = (i: number) => (i === labels.length - 1 ? t("anything else") : (labels[i] ?? ""));
  const all = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  // The last column is only there where the model wrote something other than a label.
  const columns = labels
    .map((_, i) => i)
    .filter((i) => i < labels.length - 1 || counts.some((row) => (row[i] ?? 0) > 0));
  const pairs = confusedPairs(confusion);
  return html`
    <div class="scroller" tabindex="0" role="group" aria-label=${t("Confusion matrix")}>
      <table class="grid narrow confusion" id="confusion">
        <caption>${t("What was right (rows) and what it wrote (columns)")}</caption>
        <thead><tr><td></td>${columns.map((predicted) => html`<th scope="col">${name(predicted)}</th>`)}</tr></thead>
        <tbody>
          ${counts.map((row, truth) =>
            all[truth] === 0
              ? ""
              : html`
                <tr>
                  <th scope="row">${name(truth)}</th>
                  ${columns.map((predicted) => {
                    const count = row[predicted] ?? 0;
                    const shade = count === 0 ? 0 : 1 + Math.min(8, Math.floor((9 * count) / (all[truth] ?? 1)));
                    return html`<td class="figure s${shade} ${truth === predicted ? "right" : ""}">${count}</td>`;
                  })}
                </tr>
              `,
          )}
        </tbody>
      </table>
    </div>
    ${
      pairs.length === 0
        ? ""
        : html`
          <h4>${t("Most often mistaken")}</h4>
          <ul>
            ${pairs.map(({ truth, predicted, count, share }) => html`<li>${t("{0} taken for {1}: {2} ({3} of them)", truth, predicted === labels.at(-1) ? t("anything else") : predicted, count, percentage(share))}</li>`)}
          </ul>
        `
    }
  `;
}

function changesView(base: Evaluation, best: Evaluation, exactly: boolean): TemplateResult | string {
  const { better, worse, same } = changes(base, best, exactly);
  if (better.length + worse.length + same === 0) return "";
  const rule = exactly ? t("right or not") : t("the words shared with the reference");
  return html`
    <h4>${t("Examples that got better")}</h4>
    ${changeList(better)}
    <h4>${t("Examples that got worse")}</h4>
    ${changeList(worse)}
    <p class="hint">${t("Of the samples shown at both evaluations, judged here in a simple way ({0}); {1} are as they were. The table above has the real metrics.", rule, same)}</p>
  `;
}

function changeList(list: readonly Change[]): TemplateResult {
  if (list.length === 0) return html`<p>${t("None.")}</p>`;
  return html`
    <ul class="changes">
      ${list.map(
        ({ input, target, before, after }) => html`
          <li>
            <p class="hint">${longText(input)}</p>
            <dl>
              <dt>${t("Reference")}</dt><dd>${target}</dd>
              <dt>${t("Base")}</dt><dd>${before || t("(nothing)")}</dd>
              <dt>${t("Tuned")}</dt><dd>${after || t("(nothing)")}</dd>
            </dl>
          </li>
        `,
      )}
    </ul>
  `;
}
