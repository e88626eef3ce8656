/** The frame around the pages: tabs, notices, and the page that is shown. */
import { html, type TemplateResult } from "lit";
import type { App } from "./app.ts";
import { modelsPage } from "./models/models-page.ts";
import { playgroundPage } from "./playground/playground.ts";
import { PAGES, type Page } from "./state.ts";
import { tuningPage } from "./tuning/tuning-page.ts";
import { t } from "./ui/texts.ts";

/** A page's title and its view. */
const VIEWS: Readonly<Record<Page, { readonly title: string; readonly view: (app: App) => TemplateResult }>> = {
  models: { title: t("Models"), view: modelsPage },
  tuning: { title: t("Fine-tuning"), view: tuningPage },
  playground: { title: t("Playground"), view: playgroundPage },
};

/** Everything on the page. */
export function pageView(app: App): TemplateResult {
  const { page, notices } = app.state();
  const go = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const next = PAGES[(PAGES.indexOf(page) + step + PAGES.length) % PAGES.length] ?? page;
    app.dispatch({ type: "page", page: next });
    document.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return html`
    <h1 class="unseen">Spanfill</h1>
    <div class="tabs" role="tablist" aria-label=${t("Pages")} @keydown=${go}>
      ${PAGES.map(
        (each) => html`
          <button
            role="tab"
            id="tab-${each}"
            aria-selected=${each === page ? "true" : "false"}
            aria-controls="page"
            tabindex=${each === page ? 0 : -1}
            @click=${() => app.dispatch({ type: "page", page: each })}
          >
            ${VIEWS[each].title}
          </button>
        `,
      )}
    </div>
    <div class="notices" role="status" aria-live="polite">
      ${notices.map(
        ({ kind, text }, index) => html`
          <div class="notice ${kind}">
            <span class="mark" aria-hidden="true">${kind === "failed" ? "✕" : "✓"}</span>
            <span>${text}</span>
            <button class="plain" aria-label=${t("Close this message")} @click=${() => app.dispatch({ type: "dismiss", index })}>✕</button>
          </div>
        `,
      )}
    </div>
    <div class="page ${page}" id="page" role="tabpanel" aria-labelledby="tab-${page}">${VIEWS[page].view(app)}</div>
  `;
}
