/**
 * `bench panel`: the panel's page in a browser: open to interactive, a table of 500 rows scrolled, a curve of 100,000
 * points redrawn.
 */
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { ModelRow } from "../../protocol/panel/models.ts";
import { placesOf } from "../../server/catalog/store.ts";
import { listModels } from "../../server/panel/model-list.ts";
import { median, quantile } from "../support/statistics.ts";
import { printTable } from "../support/table.ts";

/** The numbers of repetitions, rows and points. */
export interface PanelOptions {
  /** Pages that are opened. */
  readonly rounds: number;
  /** Rows of the table. */
  readonly rows: number;
  /** Points of the curve. */
  readonly points: number;
}

/** Prints milliseconds and frames a second. */
export async function benchPanel({ rounds, rows, points }: PanelOptions): Promise<void> {
  const { tool, browserPath, openPanelPage } = await harness();
  const curve = await curveScript();
  const known = await listModels(placesOf());
  const models = Array.from({ length: rows }, (_, i): ModelRow => {
    const row = known[i % known.length];
    if (row === undefined) throw new Error("the catalog is empty");
    return i < known.length ? row : { ...row, id: `${row.id}-${i}` };
  });
  const list = { models, jobs: [], builtIn: models[0]?.id ?? "" };
  const chosen = { model: "", summarize: "", infill: "", precision: "int8" };
  const browser = await tool("playwright-core").chromium.launch({
    executablePath: browserPath(),
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const figures: Record<string, number[]> = { opened: [], drawn: [], scroll: [], redraw: [] };
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const { page } = await openPanelPage(browser, { answers: { models: list, chosen }, kept: list });
      await page.locator(".row.selected").waitFor();
      const [opened, drawn] = await page.evaluate<readonly number[]>(TIMES);
      const scroll = await page.evaluate<readonly number[]>(SCROLL);
      await page.evaluate(curve);
      const redraw = await page.evaluate<readonly number[]>(`window.benchCurve(${points}, ${REDRAWS})`);
      await page.close();
      if (round === 0) continue; // warms the browser up
      figures["opened"]?.push(opened ?? Number.NaN);
      figures["drawn"]?.push(drawn ?? Number.NaN);
      figures["scroll"]?.push(...scroll);
      figures["redraw"]?.push(...redraw);
    }
  } finally {
    await browser.close();
  }
  const line = (what: string, values: readonly number[] = [], frames = false) => [
    what,
    median(values).toFixed(1),
    quantile(values, 0.95).toFixed(1),
    frames ? (1000 / Math.max(median(values), 1e-3)).toFixed(0) : "",
  ];
  console.log(`${cpus()[0]?.model.trim()}, headless Chromium without a GPU, ${rounds} pages`);
  printTable([
    ["", "median ms", "95th ms", "a second"],
    line("page begun to frame drawn", figures["opened"]),
    line("page begun to table interactive, its list kept", figures["drawn"]),
    line(`frame while ${rows} rows scroll`, figures["scroll"], true),
    line(`curve of ${points.toLocaleString("en-US")} points redrawn`, figures["redraw"], true),
  ]);
}

const REDRAWS = 10;

/** From the page's start to the mark that main.ts sets, and to a table that answers. */
const TIMES = `(async () => {
  while (performance.getEntriesByName("spanfill-listed").length === 0) await new Promise(requestAnimationFrame);
  const drawn = performance.getEntriesByName("spanfill-drawn")[0].startTime;
  const listed = performance.getEntriesByName("spanfill-listed")[0].startTime;
  return [drawn, listed];
})()`;

/** Milliseconds of each frame while the table is scrolled from its top to its end. */
const SCROLL = `(async () => {
  const table = document.querySelector("#models");
  const frames = [];
  const end = table.scrollHeight - table.clientHeight;
  let before = await new Promise(requestAnimationFrame);
  for (let step = 1; step <= 60; step += 1) {
    table.scrollTop = end * step / 60;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - before);
    before = now;
  }
  return frames;
})()`;

interface Page {
  locator(selector: string): { waitFor(): Promise<void> };
  evaluate<T>(script: string): Promise<T>;
  close(): Promise<void>;
}

interface Browser {
  close(): Promise<void>;
}

interface Harness {
  readonly tool: (name: string) => { readonly chromium: { launch(options: object): Promise<Browser> } };
  readonly browserPath: () => string;
  readonly openPanelPage: (browser: Browser, options: object) => Promise<{ readonly page: Page }>;
}

/** The editor tests' harness, which is JavaScript. */
async function harness(): Promise<Harness> {
  const load = (path: string): Promise<object> => import(pathToFileURL(resolve(path)).href);
  const parts = await Promise.all(
    ["scripts/editor/tools.mjs", "scripts/editor/browser.mjs", "test/e2e/panel-page.mjs"].map(load),
  );
  return Object.assign({}, ...parts) as Harness;
}

/**
 * A script that defines `benchCurve(points, times)` with the page's own chart: smoothed, thinned to the least and
 * largest of each column of the screen, laid side by side and drawn.
 */
async function curveScript(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: CURVE, resolveDir: join("client", "panel", "view", "tuning", "runs"), loader: "ts" },
    bundle: true,
    format: "iife",
    write: false,
    minify: true,
    logLevel: "warning",
  });
  return outputFiles[0]?.text ?? "";
}

const CURVE = `
import { CurveChart } from "./curve-chart.ts";
import { linesOf } from "./curves.ts";
window.benchCurve = async (count, times) => {
  const summary = { title: "run" };
  const details = (shift) => ({
    summary,
    evaluations: [],
    incidents: [],
    curve: Array.from({ length: count }, (_, i) => ({ step: i + 1, loss: 2 + 8 / Math.sqrt(1 + i / 50) + 0.3 * Math.sin(i * 12.9898 + shift) })),
  });
  // The page has the element already, under its own name.
  customElements.define("bench-curves", class extends CurveChart {});
  const chart = document.createElement("bench-curves");
  chart.style.cssText = "display: block; width: 1000px; height: 500px";
  document.body.append(chart);
  const taken = [];
  for (let i = 0; i <= times; i += 1) {
    const run = details(i);
    await new Promise(requestAnimationFrame);
    const begun = performance.now();
    chart.data = { lines: linesOf([run], { what: "loss", log: false, smoothing: 0.9 }), marks: [], log: false };
    await new Promise((resolve) => queueMicrotask(resolve)); // it draws in a microtask
    chart.querySelector("canvas").getContext("2d").getImageData(0, 0, 1, 1); // until it is on the canvas
    if (i > 0) taken.push(performance.now() - begun); // the first time makes the chart
  }
  chart.remove();
  return taken;
};
`;
