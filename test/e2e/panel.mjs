// Uses the panel as a person does: picks and downloads models, tries one, looks at every page in three themes and two
// widths. Leaves pictures, and runs axe-core on every page.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { processesOf } from "../../scripts/editor/system.mjs";
import { SERVER } from "./acts/server.mjs";
import { TUNING } from "./acts/tuning.mjs";
import { PATIENCE_MS, Person } from "./window.mjs";

/** What the hub on loopback has: a model of the catalog. */
export const HUB_MODEL = "google/t5-efficient-tiny";

const THEMES = { dark: "Default Dark Modern", light: "Default Light Modern", contrast: "Default High Contrast" };
const WIDTHS = [1280, 560];
/** What the titles of the acts to be played hold, a regular expression: SPANFILL_ACT="opens|training". */
const ONLY = new RegExp(process.env.SPANFILL_ACT ?? "");
/** How long a step may take. */
const STEP_MS = 30_000;
const TEXT = "# The harbour\n\nThe harbour was built in 1862. It is quiet now, and the boats are few.\n";

/** Does everything once. @returns an outcome (scripts/editor/outcome.mjs) */
export async function usePanel({ server, workspace, results, open, folder, hub }) {
  const settings = join(folder, "user", "User", "settings.json");
  const machine = join(folder, "user", "Machine", "settings.json");
  const common = JSON.parse(readFileSync(settings, "utf8"));
  const set = (more) => writeFileSync(settings, JSON.stringify({ ...common, ...more }));
  writeFileSync(join(workspace, "harbour.md"), TEXT);
  const { page, close } = await open();
  const person = new Person(page, server, results, set);
  page.setDefaultTimeout(STEP_MS);
  const acts = Object.entries({ ...ACTS, ...SERVER, ...TUNING, ...LOOKS }).filter(([title]) => ONLY.test(title));
  const failures = [];
  const notes = [`pictures in ${results}`];
  try {
    await page.goto(`http://${server.host}/?folder=${workspace}`);
    await page.locator(".monaco-workbench .part.statusbar").waitFor({ timeout: PATIENCE_MS });
    for (const [title, act] of acts) {
      try {
        await act(person, { hub, set, machine, notes, workspace, settings });
        console.log(`ok panel: ${title}`);
      } catch (error) {
        console.log(`not ok panel: ${title}\n${error.message}`);
        failures.push({ title, message: error.stack });
        await person.picture(`failed-${title.replaceAll(" ", "-")}`).catch(() => undefined);
      }
    }
  } finally {
    await close();
  }
  const expected = acts.length;
  return { passed: expected - failures.length, failures, expected, notes };
}

const ACTS = {
  async "it opens, with every model in the table"(person, { notes }) {
    await person.command("View: Close Primary Side Bar");
    await opened(person, notes, "with the language server");
    await inPanel(person)
      .getByText(/2\d\d models/)
      .waitFor();
  },
  async "what goes wrong with a download is told, with what to do"(person, { hub }) {
    const panel = inPanel(person);
    await find(panel, HUB_MODEL);
    const { api, store } = hub.mishaps;
    const wrong = [
      ["login", () => api.push({ kind: "page" }), /login page.*Open http/],
      ["elsewhere", () => api.push({ kind: "page", redirect: true }), /arrived instead/],
      ["token", () => Object.assign(hub, { token: "secret" }), /\(401\).*set a token/],
      ["gone", () => store.push({ kind: "status", status: 404 }), /\(404\).*mirror/],
      ["damaged", () => store.push({ kind: "damaged" }, { kind: "damaged" }), /damaged twice/],
    ];
    for (const [name, happens, told] of wrong) {
      happens();
      await downloadButton(panel).click();
      await panel.locator(".notice.failed").getByText(told).waitFor();
      await person.picture(`wrong-${name}`);
      await panel.getByRole("button", { name: "Close this message" }).click();
      hub.token = undefined;
    }
  },
  async "a model is downloaded, the server killed in the middle, and the download gone on with"(person, { hub }) {
    const panel = inPanel(person);
    await find(panel, HUB_MODEL);
    hub.bytesPerSecond = 150_000;
    // A hub that is too busy is waited for.
    hub.mishaps.store.push({ kind: "status", status: 429, retryAfter: "1" });
    await downloadButton(panel).click();
    await panel.getByText(/\d+% .* of .*/).waitFor();
    await person.until("half of it", () => hub.sentBytes > 300_000);
    await person.picture("downloading");
    const [pid] = processesOf(join(person.server.extension, "dist", "server.js"));
    process.kill(pid, "SIGKILL");
    await panel.getByRole("button", { name: "Go on downloading" }).waitFor();
    hub.bytesPerSecond = undefined;
    const before = hub.requests.length;
    await panel.getByRole("button", { name: "Go on downloading" }).click();
    await panel.getByText(`${HUB_MODEL} is downloaded and can be used.`).waitFor();
    const ranges = hub.requests.slice(before).filter(({ range }) => range !== undefined);
    if (ranges.length === 0) throw new Error("it began from zero");
  },
  async "it is chosen for summaries, and the editor summarizes with it"(person, { machine, notes }) {
    const panel = inPanel(person);
    await panel.getByRole("button", { name: "Summaries", exact: true }).click();
    await panel.getByRole("button", { name: "Summaries ✓" }).waitFor();
    // In a window whose files are on another machine, a setting that concerns the machine is kept there.
    const kept = readFileSync(machine, "utf8");
    if (JSON.parse(kept)["spanfill.models.summarize"] !== HUB_MODEL) throw new Error(kept);
    await person.openFile("harbour.md");
    await person.command("Spanfill: Summarize File");
    // A line may break after the slash.
    await person.page
      .locator(".view-line", { hasText: HUB_MODEL.split("/").at(-1) })
      .first()
      .waitFor();
    await person.closeAll();
    await opened(person, notes, "again");
  },
  async "the palette chooses a model for one task"(person, { machine }) {
    await person.command("Spanfill: Choose Model");
    const { page } = person;
    await page.locator(".quick-input-list .monaco-list-row", { hasText: HUB_MODEL }).click();
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "Filling and suggestions only" }).click();
    await person.until(
      "the setting",
      () => JSON.parse(readFileSync(machine, "utf8"))["spanfill.models.infill"] === HUB_MODEL,
    );
    const panel = inPanel(person);
    await find(panel, HUB_MODEL);
    await panel.getByRole("button", { name: "Filling and suggestions ✓" }).waitFor();
  },
  async "it is measured, and the measurement is in the table"(person) {
    const panel = inPanel(person);
    await find(panel, HUB_MODEL);
    await panel.getByRole("button", { name: "Measure on this machine" }).click();
    await panel.getByText("Measured on this machine").waitFor();
    await panel.locator(".row.selected .cell.speed", { hasText: /\d/ }).waitFor();
  },
  async "devices: what is missing is told, the CPU is measured, and the settings are written"(
    person,
    { machine, notes },
  ) {
    const panel = inPanel(person);
    await panel.getByRole("button", { name: "Devices", exact: true }).click();
    await panel.locator("#devices").waitFor();
    const found = await panel
      .locator("#devices tr[data-device]")
      .evaluateAll((rows) => rows.map((row) => `${row.getAttribute("data-device")} ${row.getAttribute("data-state")}`));
    if (found.length !== 6 || found[0] !== "cpu usable") throw new Error(found.join(", "));
    notes.push(`devices: ${found.join(", ")}`);
    await panel.getByRole("button", { name: "Measure float32 on CPU" }).click();
    await panel.locator("tr[data-device=cpu] td[data-precision=float32]", { hasText: /\d tokens\/s/ }).waitFor();
    await panel.locator("#device").selectOption("webgpu");
    const kept = (device) => existsSync(machine) && JSON.parse(readFileSync(machine))["spanfill.device"] === device;
    await person.until("the setting", () => kept("webgpu"));
    await panel.getByText(/WebGPU is missing|runs on WebGPU/).waitFor();
    await panel.locator("#device").selectOption("auto");
    await person.until("the setting", () => kept("auto"));
    await panel.getByText(/nothing was measured|no other device/).waitFor();
    await panel.getByRole("button", { name: "Table" }).click();
  },
  async "the table is used by keyboard alone"(person) {
    const panel = inPanel(person);
    await panel.locator(".search input").fill("");
    await panel.locator("#models").focus();
    const first = await panel.locator(".details h2").textContent();
    for (const key of ["End", "Home", "ArrowDown", "PageDown"]) await person.page.keyboard.press(key);
    const then = await panel.locator(".details h2").textContent();
    if (first === then) throw new Error(`it stayed on ${first}`);
    await panel.locator(".row.selected").waitFor();
    await person.page.keyboard.press("Enter");
    await panel.locator("#details:focus").waitFor();
  },
  async "a model is tried in the playground"(person) {
    const panel = inPanel(person);
    await panel.getByRole("tab", { name: "Playground" }).click();
    await panel.locator(".inputs textarea").fill("The harbour was built in 1862, when the railway reached the coast.");
    await panel.getByRole("button", { name: "Run" }).click();
    await panel.getByText(/tokens in, \d+ out/).waitFor();
  },
  async "it is there again after the window's reload, as it was"(person) {
    await person.reload();
    const panel = inPanel(person);
    await panel.getByText(/tokens in, \d+ out/).waitFor({ timeout: PATIENCE_MS });
    await panel.getByRole("tab", { name: "Models" }).click();
  },
};

/** When everything else has been done, there is something on every page. */
const LOOKS = {
  async "every page is accessible, and there is a picture of it in each theme and width"(person, { set }) {
    const violations = [];
    for (const [theme, colors] of Object.entries(THEMES)) {
      set({ "workbench.colorTheme": colors });
      await person.page.reload();
      await inPanel(person).locator(".tabs").waitFor({ timeout: PATIENCE_MS });
      for (const width of WIDTHS) {
        await person.page.setViewportSize({ width, height: 800 });
        mkdirSync(join(person.pictures, theme), { recursive: true });
        for (const [name, show] of Object.entries(PAGES)) {
          const panel = inPanel(person);
          await show(panel);
          await person.picture(`${theme}/${name}-${width}`);
          for (const { id, nodes } of await axe(person)) {
            violations.push(
              `${theme} ${name} ${width}: ${id}: ${nodes.map(({ html }) => html.slice(0, 150)).join(" | ")}`,
            );
          }
        }
      }
    }
    await person.page.setViewportSize({ width: 1280, height: 800 });
    set({});
    if (violations.length > 0) throw new Error([...new Set(violations)].join("\n"));
  },
};

/** What is looked at, in this order: each goes on from the one before. */
const PAGES = {
  table: (panel) =>
    panel
      .getByRole("tab", { name: "Models" })
      .click()
      .then(() => panel.getByRole("button", { name: "Table" }).click()),
  chart: (panel) => panel.getByRole("button", { name: "Scaling chart" }).click(),
  advice: (panel) => panel.getByRole("button", { name: "Which should I use?" }).click(),
  async devices(panel) {
    await panel.getByRole("button", { name: "Devices", exact: true }).click();
    await panel.locator("#devices").waitFor();
  },
  async history(panel) {
    await panel.getByRole("tab", { name: "Fine-tuning" }).click();
    await panel.locator("#tuning-heading").waitFor();
    const back = panel.getByRole("button", { name: "← All runs" });
    if (await back.isVisible()) await back.click();
    await panel.getByRole("button", { name: "New run" }).waitFor();
  },
  async task(panel) {
    await panel.getByRole("button", { name: "New run" }).click();
    await panel.locator('.form[data-step="task"]').waitFor();
  },
  /** Of a run that trained, where the acts before this one have made one. */
  async run(panel) {
    await panel.getByRole("button", { name: "← All runs" }).click();
    await panel.getByRole("button", { name: "New run" }).waitFor();
    const done = panel.locator('#runs tr[data-state="done"] .name button').first();
    if (!(await done.isVisible())) return;
    await done.click();
    await panel.locator('.run[data-state="done"]').waitFor();
  },
  playground: (panel) => panel.getByRole("tab", { name: "Playground" }).click(),
};

/** Opens the panel, and notes how long that took from the command to the page's frame and to a table that answers. */
async function opened(person, notes, how) {
  await person.command("Spanfill: Open Panel");
  const begun = Date.now();
  await inPanel(person).locator(".row.selected").waitFor();
  const frame = await frameOf(person);
  const [drawn, listed] = await frame.evaluate(
    `["drawn", "listed"].map((mark) => performance.timeOrigin + performance.getEntriesByName("spanfill-" + mark)[0]?.startTime)`,
  );
  notes.push(
    `opened ${how}: frame after ${Math.round(drawn - begun)} ms, table after ${Math.round(listed - begun)} ms`,
  );
}

async function frameOf({ page }) {
  const element = await page.frameLocator("iframe.webview.ready").locator("#active-frame").elementHandle();
  return element.contentFrame();
}

/** The page in its two frames. */
function inPanel({ page }) {
  return page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
}

function downloadButton(panel) {
  return panel.locator(".details").getByRole("button", { name: /^(Download|Go on downloading)/ });
}

async function find(panel, id) {
  await panel.locator(".search input").fill(id);
  await panel.locator(".row .cell.id", { hasText: new RegExp(`^${id}$`) }).click();
  await panel.locator(".details h2", { hasText: id }).waitFor();
}

/** axe-core's violations. */
async function axe(person) {
  const frame = await frameOf(person);
  const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await frame.evaluate(source);
  const { violations } = await frame.evaluate("axe.run(document, { resultTypes: ['violations'] })");
  return violations;
}
