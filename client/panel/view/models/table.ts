/** The table of models: only the rows in sight are in the page, however many there are. */

import { html, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { App } from "../app.ts";
import { drawnRows, ROW_PX, shownRows } from "../state.ts";
import { t } from "../ui/texts.ts";
import { COLUMNS, cellText } from "./rows.ts";

/** The table; arrow keys, Page Up and Down, Home and End move the selection, Enter goes to its details. */
export function tableView(app: App): TemplateResult {
  const state = app.state();
  const { selected, sorting, jobs } = state;
  const rows = shownRows(state);
  const drawn = drawnRows(state, rows);
  const index = rows.findIndex(({ id }) => id === selected);
  const inDrawn = index >= drawn.start && index < drawn.start + drawn.rows.length;
  const onScroll = ({ currentTarget }: Event) => {
    if (currentTarget instanceof HTMLElement) {
      app.dispatch({ type: "scroll", top: currentTarget.scrollTop, height: currentTarget.clientHeight });
    }
  };
  return html`
    <div
      class="table"
      role="grid"
      id="models"
      tabindex="0"
      aria-label=${t("Models")}
      aria-rowcount=${rows.length + 1}
      aria-colcount=${COLUMNS.length}
      aria-activedescendant=${inDrawn ? `row-${index}` : ""}
      @scroll=${onScroll}
      @keydown=${(event: KeyboardEvent) => onKey(app, event, rows.length)}
    >
      <div class="row head" role="row" aria-rowindex="1">
        ${COLUMNS.map(({ name, title }) => {
          const sorted = sorting.column === name ? (sorting.descending ? "descending" : "ascending") : "none";
          const arrow = sorted === "none" ? "" : sorted === "descending" ? "↓" : "↑";
          return html`
            <div role="columnheader" class="cell ${name}" aria-sort=${sorted}>
              <button class="plain" @click=${() => app.dispatch({ type: "sort", column: name })}>
                ${title}<span aria-hidden="true">${arrow && ` ${arrow}`}</span>
              </button>
            </div>
          `;
        })}
      </div>
      <div class="space" role="presentation" .style=${`height: ${rows.length * ROW_PX}px`}>
        <div class="window" role="presentation" .style=${`transform: translateY(${drawn.start * ROW_PX}px)`}>
          ${repeat(
            drawn.rows,
            ({ id }) => id,
            (row, i) => html`
              <div
                class="row ${row.id === selected ? "selected" : ""}"
                role="row"
                id="row-${drawn.start + i}"
                aria-rowindex=${drawn.start + i + 2}
                aria-selected=${row.id === selected ? "true" : "false"}
                @click=${() => app.dispatch({ type: "select", id: row.id })}
              >
                ${COLUMNS.map(({ name }) => {
                  const text = cellText(row, name, jobs[row.id]);
                  return html`<div role="gridcell" class="cell ${name}" title=${text}>${text}</div>`;
                })}
              </div>
            `,
          )}
        </div>
      </div>
      ${rows.length === 0 ? html`<div role="row" class="none"><span role="gridcell">${t("No model is like that.")}</span></div>` : ""}
    </div>
  `;
}

function onKey(app: App, event: KeyboardEvent, count: number): void {
  const grid = event.currentTarget;
  if (!(grid instanceof HTMLElement) || event.target !== grid) return;
  const page = Math.max(1, Math.floor(grid.clientHeight / ROW_PX) - 2);
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -count,
    End: count,
  };
  const by = steps[event.key];
  if (event.key === "Enter") document.querySelector<HTMLElement>("#details")?.focus();
  if (by === undefined && event.key !== "Enter") return;
  event.preventDefault();
  if (by === undefined) return;
  app.dispatch({ type: "move", by });
  const state = app.state();
  const index = shownRows(state).findIndex(({ id }) => id === state.selected);
  // The header stays on top of the rows.
  const top = index * ROW_PX;
  const room = grid.clientHeight - 2 * ROW_PX;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top > grid.scrollTop + room) grid.scrollTop = top - room;
}
