/**
 * The step of the settings: the few that matter, the others in a fold, each with its line of help and what is wrong
 * with it.
 */
import { html, type TemplateResult } from "lit";
import type { App } from "../../app.ts";
import { t, translated } from "../../ui/texts.ts";
import { inputValue } from "../../ui/widgets.ts";
import { askFit, fill, tell } from "../tuning-actions.ts";
import { fitView } from "./base-step.ts";
import { placeView } from "./place-view.ts";
import { applies, lastPart, suggestedTitle } from "./tuning-form.ts";
import { optionsOf, placeholder, SETTINGS, type Setting } from "./tuning-settings.ts";
import { tuningTask } from "./tuning-tasks.ts";

/** The step. */
export function settingsStep(app: App): TemplateResult {
  const { list, tuning } = app.state();
  const { form, advanced } = tuning;
  const problems = fill(app, form).problems ?? {};
  const task = tuningTask(form.task)?.title ?? form.task;
  const shown = SETTINGS.filter((setting) => applies(setting, form));
  const field = (setting: Setting) => fieldView(app, setting, problems[setting.name]);
  const folded = shown.filter(({ group }) => group !== "main");
  const hidden = folded.filter(({ name }) => problems[name] !== undefined).length;
  return html`
    <p class="hint">${t("{0}, from {1}, starting with {2}", task, lastPart(form.data), lastPart(form.base || (list?.builtIn ?? "")))}</p>
    <div class="settings">
      <div class="setting">
        <label for="setting-title">${t("Name of the model")}</label>
        <span class="help" id="help-title">${t("What it is called in the lists; letters, digits and hyphens.")}</span>
        <input
          type="text"
          id="setting-title"
          maxlength="100"
          aria-describedby="help-title"
          placeholder=${suggestedTitle(form)}
          .value=${form.title}
          @input=${(event: Event) => tell(app, { type: "form", change: { title: inputValue(event) } })}
        />
        ${problemView("title", problems["title"])}
      </div>
      ${shown.filter(({ group }) => group === "main").map(field)}
    </div>
    <details
      class="advanced"
      .open=${advanced}
      @toggle=${({ currentTarget }: Event) => {
        if (currentTarget instanceof HTMLDetailsElement && currentTarget.open !== app.state().tuning.advanced) {
          tell(app, { type: "advanced", open: currentTarget.open });
        }
      }}
    >
      <summary>${t("Advanced")} ${hidden === 0 ? "" : html`<span class="failure">✕ ${t("{0} to mend", hidden)}</span>`}</summary>
      <div class="settings">${folded.map(field)}</div>
    </details>
    ${fitView(app)}
  `;
}

function fieldView(app: App, setting: Setting, problem: string | undefined): TemplateResult {
  const { name, label, help = "", type } = setting;
  const options = optionsOf(setting);
  const value = app.state().tuning.form.values[name] ?? "";
  const id = `setting-${name}`;
  const set = (typed: string) => tell(app, { type: "value", name, value: typed });
  const described = `help-${name}${problem === undefined ? "" : ` problem-${name}`}`;
  const invalid = problem === undefined ? "false" : "true";
  return html`
    <div class="setting ${value === "" ? "" : "changed"}">
      <label for=${id}>${translated(label)}</label>
      <span class="help" id="help-${name}">${translated(help)}</span>
      ${
        options !== undefined
          ? html`
            <select
              id=${id}
              aria-describedby=${described}
              .value=${value}
              @change=${(event: Event) => {
                set(inputValue(event));
                void askFit(app);
              }}
            >
              ${options.map((option) => html`<option value=${option.value} ?selected=${option.value === value}>${option.text}</option>`)}
            </select>
          `
          : html`
            <input
              type="text"
              id=${id}
              inputmode=${type.kind === "number" ? "decimal" : "text"}
              spellcheck="false"
              aria-describedby=${described}
              aria-invalid=${invalid}
              placeholder=${placeholder(setting)}
              .value=${value}
              @input=${(event: Event) => set(inputValue(event))}
              @change=${() => askFit(app)}
            />
          `
      }
      ${problemView(name, problem)}
      ${name === "on" && value !== "" ? placeView(app, value) : ""}
    </div>
  `;
}

function problemView(name: string, problem: string | undefined): TemplateResult | string {
  return problem === undefined ? "" : html`<span class="failure" id="problem-${name}">✕ ${problem}</span>`;
}
