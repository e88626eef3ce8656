// Looks at the panel's devices and its fine-tuning page in a browser without VS Code: pictures in three themes and two widths, axe-core on each, and a
// new run by keyboard alone. node scripts/editor/look.mjs FOLDER (after npm run build)
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { CONTRAST, DARK, LIGHT, openPanelPage } from "../../test/e2e/panel-page.mjs";
import { RUNS, TUNING_ANSWERS } from "../../test/e2e/tuning-answers.mjs";
import { browserPath } from "./browser.mjs";
import { tool } from "./tools.mjs";

const THEMES = { dark: DARK, light: LIGHT, contrast: CONTRAST };
const WIDTHS = [1280, 360];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const button = (page, name) => page.getByRole("button", { name, exact: true }).first();
const open = (page, { summary }) => button(page, summary.title).click();

const SCROLLED = "document.querySelector('.tuned, .split')";

/** What is looked at, in this order: each goes on from the one before. */
const VIEWS = {
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
    await page.getByText("Give a whole number.").waitFor();
  },
  async running(page) {
    await page.locator("#setting-epochs").fill("");
    await button(page, "← All runs").click();
    await open(page, RUNS.running);
  },
  async result(page) {
    await button(page, "← All runs").click();
    await open(page, RUNS.done);
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
  const { page } = await openPanelPage(browser, { answers: TUNING_ANSWERS });
  await page.locator("#tab-models").focus();
  await page.keyboard.press("ArrowRight");
  await page.locator("#runs").waitFor();
  await button(page, "New run").focus();
  for (const key of ["Enter", "Tab", "ArrowDown", "Alt+ArrowRight", "Tab"]) {
    await page.keyboard.press(key);
    await page.waitForTimeout(50);
  }
  await page.keyboard.type("/data/banking.jsonl");
  for (const key of ["Enter", "Alt+ArrowRight", "Alt+ArrowRight"]) {
    await page.keyboard.press(key);
    await page.waitForTimeout(100);
  }
  await page.locator('.form[data-step="settings"]').waitFor();
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
const violations = new Set();
try {
  console.log("by keyboard:", JSON.stringify(await byKeyboard(browser)));
  for (const [name, theme] of Object.entries(THEMES)) {
    mkdirSync(join(folder, name), { recursive: true });
    for (const width of WIDTHS) {
      const { page, complaints } = await openPanelPage(browser, { answers: TUNING_ANSWERS, theme, width, height: 800 });
      await page.evaluate(AXE);
      for (const [view, show] of Object.entries(VIEWS)) {
        await show(page);
        await page.waitForTimeout(400);
        // The page scrolls inside itself; for its picture it is as high as what it shows.
        const height = await page.evaluate(`Math.min(4000, ${SCROLLED}.scrollHeight + 120)`);
        await page.setViewportSize({ width, height });
        await page.waitForTimeout(150);
        await page.screenshot({ path: join(folder, name, `${view}-${width}.png`) });
        await page.setViewportSize({ width, height: 800 });
        const wide = await page.evaluate(`${SCROLLED}.scrollWidth - ${SCROLLED}.clientWidth`);
        if (wide > 0) violations.add(`${view} ${width}: ${wide} pixels too wide`);
        for (const { id, nodes } of (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })"))
          .violations) {
          violations.add(`${name} ${view} ${width}: ${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
        }
      }
      for (const one of complaints) violations.add(one);
      await page.close();
    }
  }
} finally {
  await browser.close();
}
console.log(violations.size === 0 ? "nothing to complain of" : [...violations].join("\n"));
process.exitCode = violations.size === 0 ? 0 : 1;
