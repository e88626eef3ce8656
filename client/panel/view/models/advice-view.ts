/** Which should I use? Three questions, and the models that fit with the reasons. */

import { html, type TemplateResult } from "lit";
import type { App } from "../app.ts";
import { t } from "../ui/texts.ts";
import { choice, numberField } from "../ui/widgets.ts";
import { type Needs, recommend } from "./recommend.ts";

const PURPOSES = [
  { value: "summarize", text: t("Summarize") },
  { value: "infill", text: t("Fill gaps and suggest") },
  { value: "fine-tune", text: t("Fine-tune on my own texts") },
] as const;

/** The questions and the answer. */
export function adviceView(app: App): TemplateResult {
  const { needs, list, selected } = app.state();
  const change = (part: Partial<Needs>) => app.dispatch({ type: "needs", change: part });
  const recommended = recommend(list?.models ?? [], needs);
  return html`
    <section class="advice" aria-label=${t("Which should I use?")}>
      <div class="questions">
        <div class="field"><span>${t("What for")}</span>${choice(t("What for"), needs.purpose, PURPOSES, (purpose) => change({ purpose }))}</div>
        ${numberField(t("Milliseconds an answer may take"), needs.budgetMs, { min: 20, max: 600_000, step: 50 }, (budgetMs) => change({ budgetMs }))}
        ${numberField(t("Megabytes of memory it may take"), needs.memoryMb, { min: 100, max: 1_000_000, step: 100 }, (memoryMb) => change({ memoryMb }))}
      </div>
      ${
        recommended.length === 0
          ? html`<p>${t("Nothing fits. Allow more time or more memory.")}</p>`
          : html`<ol>
            ${recommended.map(
              ({ row, reasons }) => html`
                <li class=${row.id === selected ? "selected" : ""}>
                  <button class="link" @click=${() => app.dispatch({ type: "select", id: row.id })}>${row.id}</button>
                  <ul>${reasons.map((reason) => html`<li>${reason}</li>`)}</ul>
                </li>
              `,
            )}
          </ol>`
      }
      <p class="hint">
        ${t("An answer is 512 tokens in and 64 out. Where quality was not measured alike, the larger model is taken for the more able one, and for fine-tuning the deeper one (Tay et al. 2021, section 4.4).")}
      </p>
    </section>
  `;
}
