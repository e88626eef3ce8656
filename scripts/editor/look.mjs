// Looks at every page of the panel in a browser without VS Code and fails when axe-core finds a violation, a page is
// wider than the window, the console has an error, a new run cannot be started with the keyboard, or a source file of
// the panel never runs. `node scripts/editor/look.mjs` (after npm run build) looks once at each theme; with a FOLDER,
// at each theme in two widths, and leaves pictures there.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { CONTRAST, DARK, LIGHT, openPanelPage } from "../../test/e2e/panel-page.mjs";
import { OWN, RUNS, TUNING_ANSWERS } from "../../test/e2e/tuning-answers.mjs";
import { browserPath } from "./browser.mjs";
import { tool } from "./tools.mjs";

const THEMES = { dark: DARK, light: LIGHT, contrast: CONTRAST };
const WIDTHS = [1280, 360];
const VIEW = "client/panel/view";
const tokens = [
  { text: "The", probability: 0.9 },
  { text: " harbor", probability: 0.4 },
];
const ANSWERS = {
  ...TUNING_ANSWERS,
  generate: {
    ...{
      sequences: [
        { tokens, score: -0.5 },
        { tokens, score: -0.9 },
      ],
      inputTokens: 40,
    },
    ...{ encodeMs: 12, firstTokenMs: 20, totalMs: 60, loadMs: 300 },
  },
};
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const button = (page, name) => page.getByRole("button", { name, exact: true }).first();
const open = (page, { summary }) => button(page, summary.title).click();

const SCROLLED = "document.querySelector('.tuned, .split, .trial')";

/** The views, in this order: each continues from the one before. */
const VIEWS = {
  async table(page) {
    await page.locator("#tab-models").click();
    await page.getByRole("row").filter({ hasText: OWN }).first().click();
  },
  chart: (page) => button(page, "Scaling chart").click(),
  advice: (page) => button(page, "Which should I use?").click(),
  async playground(page) {
    await page.locator("#tab-playground").click();
    await page.locator("textarea").fill("The harbor was built in 1862.");
    await button(page, "Run").click();
    await page.locator(".result .tokens").first().waitFor();
  },
  async devices(page) {
    await page.locator("#tab-models").click();
    await button(page, "Devices").click();
    await page.locator("#devices").waitFor();
  },
  async history(page) {
    await page.locator("#tab-tuning").click();
    await page.locator("#runs").waitFor();
  },
  task: (page) => button(page, "New run").click(),
  async data(page) {
    await page.getByRole("radio", { name: /^Labels/ }).check();
    await button(page, "Next").click();
    await button(page, "File…").click();
    await page.getByText("1,600 examples").first().waitFor();
  },
  base: (page) => button(page, "Next").click(),
  async settings(page) {
    await button(page, "Next").click();
    await page.getByText("Advanced").click();
    await page.locator("#setting-epochs").fill("1.5");
    await page.getByText("Enter a whole number.").waitFor();
  },
  async place(page) {
    await page.locator("#setting-epochs").fill("");
    await page.locator("#setting-on").fill("ray://cluster.example");
    await page.locator("#measure-place").click();
    await page.getByText("21,000 tokens a second").waitFor();
  },
  async running(page) {
    await page.locator("#setting-on").fill("");
    await button(page, "← All runs").click();
    await open(page, RUNS.running);
  },
  async result(page) {
    await button(page, "← All runs").click();
    await open(page, RUNS.done);
    await page.locator("#compare-with-base").click();
    await page.locator("#slips").waitFor();
  },
  failed: async (page) => {
    await button(page, "← All runs").click();
    await open(page, RUNS.failed);
  },
  async compared(page) {
    await button(page, "← All runs").click();
    for (const { summary } of [RUNS.done, RUNS.second])
      await page.getByRole("checkbox", { name: `Compare ${summary.title}`, exact: true }).check();
    await button(page, "Compare two").click();
  },
  async deleting(page) {
    await button(page, "← All runs").click();
    await button(page, `Delete ${RUNS.second.summary.title}`).click();
    await page.locator("#doom-keep:focus-within").waitFor();
  },
};

/** Starts a run without a mouse. */
async function byKeyboard(browser) {
  const { page } = await openPanelPage(browser, { answers: ANSWERS });
  await page.locator("#tab-models").focus();
  await page.keyboard.press("ArrowRight");
  await page.locator("#runs").waitFor();
  const step = (name) => page.locator(`.form[data-step="${name}"]`).waitFor();
  const press = async (keys, then) => {
    for (const key of keys) {
      await page.keyboard.press(key);
      await page.waitForTimeout(50);
    }
    await step(then);
  };
  await button(page, "New run").focus();
  await press(["Enter"], "task");
  await press(["Tab", "ArrowDown", "Alt+ArrowRight"], "data");
  await press(["Tab"], "data");
  await page.keyboard.type("/data/banking.jsonl");
  await press(["Enter"], "data");
  await press(["Alt+ArrowRight"], "base");
  await press(["Alt+ArrowRight"], "settings");
  await button(page, "Start").focus();
  await page.keyboard.press("Enter");
  await page.locator(".run").waitFor();
  const asked = await page.evaluate("window.asked.find(({ kind }) => kind === 'startRun')");
  await page.close();
  return asked;
}

const folder = process.argv[2];
const browser = await tool("playwright-core").chromium.launch({
  executablePath: browserPath(),
  args: ["--no-sandbox", "--disable-gpu"],
});
const complaints = new Set();
/** Source files that ran. */
const entered = new Set();
const bundle = await readableBundle();
try {
  const { kind, request } = await byKeyboard(browser);
  assert.equal(kind, "startRun");
  assert.deepEqual({ ...request }, { ...request, task: "title", data: "/data/banking.jsonl", base: OWN });
  for (const [i, [name, theme]] of Object.entries(THEMES).entries()) {
    for (const width of folder === undefined ? [WIDTHS[i % 2]] : WIDTHS) await lookAround(name, theme, width);
  }
} finally {
  await browser.close();
}
const sources = readdirSync(VIEW, { recursive: true }).filter((file) => file.endsWith(".ts"));
for (const file of sources) if (!entered.has(file.replaceAll("\\", "/"))) complaints.add(`${file} did not run`);
console.log(`${entered.size} of ${sources.length} source files of the panel ran`);
console.log(complaints.size === 0 ? "nothing to complain of" : [...complaints].join("\n"));
process.exitCode = complaints.size === 0 ? 0 : 1;

/** Shows every view in one theme and width, and looks at each. */
async function lookAround(name, theme, width) {
  const { page, complaints: errors } = await openPanelPage(browser, {
    ...{ answers: ANSWERS, theme, width, height: 800, script: bundle },
    prepare: (page) => page.coverage.startJSCoverage(),
  });
  await page.evaluate(AXE);
  for (const [view, show] of Object.entries(VIEWS)) {
    await show(page);
    await settled(page);
    if (folder !== undefined) await picture(page, width, join(folder, name, `${view}-${width}.png`));
    const wide = await page.evaluate(`${SCROLLED}.scrollWidth - ${SCROLLED}.clientWidth`);
    if (wide > 0) complaints.add(`${view} ${width}: ${wide} pixels too wide`);
    const { violations } = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
    for (const { id, nodes } of violations)
      complaints.add(`${name} ${view} ${width}: ${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  }
  for (const error of errors) complaints.add(error);
  for (const file of filesEntered(await page.coverage.stopJSCoverage())) entered.add(file);
  await page.close();
}

/** Waits until nothing moves: every transition at its end, and a frame drawn. */
async function settled(page) {
  await page.evaluate(`Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => undefined)))
    .then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))`);
}

/** The page scrolls inside itself; for its picture it is as high as what it shows. */
async function picture(page, width, path) {
  mkdirSync(dirname(path), { recursive: true });
  const height = await page.evaluate(`Math.min(4000, ${SCROLLED}.scrollHeight + 120)`);
  await page.setViewportSize({ width, height });
  await settled(page);
  await page.screenshot({ path });
  await page.setViewportSize({ width, height: 800 });
}

/** The panel's script with its functions apart: a comment names the file before what came from it. */
async function readableBundle() {
  const { outputFiles } = await build({
    ...{ entryPoints: [`${VIEW}/main.ts`], bundle: true, format: "iife", target: "chrome122", write: false },
  });
  return outputFiles[0].text;
}

/** The files of the bundle of which a function was called; one without functions ran when it was loaded. */
function filesEntered(coverage) {
  const { source, functions } = coverage.find(({ source }) => source?.includes(`// ${VIEW}/main.ts`));
  const marks = [...source.matchAll(/^ *\/\/ (\S+\.[jt]s)$/gm)];
  const fileAt = ({ ranges: [range] }) => marks.findLast(({ index }) => index <= range.startOffset)?.[1];
  const idle = new Set(functions.map(fileAt));
  for (const each of functions) if (each.ranges[0].count > 0) idle.delete(fileAt(each));
  return marks
    .map(([, file]) => file)
    .filter((file) => file.startsWith(VIEW) && !idle.has(file))
    .map((file) => file.slice(VIEW.length + 1));
}
