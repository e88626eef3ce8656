/** The page's looks: the editor's own colors and fonts, one column where it is narrow. */
import { css } from "lit";
import { tuning } from "../tuning/tuning-styles.ts";

const frame = css`
  html, body { height: 100%; margin: 0; padding: 0; }
  body { color: var(--vscode-foreground); background: var(--vscode-editor-background); font-family: var(--vscode-font-family); font-size: var(--vscode-font-size, 13px); }
  #root { display: flex; flex-direction: column; height: 100%; min-width: 0; }
  h1, h2, h3 { font-weight: 600; margin: 0.6em 0 0.3em; }
  h2 { font-size: 1.15em; overflow-wrap: anywhere; }
  h3 { font-size: 1em; }
  .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .tabs { display: flex; gap: 2px; padding: 0 12px; border-bottom: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, #8884)); flex: none; }
  .tabs button { font: inherit; color: var(--vscode-foreground); background: none; border: 0; border-bottom: 2px solid transparent; padding: 8px 12px 6px; cursor: pointer; }
  .tabs button[aria-selected="true"] { border-bottom-color: var(--vscode-panelTitle-activeBorder, var(--vscode-focusBorder)); color: var(--vscode-panelTitle-activeForeground, var(--vscode-foreground)); }
  .page { flex: 1; min-height: 0; display: flex; flex-direction: column; }
  button:focus-visible, select:focus-visible, input:focus-visible, textarea:focus-visible, [tabindex]:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: -1px; }
  button.plain, button.link { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
  button.link { color: var(--vscode-textLink-foreground); text-decoration: underline; overflow-wrap: anywhere; }
  button.toggle { font: inherit; color: var(--vscode-button-secondaryForeground, var(--vscode-foreground)); background: var(--vscode-button-secondaryBackground, transparent); border: 1px solid var(--vscode-contrastBorder, transparent); border-radius: 2px; padding: 3px 9px; cursor: pointer; }
  button.toggle[aria-pressed="true"] { color: var(--vscode-button-foreground); background: var(--vscode-button-background); }
  body.vscode-high-contrast button.toggle[aria-pressed="true"], body.vscode-high-contrast-light button.toggle[aria-pressed="true"] { outline: 2px solid var(--vscode-contrastActiveBorder, var(--vscode-focusBorder)); }
  select, input, textarea { font: inherit; color: var(--vscode-input-foreground); background: var(--vscode-input-background); border: 1px solid var(--vscode-input-border, var(--vscode-contrastBorder, var(--vscode-panel-border, #8886))); border-radius: 2px; padding: 3px 6px; box-sizing: border-box; }
  select { color: var(--vscode-dropdown-foreground); background: var(--vscode-dropdown-background); border-color: var(--vscode-dropdown-border, #8886); max-width: 100%; }
  .bar { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 8px 12px; flex: none; }
  .views { display: inline-flex; gap: 1px; }
  .search { flex: 1 1 200px; max-width: 380px; }
  .actions { margin-left: auto; display: inline-flex; gap: 6px; flex-wrap: wrap; }
  .hint, .count, .source, .standing { color: var(--vscode-descriptionForeground); }
  .hint { margin: 0.4em 0; line-height: 1.4; }
  /* Alone, that color has too little contrast in light themes. */
  .failure { color: color-mix(in srgb, var(--vscode-errorForeground) 65%, var(--vscode-foreground)); }
  #server-features { border: 1px solid var(--vscode-widget-border, var(--vscode-contrastBorder, transparent)); margin: 8px 0; padding: 4px 12px; }
  #server-features label { display: inline-flex; align-items: center; gap: 4px; margin-right: 18px; }
  .field { display: inline-flex; align-items: center; gap: 6px; }
  .field input[type="number"] { width: 80px; }
  .field.wide { display: flex; flex-direction: column; align-items: stretch; gap: 3px; margin: 6px 12px; }
  .notices { flex: none; }
  .notice { display: flex; gap: 8px; align-items: baseline; padding: 6px 12px; border-bottom: 1px solid var(--vscode-panel-border, #8884); background: var(--vscode-editorWidget-background); color: var(--vscode-editorWidget-foreground, inherit); }
  .notice.failed .mark { color: var(--vscode-errorForeground); }
  .notice span:nth-child(2) { flex: 1; }
`;

const models = css`
  .split { flex: 1; min-height: 0; display: flex; }
  .main { flex: 1; min-width: 0; min-height: 0; display: flex; flex-direction: column; }
  .waiting { padding: 12px; }
  .table { flex: 1; overflow: auto; position: relative; margin-left: 12px; contain: strict; }
  .row { display: grid; grid-template-columns: minmax(190px, 2.6fr) minmax(112px, 1.1fr) 74px 68px 74px 84px 94px 86px minmax(126px, 1.2fr); height: 26px; align-items: center; min-width: 924px; cursor: pointer; }
  .row:hover { background: var(--vscode-list-hoverBackground); }
  .row.selected { background: var(--vscode-list-inactiveSelectionBackground); color: var(--vscode-list-inactiveSelectionForeground, inherit); outline: 1px solid var(--vscode-contrastActiveBorder, transparent); outline-offset: -1px; }
  .table:focus .row.selected { background: var(--vscode-list-activeSelectionBackground); color: var(--vscode-list-activeSelectionForeground); }
  .row.head { position: sticky; top: 0; z-index: 1; background: var(--vscode-editor-background); font-weight: 600; border-bottom: 1px solid var(--vscode-panel-border, #8884); cursor: default; box-sizing: border-box; }
  .cell { padding: 0 8px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .cell:not(.id, .state) { text-align: right; font-variant-numeric: tabular-nums; }
  .head .cell:not(.id, .state) button { text-align: right; }
  .head .cell { overflow: visible; }
  .none { padding: 12px; }
  .details { flex: 0 0 340px; overflow-y: auto; padding: 0 14px 14px; border-left: 1px solid var(--vscode-panel-border, var(--vscode-contrastBorder, #8884)); box-sizing: border-box; }
  .details:focus { outline: none; }
  .buttons, .uses { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 8px 0; }
  dl { display: grid; grid-template-columns: minmax(84px, auto) 1fr; gap: 3px 10px; margin: 8px 0; }
  dt { color: var(--vscode-descriptionForeground); }
  dd { margin: 0; overflow-wrap: anywhere; }
  table.small { border-collapse: collapse; width: 100%; }
  table.small th, table.small td { text-align: right; padding: 2px 4px; font-weight: normal; font-variant-numeric: tabular-nums; }
  table.small th { color: var(--vscode-descriptionForeground); }
  table.small th:first-child, table.small td:first-child { text-align: left; }
  table.small td:not(:first-child) { white-space: nowrap; }
  .progress { display: grid; gap: 5px; margin: 8px 0; justify-items: start; }
  .progress vscode-progress-bar { width: 100%; }
  .advice, .chart { overflow-y: auto; padding: 4px 16px 16px; }
  .advice .questions, .axes { display: flex; flex-wrap: wrap; gap: 10px 18px; align-items: center; margin: 8px 0; }
  .advice li { margin: 6px 0; line-height: 1.4; }
  .advice ul li { margin: 0; }
  .axes select { max-width: 270px; }
  .devices { overflow-y: auto; padding: 0 16px 16px; }
  .devices table { border-collapse: collapse; width: 100%; }
  .devices th, .devices td { text-align: left; vertical-align: top; font-weight: normal; padding: 8px 10px 0 0; line-height: 1.5; font-variant-numeric: tabular-nums; }
  .devices thead th { color: var(--vscode-descriptionForeground); }
  .devices tbody th { font-weight: 600; }
  .devices th span { font-weight: normal; }
  .devices thead th, .devices .detail td { padding-bottom: 8px; border-bottom: 1px solid var(--vscode-panel-border, #8884); }
  .devices .detail td { padding-top: 2px; overflow-wrap: anywhere; }
  .chart .plot { position: relative; height: clamp(220px, 46vh, 460px); min-width: 0; overflow: hidden; }
  .chart ul { margin: 4px 0; padding-left: 20px; line-height: 1.5; }
  .tip { position: absolute; z-index: 10; pointer-events: none; padding: 3px 7px; background: var(--vscode-editorHoverWidget-background); color: var(--vscode-editorHoverWidget-foreground); border: 1px solid var(--vscode-editorHoverWidget-border, #8886); white-space: nowrap; }
  @media (max-width: 1340px) {
    .row { grid-template-columns: minmax(180px, 2.4fr) minmax(108px, 1.1fr) 72px 82px 92px 84px minmax(124px, 1.2fr); min-width: 750px; }
    .cell.dModel, .cell.heads { display: none; }
  }
  @media (max-width: 820px) {
    .split { flex-direction: column; overflow-y: auto; }
    .main { flex: none; }
    .table { flex: none; height: 46vh; margin: 0; }
    .row { grid-template-columns: minmax(130px, 1.7fr) minmax(108px, 0.8fr) 68px minmax(118px, 1fr); min-width: 0; }
    .cell.dModel, .cell.heads, .cell.memory, .cell.download, .cell.speed { display: none; }
    .details { flex: none; border-left: 0; border-top: 1px solid var(--vscode-panel-border, #8884); overflow: visible; }
    .actions { margin-left: 0; }
  }
`;

const playground = css`
  .trial { flex: 1; min-height: 0; display: flex; }
  .inputs { flex: 1 1 50%; min-width: 0; overflow-y: auto; }
  .outputs { flex: 1 1 50%; min-width: 0; overflow-y: auto; padding: 8px 14px; border-left: 1px solid var(--vscode-panel-border, #8884); display: flex; gap: 18px; align-items: flex-start; }
  .result { flex: 1 1 0; min-width: 0; }
  .tokens { line-height: 1.7; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 1.08em; }
  .tokens span { border-bottom: 3px solid transparent; }
  .tokens .p0, .tokens .p1 { border-bottom-color: var(--vscode-charts-red); background: color-mix(in srgb, var(--vscode-charts-red) 30%, transparent); }
  .tokens .p2, .tokens .p3 { border-bottom-color: color-mix(in srgb, var(--vscode-charts-red) 70%, transparent); background: color-mix(in srgb, var(--vscode-charts-red) 20%, transparent); }
  .tokens .p4, .tokens .p5 { border-bottom-color: color-mix(in srgb, var(--vscode-charts-red) 45%, transparent); background: color-mix(in srgb, var(--vscode-charts-red) 12%, transparent); }
  .tokens .p6, .tokens .p7 { border-bottom-color: color-mix(in srgb, var(--vscode-charts-red) 25%, transparent); background: color-mix(in srgb, var(--vscode-charts-red) 6%, transparent); }
  body.vscode-high-contrast .tokens span, body.vscode-high-contrast-light .tokens span { background: none; }
  @media (max-width: 820px) {
    .trial { flex-direction: column; overflow-y: auto; }
    .inputs, .outputs { flex: none; overflow: visible; }
    .outputs { border-left: 0; border-top: 1px solid var(--vscode-panel-border, #8884); flex-wrap: wrap; }
    .result { flex: 1 1 100%; }
  }
`;

/** The rules of uPlot's style sheet for the parts that are used. */
const plot = css`
  .uplot, .uplot * { box-sizing: border-box; }
  .uplot { width: min-content; line-height: 1.5; }
  .u-wrap { position: relative; user-select: none; }
  .u-over, .u-under { position: absolute; }
  .u-under { overflow: hidden; }
  .uplot canvas { display: block; position: relative; width: 100%; height: 100%; }
  .u-axis, .u-select { position: absolute; pointer-events: none; }
`;

/** All of them, to be adopted by the document. */
export const styles = [frame, models, playground, plot, tuning];
