/** The fine-tuning page's looks. */
import { css } from "lit";

/** Its style sheet. */
export const tuning = css`
  .tuned { flex: 1; min-height: 0; overflow-y: auto; padding: 0 16px 24px; }
  .tuned h2:focus, .tuned h3:focus { outline: none; }
  .tuned h4 { margin: 0.8em 0 0.2em; font-weight: 600; }
  .tuned .bar { padding-left: 0; padding-right: 0; }
  .tuned .bar h3 { margin: 0; }
  .tuned .title h2 { margin: 0; }
  .tuned p { line-height: 1.4; }
  .tuned summary { cursor: pointer; padding: 3px 0; }
  .crumbs { padding-top: 8px; }
  .empty { max-width: 60ch; padding: 8px 0; }
  .scroller { overflow-x: auto; max-width: 100%; }
  .doom { border: 1px solid var(--vscode-inputValidation-warningBorder, var(--vscode-contrastBorder, var(--vscode-focusBorder))); padding: 2px 12px; margin: 8px 0; }

  table.runs, table.grid { border-collapse: collapse; }
  table.runs { width: 100%; }
  table.grid { margin: 8px 0; }
  table.grid caption { text-align: left; font-weight: 600; padding: 4px 0; }
  table.runs th, table.runs td, table.grid th, table.grid td { text-align: left; vertical-align: top; padding: 5px 10px 5px 4px; border-bottom: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, #8884)); font-weight: normal; }
  table.runs thead th, table.grid thead th { font-weight: 600; white-space: nowrap; }
  table.runs tbody tr:hover { background: var(--vscode-list-hoverBackground); }
  table.runs .state, table.runs .when, table.runs .score { white-space: nowrap; }
  table.runs .do { white-space: nowrap; text-align: right; }
  table.runs .do button { margin-left: 10px; }
  table.grid.narrow th, table.grid.narrow td { padding-right: 18px; }
  .figure { font-variant-numeric: tabular-nums; white-space: nowrap; }
  .interval { color: var(--vscode-descriptionForeground); }
  .long { max-width: 60ch; min-width: 22ch; overflow-wrap: anywhere; }
  .labels .filled { display: inline-block; height: 0.7em; background: var(--vscode-charts-blue); outline: 1px solid var(--vscode-contrastBorder, transparent); }

  .steps { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 0; padding: 10px 0 6px; }
  .steps button { padding: 3px 2px; border-bottom: 2px solid transparent; }
  .steps button[aria-current="step"] { border-bottom-color: var(--vscode-focusBorder); font-weight: 600; }
  .steps button:disabled { color: var(--vscode-disabledForeground); cursor: default; }
  .steps .number { display: inline-block; min-width: 1.5em; text-align: center; border: 1px solid currentColor; border-radius: 1em; }
  .steps button[aria-current="step"] .number { color: var(--vscode-button-foreground); background: var(--vscode-button-background); border-color: var(--vscode-contrastBorder, var(--vscode-button-background)); }
  fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
  .cards, .bases { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); gap: 8px; }
  .bases { grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); }
  .card { display: flex; gap: 8px; align-items: baseline; padding: 8px 10px; border: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, #8884)); border-radius: 3px; cursor: pointer; }
  .card:has(input:checked) { border-color: var(--vscode-focusBorder); background: var(--vscode-list-inactiveSelectionBackground); color: var(--vscode-list-inactiveSelectionForeground, inherit); }
  .card:has(input:checked) .hint { color: inherit; }
  .card:has(input:focus-visible) { outline: 1px solid var(--vscode-focusBorder); outline-offset: 1px; }
  .card .text { display: grid; gap: 3px; line-height: 1.35; min-width: 0; overflow-wrap: anywhere; }
  .card .hint { margin: 0; }
  input[type="radio"], input[type="checkbox"] { accent-color: var(--vscode-button-background, var(--vscode-focusBorder)); }
  .path, .columns, .ticks { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; margin: 8px 0; }
  .path .grow { flex: 1 1 260px; }
  .path .grow span { white-space: nowrap; }
  .path .grow input { flex: 1; min-width: 0; }
  .tuned .field.wide { margin: 8px 0; }
  .notes, .incidents { margin: 6px 0; padding-left: 20px; line-height: 1.5; overflow-wrap: anywhere; }
  .notes { list-style: none; padding-left: 0; }
  /* Kept free, so that Start stays under the pointer whose press ends a change, and with it asks anew. */
  .fit > [role="status"] { min-height: 1.4em; }
  .next { border-top: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, #8884)); padding-top: 12px; margin-top: 14px; }
  .settings { display: grid; gap: 14px; max-width: 640px; margin: 8px 0; }
  .setting { display: grid; gap: 3px; padding-left: 10px; border-left: 2px solid transparent; justify-items: start; }
  .setting.changed { border-left-color: var(--vscode-settings-modifiedItemIndicator, var(--vscode-focusBorder)); }
  .setting label { font-weight: 600; }
  .setting .help { color: var(--vscode-descriptionForeground); line-height: 1.35; }
  .setting input, .setting select { width: min(100%, 320px); }
  .setting input[aria-invalid="true"] { border-color: var(--vscode-inputValidation-errorBorder, var(--vscode-errorForeground)); }
  input::placeholder { color: var(--vscode-input-placeholderForeground, var(--vscode-descriptionForeground)); opacity: 1; }
  .advanced { margin: 12px 0; }

  .far { display: grid; gap: 4px; max-width: 640px; }
  .far progress { width: 100%; height: 6px; appearance: none; border: 1px solid var(--vscode-contrastBorder, transparent); background: var(--vscode-input-background); }
  .far progress::-webkit-progress-bar { background: var(--vscode-input-background); }
  .far progress::-webkit-progress-value { background: var(--vscode-progressBar-background, var(--vscode-focusBorder)); }
  .tiles { display: flex; flex-wrap: wrap; gap: 8px 28px; }
  .tiles dd { font-size: 1.2em; font-variant-numeric: tabular-nums; }
  .curves .plot { display: block; position: relative; height: clamp(200px, 38vh, 380px); min-width: 0; overflow: hidden; }
  .curves .plot[hidden] { display: none; }
  .legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; margin: 4px 0 8px; }
  .swatch { display: inline-block; width: 26px; height: 0; border-top: 2px solid; vertical-align: middle; }
  .swatch.c0 { border-color: var(--vscode-charts-blue); }
  .swatch.c1 { border-color: var(--vscode-charts-orange); border-top-style: dashed; }
  .swatch.c2 { border-color: var(--vscode-charts-green); border-top-style: dotted; }
  .swatch.c3 { border-color: var(--vscode-charts-purple); border-top-style: dashed; }
  .swatch.c4 { border-color: var(--vscode-charts-red); border-top-style: dashed; }
  .swatch.faint { border-top-width: 1px; opacity: 0.5; border-top-style: solid; }
  .swatch.points { border-top-width: 1px; position: relative; }
  .swatch.points::after { content: "●"; position: absolute; top: -0.85em; left: 8px; }
  .swatch.points.c0::after { color: var(--vscode-charts-blue); }
  .swatch.points.c1::after { color: var(--vscode-charts-orange); }
  .swatch.points.c2::after { color: var(--vscode-charts-green); }
  .swatch.points.c3::after { color: var(--vscode-charts-purple); }
  .swatch.points.c4::after { color: var(--vscode-charts-red); }
  .swatch.mark { width: 0; margin-right: 6px; height: 1em; border-top: 0; border-left: 1px dashed var(--vscode-foreground); }
  .changes { list-style: none; padding: 0; margin: 4px 0; display: grid; gap: 10px; max-width: 80ch; }
  .changes li { border-left: 2px solid var(--vscode-panel-border, var(--vscode-contrastBorder, #8884)); padding-left: 10px; }
  .changes p, .changes dl { margin: 2px 0; }
  table.grid.confusion td { text-align: right; }
  table.confusion td.right { outline: 1px solid var(--vscode-foreground); outline-offset: -2px; }
  .confusion .s1 { background: color-mix(in srgb, var(--vscode-charts-blue) 5%, transparent); }
  .confusion .s2 { background: color-mix(in srgb, var(--vscode-charts-blue) 10%, transparent); }
  .confusion .s3 { background: color-mix(in srgb, var(--vscode-charts-blue) 15%, transparent); }
  .confusion .s4 { background: color-mix(in srgb, var(--vscode-charts-blue) 20%, transparent); }
  .confusion .s5 { background: color-mix(in srgb, var(--vscode-charts-blue) 25%, transparent); }
  .confusion .s6 { background: color-mix(in srgb, var(--vscode-charts-blue) 30%, transparent); }
  .confusion .s7 { background: color-mix(in srgb, var(--vscode-charts-blue) 35%, transparent); }
  .confusion .s8 { background: color-mix(in srgb, var(--vscode-charts-blue) 40%, transparent); }
  .confusion .s9 { background: color-mix(in srgb, var(--vscode-charts-blue) 45%, transparent); }
  body.vscode-high-contrast .confusion td, body.vscode-high-contrast-light .confusion td { background: none; }
  body.vscode-high-contrast .card:has(input:checked), body.vscode-high-contrast-light .card:has(input:checked) { outline: 2px solid var(--vscode-contrastActiveBorder, var(--vscode-focusBorder)); }
  @media (max-width: 1000px) {
    table.runs .base, table.runs .data { display: none; }
  }
  @media (max-width: 700px) {
    .tuned { padding: 0 10px 20px; }
    table.runs, table.runs tbody, table.runs tr { display: block; }
    table.runs thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
    table.runs tr { display: flex; flex-wrap: wrap; gap: 2px 10px; border-bottom: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, #8884)); padding: 6px 0; }
    table.runs th, table.runs td { border: 0; padding: 0; }
    table.runs .name { flex: 1 1 70%; }
    table.runs .score { white-space: normal; }
    .long { min-width: 28ch; max-width: 34ch; }
    .interval { display: block; }
    table.grid th, table.grid td, table.grid.narrow th, table.grid.narrow td { padding-right: 6px; }
    table.grid thead th { white-space: normal; }
    .stacked tr { display: flex; flex-wrap: wrap; border-bottom: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, #8884)); }
    table.grid.stacked th, table.grid.stacked td { flex: 1 1 40%; border: 0; min-width: 0; overflow-wrap: anywhere; }
    table.grid.stacked .long { flex: 1 1 100%; max-width: none; padding-bottom: 0; }
    table.grid.stacked .figure { order: -1; flex: 0 0 auto; }
    table.grid.stacked tr > :first-child { order: -1; }
    table.grid.stacked td:not(.long, .figure), table.grid.stacked .long + .long { padding-left: 18px; }
  }
  @media (prefers-reduced-motion: reduce) {
    * { animation: none; transition: none; scroll-behavior: auto; }
  }
`;
