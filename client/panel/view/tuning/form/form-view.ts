/** A new run in four steps: what to learn, from what, starting where, and how. */
import { html, type TemplateResult } from "lit";
import type { App } from "../../app.ts";
import { t } from "../../ui/texts.ts";
import { fill, goTo, startRun, tell } from "../tuning-actions.ts";
import { STEPS, type Step } from "../tuning-state.ts";
import { baseStep } from "./base-step.ts";
import { dataStep } from "./data-step.ts";
import { settingsStep } from "./settings-step.ts";
import { TUNING_TASKS } from "./tuning-tasks.ts";

const VIEWS: Readonly<
  Record<Step, { readonly title: string; readonly question: string; readonly view: (app: App) => TemplateResult }>
> = {
  task: { title: t("Task"), question: t("What shall the model learn?"), view: taskStep },
  data: { title: t("Data"), question: t("What shall it learn from?"), view: dataStep },
  base: { title: t("Base model"), question: t("Which model shall learn it?"), view: baseStep },
  settings: { title: t("Settings"), question: t("How shall it learn?"), view: settingsStep },
};

/** The form. Enter in a field and Alt with the right arrow go on, Alt with the left one goes back. */
export function formView(app: App): TemplateResult {
  const { step, starting } = app.state().tuning;
  const index = STEPS.indexOf(step);
  const [before, after] = [STEPS[index - 1], STEPS[index + 1]];
  const missing = missingFor(app, step);
  const on = () => {
    if (missing !== undefined) return;
    void (after === undefined ? startRun(app) : goTo(app, after));
  };
  const onKey = (event: KeyboardEvent) => {
    // In the step of the data, Enter takes the path that was typed.
    const entered = event.key === "Enter" && event.target instanceof HTMLInputElement && step !== "data";
    if (event.altKey && event.key === "ArrowLeft" && before !== undefined) void goTo(app, before);
    // Starting takes its button.
    else if ((entered || (event.altKey && event.key === "ArrowRight")) && after !== undefined) on();
    else return;
    event.preventDefault();
  };
  return html`
    <section class="form" data-step=${step} aria-labelledby="tuning-heading" @keydown=${onKey}>
      <ol class="steps" aria-label=${t("Steps")}>
        ${STEPS.map((name, i) => {
          const reachable = STEPS.slice(0, i).every((earlier) => missingFor(app, earlier) === undefined);
          return html`
            <li>
              <button
                class="plain"
                aria-current=${name === step ? "step" : "false"}
                ?disabled=${!reachable && name !== step}
                @click=${() => goTo(app, name)}
              >
                <span class="number" aria-hidden="true">${i + 1}</span> ${VIEWS[name].title}
              </button>
            </li>
          `;
        })}
      </ol>
      <h2 id="tuning-heading" tabindex="-1">${VIEWS[step].question}</h2>
      ${VIEWS[step].view(app)}
      <div class="buttons next">
        <vscode-button secondary ?disabled=${before === undefined} @click=${() => before && goTo(app, before)}>${t("Back")}</vscode-button>
        <vscode-button ?disabled=${missing !== undefined || starting} @click=${on}>
          ${after === undefined ? (starting ? t("Starting…") : t("Start")) : t("Next")}
        </vscode-button>
        <span class="hint" role="status">${missing ?? ""}</span>
      </div>
    </section>
  `;
}

/** The reason that a person cannot go on; undefined if there is none. */
function missingFor(app: App, step: Step): string | undefined {
  const { form, check } = app.state().tuning;
  if (step === "data") {
    if (form.data.trim() === "") return t("Pick a file or a folder, or type its path.");
    if (check.failure !== undefined) return t("The data cannot be used as they are.");
    return undefined;
  }
  if (step === "base" && app.state().list === undefined) return t("Looking for models…");
  if (step !== "settings") return undefined;
  const { problems } = fill(app, form);
  return problems === undefined ? undefined : t("Mend what is marked first.");
}

function taskStep(app: App): TemplateResult {
  const { form } = app.state().tuning;
  return html`
    <fieldset class="cards">
      <legend class="unseen">${t("Task")}</legend>
      ${TUNING_TASKS.map(
        ({ name, title, learns, data }) => html`
          <label class="card">
            <input
              type="radio"
              name="task"
              value=${name}
              .checked=${form.task === name}
              @change=${() => tell(app, { type: "task", task: name })}
            />
            <span class="text">
              <strong>${title}</strong>
              <span>${learns}</span>
              <span class="hint">${data}</span>
            </span>
          </label>
        `,
      )}
    </fieldset>
  `;
}
