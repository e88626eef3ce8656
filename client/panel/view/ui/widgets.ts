/** Small parts that several views have: selects and fields with a label. */
import { html, nothing, type TemplateResult } from "lit";

/** One of several values, picked from a list. */
export function choice<T extends string>(
  label: string,
  value: T,
  options: readonly { readonly value: T; readonly text: string }[],
  onChoice: (value: T) => void,
  id = "",
): TemplateResult {
  return html`
    <label class="choice">
      <span class="unseen">${label}</span>
      <select
        id=${id || nothing}
        .value=${value}
        @change=${(event: Event) => {
          const chosen = options.find((option) => option.value === inputValue(event));
          if (chosen !== undefined) onChoice(chosen.value);
        }}
      >
        ${options.map((option) => html`<option value=${option.value} ?selected=${option.value === value}>${option.text}</option>`)}
      </select>
    </label>
  `;
}

/** A number with its name before it; what is not a number in range is not taken. */
export function numberField(
  label: string,
  value: number,
  { min, max, step = 1 }: { readonly min: number; readonly max: number; readonly step?: number },
  onChange: (value: number) => void,
): TemplateResult {
  return html`
    <label class="field">
      <span>${label}</span>
      <input
        type="number"
        min=${min}
        max=${max}
        step=${step}
        .value=${String(value)}
        @change=${(event: Event) => {
          const typed = Number(inputValue(event));
          if (Number.isFinite(typed)) onChange(Math.min(Math.max(typed, min), max));
        }}
      />
    </label>
  `;
}

/** The value of the element that an event comes from. */
export function inputValue({ currentTarget }: Event): string {
  return currentTarget !== null && "value" in currentTarget ? String(currentTarget.value) : "";
}
