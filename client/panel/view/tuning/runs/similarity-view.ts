/** A run's base and its model compared: how far training moved each layer, and what slips in a text cost both. */
import { html, type TemplateResult } from "lit";
import type { Comparison, PerturbedLoss } from "../../../../../protocol/comparison.ts";
import { changesLayers } from "../../../../../protocol/run-story.ts";
import type { RunDetails } from "../../../../../protocol/runs.ts";
import { t } from "../../ui/texts.ts";
import type { Query } from "../tuning-state.ts";
import { isLive } from "./run-state.ts";
import { costOf, layerRows, mostMoved } from "./similarity.ts";

/**
 * The comparison, or the offer to make it; nothing where a run has no model, or its layers are the base's.
 * @param query undefined before anybody asked for it
 */
export function similarityView(
  { summary, plan }: RunDetails,
  query: Query<Comparison> | undefined,
  ask: () => Promise<void>,
): TemplateResult | string {
  if (isLive(summary) || !summary.usable || !changesLayers({ ...(plan && { plan }) })) return "";
  const { working = false, answer, failure } = query ?? {};
  return html`
    <section class="similarity" aria-label=${t("Base and tuned model compared")}>
      <h3 id="similarity-heading" tabindex="-1">${t("Base and tuned model compared")}</h3>
      ${answer === undefined ? html`<p class="hint">${t("How far training moved each layer, and what slips in a text cost both. It reads examples that were kept out, and takes a minute or so.")}</p>` : ""}
      ${failure === undefined ? "" : html`<p class="failure" role="alert">✕ ${failure}</p>`}
      <p role="status">${working ? t("Comparing…") : ""}</p>
      ${answer === undefined && !working ? html`<vscode-button secondary id="compare-with-base" @click=${ask}>${t("Compare with the base")}</vscode-button>` : ""}
      ${answer === undefined ? "" : comparisonView(answer)}
    </section>
  `;
}

function comparisonView(comparison: Comparison): TemplateResult {
  const { examples, tokens, notes } = comparison;
  return html`
    <p class="hint">${t("On {0} examples that were kept out, {1} tokens.", examples, tokens)}</p>
    ${layersView(comparison)} ${slipsView(comparison)}
    ${notes.length === 0 ? "" : html`<ul class="notes">${notes.map((note) => html`<li>⚠ ${note}</li>`)}</ul>`}
  `;
}

function layersView({ layers }: Comparison): TemplateResult {
  const moved = mostMoved(layers);
  return html`
    <div class="scroller" tabindex="0" role="group" aria-label=${t("Similarity by layer")}>
      <table class="grid narrow labels" id="similarity">
        <caption>${t("Similarity of what both models have computed after each layer (CKA): 1 is the same")}</caption>
        <thead><tr><th scope="col">${t("After layer")}</th><th scope="col">${t("Encoder")}</th><th scope="col">${t("Decoder")}</th></tr></thead>
        <tbody>
          ${layerRows(layers).map(
            ({ layer, encoder, decoder }) => html`
              <tr><th scope="row">${layer === 0 ? t("Embedding") : layer}</th>${similarityCell(encoder)}${similarityCell(decoder)}</tr>
            `,
          )}
        </tbody>
      </table>
    </div>
    ${moved === undefined ? "" : html`<p>${moved.stack === "encoder" ? t("Training moved layer {0} of the encoder most.", moved.layer) : t("Training moved layer {0} of the decoder most.", moved.layer)}</p>`}
  `;
}

function similarityCell(cka: number | null | undefined): TemplateResult {
  if (cka === undefined || cka === null) return html`<td class="figure">–</td>`;
  const width = `width: ${Math.round(100 * Math.max(0, cka))}px`;
  return html`<td class="figure">${cka.toFixed(3)} <span class="filled" aria-hidden="true" .style=${width}></span></td>`;
}

function slipsView({ losses }: Comparison): TemplateResult {
  const names: Readonly<Record<string, string>> = {
    typos: t("Typos"),
    dropped: t("Words left out"),
    swapped: t("Words swapped"),
    repeated: t("Words repeated"),
    case: t("Capitals and small letters"),
  };
  const name = ({ kind }: PerturbedLoss) => (kind === null ? t("The text as it is") : (names[kind] ?? kind));
  return html`
    <div class="scroller" tabindex="0" role="group" aria-label=${t("Cost of slips")}>
      <table class="grid narrow" id="slips">
        <caption>${t("Loss of a token, and what slips in every seventh word add to it")}</caption>
        <thead><tr><td></td><th scope="col">${t("Base")}</th><th scope="col">${t("Tuned")}</th></tr></thead>
        <tbody>
          ${losses.map((loss) => html`<tr><th scope="row">${name(loss)}</th><td class="figure">${costOf(losses, loss, "first")}</td><td class="figure">${costOf(losses, loss, "second")}</td></tr>`)}
        </tbody>
      </table>
    </div>
  `;
}
