/** A long text in a small place. */
import { html, type TemplateResult } from "lit";

/** A text's beginning, the rest in a fold. */
export function longText(text: string): TemplateResult | string {
  if (text.length <= SHORT) return text;
  return html`<details><summary>${text.slice(0, SHORT)}…</summary>${text.slice(SHORT)}</details>`;
}

const SHORT = 160;
