/**
 * The fine-tuning page: the history of runs, the four steps of a new one, a run as it goes and what it came to, and two
 * runs compared.
 *
 * For who drives it (end-to-end tests): the tab is `#tab-tuning`; the heading of whatever is shown is
 * `#tuning-heading`. History: button "New run"; table `#runs`, a row `tr[data-run="ID"]` with `[data-state="done"]`.
 * Form: section `.form[data-step="task"]` (then data, base, settings); radios by name `task` and `base` (value: the
 * task's name, the model's id); `#data-path` (Enter checks), buttons "File…", "Folder…", "Back", "Next", "Start"; a
 * field is `#setting-NAME` of RunRequest, the name of the model `#setting-title`. A run: section
 * `.run[data-state="running"]`, buttons "Pause", "Continue", "Stop", "Resume", "Use now", "Use for everything", "Try in
 * the playground", "Reveal folder", "Duplicate…", "Delete…"; `#evaluation` picks the samples' evaluation; tables
 * `#samples`, `#result`, `#confusion`.
 */
import { html, type TemplateResult } from "lit";
import type { App } from "../app.ts";
import { t } from "../ui/texts.ts";
import { formView } from "./form/form-view.ts";
import { compareView } from "./runs/compare-view.ts";
import { historyView } from "./runs/history-view.ts";
import { runView } from "./runs/run-view.ts";
import { tell } from "./tuning-actions.ts";
import type { TuningState } from "./tuning-state.ts";

const VIEWS: Readonly<Record<TuningState["view"], (app: App) => TemplateResult>> = {
  history: historyView,
  new: formView,
  run: runView,
  compare: compareView,
};

/** The page. */
export function tuningPage(app: App): TemplateResult {
  const { view } = app.state().tuning;
  const back = () => tell(app, { type: "view", view: "history" });
  return html`
    <div class="tuned">
      ${
        view === "history"
          ? ""
          : html`<nav class="crumbs"><button class="link" @click=${back}>← ${t("All runs")}</button></nav>`
      }
      ${VIEWS[view](app)}
    </div>
  `;
}
