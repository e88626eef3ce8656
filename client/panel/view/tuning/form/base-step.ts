/**
 * The step of the base model: the models on this machine, and whether a run with the chosen one fits and how long it
 * takes.
 */
import { html, type TemplateResult } from "lit";
import { sizeInWords } from "../../../../../base/figures.ts";
import type { Fit } from "../../../../../protocol/runs.ts";
import type { App } from "../../app.ts";
import { duration } from "../../models/rows.ts";
import { t } from "../../ui/texts.ts";
import { askFit, tell } from "../tuning-actions.ts";

/** The step. */
export function baseStep(app: App): TemplateResult {
  const { list, tuning } = app.state();
  const installed = list?.models.filter((row) => row.installed !== undefined && row.adapterOf === undefined) ?? [];
  const chosen = installed.some(({ id }) => id === tuning.form.base) ? tuning.form.base : list?.builtIn;
  const choose = (base: string) => {
    tell(app, { type: "form", change: { base } });
    void askFit(app);
  };
  return html`
    <fieldset class="bases">
      <legend class="unseen">${t("Base model")}</legend>
      ${installed.map(
        ({ id, layers, decoderLayers, dModel, parameters, memoryBytes, needsFineTuning }) => html`
          <label class="card">
            <input type="radio" name="base" value=${id} .checked=${id === chosen} @change=${() => choose(id)} />
            <span class="text">
              <strong>${id}</strong>
              <span class="hint">
                ${parameters === null ? "" : t("{0} M parameters", (parameters / 1e6).toFixed(1))} · ${t("{0}+{1} layers of width {2}", layers, decoderLayers, dModel)}
                ${memoryBytes === null ? "" : `· ${t("{0} of weights while it learns", sizeInWords(memoryBytes.float32))}`}
                ${needsFineTuning ? `· ${t("only pre-trained: made for this")}` : ""}
              </span>
            </span>
          </label>
        `,
      )}
    </fieldset>
    <p class="hint">
      ${t("A model learns in float32. One that is here only as int8, such as the built-in one, is turned back first: it starts a little coarser than it was trained, and the model that comes out takes four times the room on disk.")}
    </p>
    <p>
      <button class="link" @click=${() => app.dispatch({ type: "page", page: "models" })}>${t("Get more models")}</button>
    </p>
    ${fitView(app)}
  `;
}

/** The run's needs: the server's answer to the present form. */
export function fitView(app: App): TemplateResult {
  const { fit } = app.state().tuning;
  return html`
    <div class="fit" role="group" aria-label=${t("What the run needs")} aria-busy=${fit.working ? "true" : "false"}>
      ${fit.answer === undefined || fit.failure !== undefined ? "" : needsView(fit.answer)}
      ${
        fit.failure === undefined
          ? ""
          : html`
            <p class="failure" role="alert">✕ ${fit.failure}</p>
            <vscode-button secondary @click=${() => askFit(app, true)}>${t("Ask again")}</vscode-button>
          `
      }
      <p class="hint" role="status">${fit.working ? t("Working out what the run needs…") : ""}</p>
    </div>
  `;
}

function needsView(fit: Fit): TemplateResult {
  const { reason, memoryBytes, freeMemoryBytes, diskBytes, freeDiskBytes, steps, examples, seconds, fits, enough } =
    fit;
  return html`
    <p>
      <strong>${fits ? `✓ ${t("It fits.")}` : `✕ ${t("It does not fit.")}`}</strong>
      ${fits ? "" : t("Take a smaller model, LoRA, fewer tokens at once, or close other programs.")} ${reason}
    </p>
    ${enough === undefined ? "" : html`<p>${enoughText(enough)}</p>`}
    <dl>
      <dt>${t("Memory")}</dt>
      <dd>${t("{0} of the {1} that are free", sizeInWords(memoryBytes), sizeInWords(freeMemoryBytes))}</dd>
      <dt>${t("Disk")}</dt>
      <dd>${t("{0} of the {1} that are free", sizeInWords(diskBytes), sizeInWords(freeDiskBytes))}</dd>
      <dt>${t("Time")}</dt>
      <dd>${t("roughly {0}: {1} steps, {2} examples; the run measures it before it begins", duration(seconds), steps.toLocaleString("en-US"), examples.toLocaleString("en-US"))}</dd>
    </dl>
  `;
}

/** The finding of `spanfill scale` for the data, in a sentence. */
export function enoughText({ bytes, shape, parameters, hours }: NonNullable<Fit["enough"]>): string {
  return t(
    "On your {0} a model of {1} M parameters is enough ({2}), as spanfill scale measured: in {3} hours no other size is predicted to learn more than 1% better.",
    ...[sizeInWords(bytes), (parameters / 1e6).toFixed(1), shape, hours],
  );
}
