/** The page of models: what narrows them down, the table, the chart or the advice, and the details of one. */

import { html, type TemplateResult } from "lit";
import { type App, attempt, refresh } from "../app.ts";
import { type ModelsView, shownRows } from "../state.ts";
import { t } from "../ui/texts.ts";
import { choice, inputValue } from "../ui/widgets.ts";
import { adviceView } from "./advice-view.ts";
import { chartView } from "./chart-view.ts";
import { detailsView } from "./details.ts";
import { devicesView } from "./devices-view.ts";
import { tableView } from "./table.ts";

const VIEWS: readonly {
  readonly name: ModelsView;
  readonly title: string;
  readonly view: (app: App) => TemplateResult;
}[] = [
  { name: "table", title: t("Table"), view: tableView },
  { name: "chart", title: t("Scaling chart"), view: chartView },
  { name: "advice", title: t("Which should I use?"), view: adviceView },
  { name: "devices", title: t("Devices"), view: devicesView },
];
const ONLY = [
  { value: "all", text: t("All models") },
  { value: "installed", text: t("On this machine") },
  { value: "ready", text: t("Usable without fine-tuning") },
] as const;

/** The page. */
export function modelsPage(app: App): TemplateResult {
  const { list, view, filter } = app.state();
  const families = [...new Set(list?.models.map(({ family }) => family))];
  const shown = VIEWS.find(({ name }) => name === view)?.view ?? tableView;
  const take = async (what: "folder" | "file") => {
    const imported = await attempt(app, () => app.ask({ kind: "pick", what }));
    if (imported === undefined || imported === null) return;
    app.dispatch({
      type: "notice",
      notice: { kind: "done", text: t("{0} is imported and can be used.", imported.id) },
    });
    await refresh(app);
    app.dispatch({ type: "select", id: imported.id });
  };
  return html`
    <div class="bar">
      <div class="views" role="group" aria-label=${t("How to look at the models")}>
        ${VIEWS.map(
          ({ name, title }) => html`
            <button class="toggle" aria-pressed=${name === view ? "true" : "false"} @click=${() => app.dispatch({ type: "view", view: name })}>
              ${title}
            </button>
          `,
        )}
      </div>
      ${
        view === "advice" || view === "devices"
          ? ""
          : html`
            <vscode-textfield
              class="search"
              label=${t("Search models")}
              placeholder=${t("Search: base layers>12 memory<500")}
              .value=${filter.text}
              @input=${(event: Event) => app.dispatch({ type: "filter", change: { text: inputValue(event) } })}
            ></vscode-textfield>
            ${choice(t("Which models"), filter.only, ONLY, (only) => app.dispatch({ type: "filter", change: { only } }))}
            ${choice(
              t("Family"),
              filter.family,
              [{ value: "", text: t("All families") }, ...families.map((family) => ({ value: family, text: family }))],
              (family) => app.dispatch({ type: "filter", change: { family } }),
            )}
            <span class="count" role="status">${list === undefined ? "" : t("{0} models", shownRows(app.state()).length)}</span>
          `
      }
      <span class="actions">
        <vscode-button secondary @click=${() => take("folder")}>${t("Import folder")}</vscode-button>
        <vscode-button secondary @click=${() => take("file")}>${t("Import file")}</vscode-button>
        <vscode-button
          secondary
          title=${t("Token of the Hugging Face hub, for models that want one")}
          @click=${() => attempt(app, () => app.ask({ kind: "token" }))}
          >${t("Token")}</vscode-button
        >
        <vscode-button
          secondary
          title=${t("What Spanfill reads, writes and sends")}
          @click=${() => attempt(app, () => app.ask({ kind: "privacy" }))}
          >${t("Privacy")}</vscode-button
        >
      </span>
    </div>
    <div class="split">
      <div class="main">${list === undefined ? html`<p class="waiting" role="status">${t("Looking for models…")}</p>` : shown(app)}</div>
      ${list === undefined ? "" : detailsView(app)}
    </div>
  `;
}
