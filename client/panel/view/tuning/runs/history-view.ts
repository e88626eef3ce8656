/** All runs: where they are, what they came to, and what can be done with them. */
import { html, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { percentDone } from "../../../../../base/figures.ts";
import type { RunSummary } from "../../../../../protocol/runs.ts";
import type { App } from "../../app.ts";
import { duration } from "../../models/rows.ts";
import { t } from "../../ui/texts.ts";
import { lastPart } from "../form/tuning-form.ts";
import { tuningTask } from "../form/tuning-tasks.ts";
import { duplicate, focusLater, goTo, mark, openRun, removeRun, tell } from "../tuning-actions.ts";
import { isLive, stateWord } from "./run-state.ts";
import { headline } from "./tuning-results.ts";

/** The list of runs. */
export function historyView(app: App): TemplateResult {
  const { runs, marked, doomed } = app.state().tuning;
  return html`
    <div class="bar title">
      <h2 id="tuning-heading" tabindex="-1">${t("Training runs")}</h2>
      <span class="actions">
        <vscode-button
          secondary
          ?disabled=${marked.length !== 2}
          title=${t("Tick two runs to compare them")}
          @click=${() => {
            tell(app, { type: "view", view: "compare" });
            focusLater("tuning-heading");
          }}
          >${t("Compare two")}</vscode-button
        >
        <vscode-button @click=${() => goTo(app, "task")}>${t("New run")}</vscode-button>
      </span>
    </div>
    ${doomView(
      app,
      runs?.find(({ id }) => id === doomed),
    )}
    ${
      runs === undefined
        ? html`<p class="waiting" role="status">${t("Looking for runs…")}</p>`
        : runs.length === 0
          ? emptyView()
          : tableView(app, runs)
    }
  `;
}

/** Asks whether a run shall really go; nothing where none shall. */
export function doomView(app: App, run: RunSummary | undefined): TemplateResult | string {
  if (run === undefined) return "";
  const { chosen } = app.state();
  const used = chosen !== undefined && Object.values(chosen).includes(run.model);
  const keep = () => {
    tell(app, { type: "doom", id: "" });
    focusLater("tuning-heading");
  };
  return html`
    <div
      class="doom"
      role="alertdialog"
      aria-labelledby="doom-question"
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === "Escape") keep();
      }}
    >
      <p id="doom-question">
        ${t("Delete {0}? Its history and curves go for good.", run.title)}
        ${used ? html`<strong>${t("The editor uses its model.")}</strong>` : ""}
      </p>
      <div class="buttons">
        <vscode-button id="doom-keep" secondary @click=${keep}>${t("Keep it")}</vscode-button>
        <vscode-button secondary @click=${() => removeRun(app, run, false)}>${t("Delete, keep the model")}</vscode-button>
        <vscode-button @click=${() => removeRun(app, run, true)}>${t("Delete with its model")}</vscode-button>
      </div>
    </div>
  `;
}

/** Asks before a run is deleted. */
export function doom(app: App, { id }: RunSummary): void {
  tell(app, { type: "doom", id });
  focusLater("doom-keep");
}

function emptyView(): TemplateResult {
  return html`
    <div class="empty">
      <p>${t("Nothing has been trained here yet.")}</p>
      <p class="hint">
        ${t("A run teaches one of the installed models your own texts, on this machine and without sending anything anywhere. It goes on when this panel is closed, and what it makes can be used in the editor at once.")}
      </p>
    </div>
  `;
}

function tableView(app: App, runs: readonly RunSummary[]): TemplateResult {
  const heads = [t("Run"), t("State"), t("Task"), t("Base"), t("Data"), t("Begun"), t("Before → after")];
  return html`
    <div class="scroller" tabindex="0" role="group" aria-label=${t("Training runs")}>
      <table class="runs" id="runs">
        <thead>
          <tr>
            <th scope="col"><span class="unseen">${t("Compare")}</span></th>
            ${heads.map((head, i) => html`<th scope="col" class=${COLUMNS[i] ?? ""}>${head}</th>`)}
            <th scope="col"><span class="unseen">${t("What to do")}</span></th>
          </tr>
        </thead>
        <tbody>
          ${repeat(
            runs,
            ({ id }) => id,
            (run) => rowView(app, run),
          )}
        </tbody>
      </table>
    </div>
    <p class="hint">${t("Tick runs to draw their curves over each other, or two to compare them.")}</p>
  `;
}

const COLUMNS = ["name", "state", "task", "base", "data", "when", "score"];

function rowView(app: App, run: RunSummary): TemplateResult {
  const { id, title, state, request, startedAt } = run;
  const { name, before, after } = headline(run);
  return html`
    <tr data-run=${id} data-state=${state}>
      <td>
        <input
          type="checkbox"
          aria-label=${t("Compare {0}", title)}
          .checked=${app.state().tuning.marked.includes(id)}
          @change=${({ currentTarget }: Event) => mark(app, id, currentTarget instanceof HTMLInputElement && currentTarget.checked)}
        />
      </td>
      <th scope="row" class="name"><button class="link" @click=${() => openRun(app, id)}>${title}</button></th>
      <td class="state">${stateText(run)}</td>
      <td class="task">${tuningTask(request.task)?.title ?? request.task}</td>
      <td class="base" title=${request.base}>${lastPart(request.base)}</td>
      <td class="data" title=${request.data}>${lastPart(request.data)}</td>
      <td class="when">${when(startedAt)}</td>
      <td class="score">${before === "" && after === "" ? "" : `${name}: ${before} → ${after || (isLive(run) ? "…" : "–")}`}</td>
      <td class="do">
        <button class="link" aria-label=${t("Duplicate {0} with changes", title)} @click=${() => duplicate(app, run)}>${t("Duplicate…")}</button>
        ${
          isLive(run)
            ? ""
            : html`<button class="link" aria-label=${t("Delete {0}", title)} @click=${() => doom(app, run)}>${t("Delete…")}</button>`
        }
      </td>
    </tr>
  `;
}

/** A run's state with how far it is. */
function stateText({ state, step, steps, secondsLeft }: RunSummary): string {
  const mark = MARKS[state];
  const far = steps > 0 && state !== "done" ? ` ${percentDone(step / steps)}` : "";
  const left = state === "running" && secondsLeft !== undefined ? `, ${t("{0} left", duration(secondsLeft))}` : "";
  return `${mark} ${stateWord(state)}${far}${left}`;
}

/** Distinguishes runs without colors. */
const MARKS = { starting: "…", running: "►", paused: "‖", stopped: "■", done: "✓", failed: "✕", lost: "?" } as const;

/** A time for a person, in the machine's own way. */
export function when(iso: string): string {
  return new Date(iso).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}
