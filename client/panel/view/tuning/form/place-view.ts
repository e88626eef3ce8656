/** The place where a run is computed, if that is another than this machine: its connection, and its speed. */
import { html, type TemplateResult } from "lit";
import type { Pace } from "../../../../../protocol/runs.ts";
import { type App, attempt } from "../../app.ts";
import { t } from "../../ui/texts.ts";
import { askPace } from "../tuning-actions.ts";

/** Buttons and results for a place. */
export function placeView(app: App, address: string): TemplateResult {
  const { pace } = app.state().tuning;
  const connect = async () => {
    const text = await attempt(app, () => app.ask({ kind: "cluster", address }));
    if (text) app.dispatch({ type: "notice", notice: { kind: "done", text } });
  };
  const working = pace.working ? t("A few steps are computed there and here…") : "";
  return html`
    ${
      /^ray/.test(address)
        ? html`<vscode-button secondary id="try-cluster" @click=${connect}>${t("Token, and try the connection...")}</vscode-button>`
        : ""
    }
    <vscode-button secondary id="measure-place" ?disabled=${pace.working} @click=${() => askPace(app)}>${t("Measure beside this machine")}</vscode-button>
    <p class="hint" id="pace" role="status">${pace.answer?.on === address ? paceInWords(pace.answer) : working}</p>
    ${pace.failure === undefined ? "" : html`<p class="failure" role="alert">✕ ${pace.failure}</p>`}
  `;
}

function paceInWords({ workers, there, here }: Pace): string {
  const counted = workers === 1 ? t("1 worker") : t("{0} workers", workers);
  return t(
    "{0}: {1} tokens a second, the first step after {2} s. This machine: {3} tokens a second, after {4} s.",
    counted,
    there.tokensPerSecond.toLocaleString("en-US"),
    there.firstStepSeconds,
    here.tokensPerSecond.toLocaleString("en-US"),
    here.firstStepSeconds,
  );
}
