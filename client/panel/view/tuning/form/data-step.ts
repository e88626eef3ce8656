/**
 * The step of the data: pick them, and see what a run would read: columns, lengths, labels, a preview, and all that is
 * left out.
 */
import { html, type TemplateResult } from "lit";
import type { DataCheck } from "../../../../../protocol/runs.ts";
import type { App } from "../../app.ts";
import { t } from "../../ui/texts.ts";
import { choice, inputValue } from "../../ui/widgets.ts";
import { checkData, pickData, tell } from "../tuning-actions.ts";
import { lastPart } from "./tuning-form.ts";
import { tuningTask } from "./tuning-tasks.ts";

/** The step. */
export function dataStep(app: App): TemplateResult {
  const { form, check } = app.state().tuning;
  const task = tuningTask(form.task);
  const change = (event: Event) => {
    tell(app, { type: "form", change: { data: inputValue(event), columns: {} } });
    void checkData(app);
  };
  return html`
    <p class="hint">${task?.data}</p>
    <div class="path">
      <label class="field grow">
        <span>${t("File or folder")}</span>
        <input type="text" id="data-path" spellcheck="false" .value=${form.data} @change=${change} />
      </label>
      <vscode-button secondary @click=${() => pickData(app, "file")}>${t("File…")}</vscode-button>
      <vscode-button secondary @click=${() => pickData(app, "folder")}>${t("Folder…")}</vscode-button>
      ${
        form.task === "infill"
          ? html`<vscode-button secondary @click=${() => pickData(app, "workspace")}>${t("This workspace")}</vscode-button>`
          : ""
      }
    </div>
    ${form.task === "text" ? templateView(app) : ""} ${columnsView(app)}
    <div class="found" aria-busy=${check.working ? "true" : "false"}>
      <p role="status" class=${check.working ? "" : "unseen"}>${check.working ? t("Reading the data…") : summaryOf(check.answer)}</p>
      ${
        check.failure === undefined
          ? ""
          : html`
            <p class="failure" role="alert">✕ ${check.failure}</p>
            <vscode-button secondary @click=${() => checkData(app, true)}>${t("Check again")}</vscode-button>
          `
      }
      ${check.answer === undefined || check.failure !== undefined || form.data === "" ? "" : checkView(check.answer)}
    </div>
  `;
}

function summaryOf(check: DataCheck | undefined): string {
  if (check === undefined) return "";
  return t(
    "{0} examples to learn from, {1} kept out to judge by.",
    count(check.examples),
    count(check.validationExamples),
  );
}

function templateView(app: App): TemplateResult {
  const { form } = app.state().tuning;
  return html`
    <label class="field wide">
      <span>${t("Template of the input")}</span>
      <input
        type="text"
        id="setting-template"
        placeholder=${t("translate {language}: {sentence}")}
        .value=${form.values["template"] ?? ""}
        @change=${(event: Event) => {
          tell(app, { type: "value", name: "template", value: inputValue(event) });
          void checkData(app);
        }}
      />
      <span class="hint">${t("Optional: makes one input of several columns, each named in braces.")}</span>
    </label>
  `;
}

/** The guessed roles of the columns; a change is checked at once. */
function columnsView(app: App): TemplateResult | string {
  const { form, check } = app.state().tuning;
  const roles = tuningTask(form.task)?.roles ?? [];
  if (form.data === "" || roles.length === 0 || (check.answer === undefined && check.failure === undefined)) return "";
  const guessed = check.answer?.columns ?? {};
  // Pairs of Markdown files have no columns.
  if (check.failure === undefined && Object.keys(guessed).length === 0) return "";
  const columnNames = check.answer?.available;
  const change = (role: string, column: string) => {
    tell(app, { type: "column", role, column });
    void checkData(app);
  };
  return html`
    <div class="columns" role="group" aria-label=${t("Columns")}>
      ${roles.map((role) => {
        const column = form.columns[role] || guessed[role] || "";
        if (columnNames?.includes(column)) {
          const options = columnNames.map((name) => ({ value: name, text: name }));
          return html`<div class="field">
            <span>${t("Column of the {0}", ROLES[role] ?? role)}</span>
            ${choice(t("Column of the {0}", ROLES[role] ?? role), column, options, (picked) => change(role, picked))}
          </div>`;
        }
        return html`<label class="field">
          <span>${t("Column of the {0}", ROLES[role] ?? role)}</span>
          <input type="text" spellcheck="false" .value=${column} @change=${(event: Event) => change(role, inputValue(event))} />
        </label>`;
      })}
    </div>
  `;
}

const ROLES: Readonly<Record<string, string>> = {
  text: t("text"),
  summary: t("summary"),
  title: t("title"),
  question: t("question"),
  context: t("context"),
  answers: t("answers"),
  label: t("label"),
  input: t("input"),
  target: t("target"),
};

function checkView(check: DataCheck): TemplateResult {
  const { preview, notes, labels, prefix } = check;
  return html`
    <p><strong>${summaryOf(check)}</strong> ${prefix === "" ? "" : t("Each input begins with “{0}”.", prefix)}</p>
    ${notes.length === 0 ? "" : html`<ul class="notes" aria-label=${t("Warnings")}>${notes.map((note) => html`<li>⚠ ${note}</li>`)}</ul>`}
    ${lengthsView(check)} ${labels === undefined ? "" : labelsView(labels)}
    <h3>${t("The first examples, as the model will see them")}</h3>
    <div class="scroller" tabindex="0" role="group" aria-label=${t("Preview of the data")}>
      <table class="grid stacked">
        <thead>
          <tr><th scope="col">${t("Where")}</th><th scope="col" class="long">${t("Input")}</th><th scope="col" class="long">${t("Target")}</th><th scope="col" class="figure">${t("Tokens")}</th></tr>
        </thead>
        <tbody>
          ${preview.map(
            ({ place, input, target, inputTokens, targetTokens }) => html`
              <tr><th scope="row" title=${place}>${lastPart(place)}</th><td class="long">${input}</td><td class="long">${target}</td><td class="figure">${inputTokens} → ${targetTokens}</td></tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

function lengthsView({ inputTokens, targetTokens }: DataCheck): TemplateResult | string {
  if (inputTokens === undefined || targetTokens === undefined) return "";
  const rows = [[t("Input"), inputTokens] as const, [t("Target"), targetTokens] as const];
  const cut = inputTokens.long > inputTokens.limit || targetTokens.long > targetTokens.limit;
  return html`
    <div class="scroller" tabindex="0" role="group" aria-label=${t("Lengths in tokens")}>
      <table class="grid narrow">
        <caption>${t("Lengths in tokens")}</caption>
        <thead>
          <tr><td></td>${[t("Median"), t("95 of 100 within"), t("Longest"), t("Limit")].map((head) => html`<th scope="col">${head}</th>`)}</tr>
        </thead>
        <tbody>
          ${rows.map(
            ([name, { median, long, most, limit }]) => html`
              <tr><th scope="row">${name}</th>${[median, long, most, limit].map((value) => html`<td class="figure">${count(value)}</td>`)}</tr>
            `,
          )}
        </tbody>
      </table>
    </div>
    ${cut ? html`<p class="warning">⚠ ${t("More than 5 of 100 are longer than the limit: longer inputs are cut, pairs with longer targets left out. Raise the limits under the advanced settings if their ends matter.")}</p>` : ""}
  `;
}

const MOST_LABELS = 20;

/** How many rows have each label, with a bar. */
function labelsView(labels: Readonly<Record<string, number>>): TemplateResult {
  const sorted = Object.entries(labels).toSorted(([, a], [, b]) => b - a);
  const most = sorted[0]?.[1] ?? 1;
  const rest = sorted.length - MOST_LABELS;
  return html`
    <table class="grid narrow labels">
      <caption>${t("{0} labels", sorted.length)}</caption>
      <thead class="unseen"><tr><th scope="col">${t("Label")}</th><th scope="col">${t("Examples")}</th></tr></thead>
      <tbody>
        ${sorted.slice(0, MOST_LABELS).map(
          ([label, of]) => html`
            <tr><th scope="row">${label}</th><td class="figure"><span class="filled" aria-hidden="true" .style=${`width: ${(100 * of) / most}px`}></span> ${count(of)}</td></tr>
          `,
        )}
      </tbody>
    </table>
    ${rest > 0 ? html`<p class="hint">${t("And {0} more.", rest)}</p>` : ""}
  `;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
