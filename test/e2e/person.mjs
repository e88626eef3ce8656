// Uses the installed extension as a person does: opens files, picks commands from the palette, moves the mouse, clicks.
// Leaves pictures of each surface in three themes; someone has to look at them.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { processesEnd, processesOf } from "../../scripts/editor/system.mjs";
import { AROUND } from "./acts/around.mjs";
import { KEYBOARD } from "./acts/keyboard.mjs";
import { MISHAPS } from "./acts/mishaps.mjs";
import { FILES, WRITING } from "./acts/writing.mjs";
import { PATIENCE_MS, Person } from "./window.mjs";

const THEMES = { dark: "Default Dark Modern", light: "Default Light Modern", contrast: "Default High Contrast" };
const GIVEN = {
  "spanfill.inlineCompletion.minimumConfidence": 0,
  "files.readonlyInclude": { "**/locked.md": true },
};

const ACTS = {
  ...AROUND,
  ...WRITING,
  ...KEYBOARD,
  ...MISHAPS,
  async "a closed window leaves no process behind"({ page, server }) {
    const running = processesOf(server.extension);
    if (running.length < 2) throw new Error(`server and engine should run, and there are ${running.length} processes`);
    await page.goto("about:blank");
    await processesEnd(server.extension);
  },
};

/** Patterns of some acts, or some themes, while one is written; the launcher misses the others. */
const only = new RegExp(process.env.SPANFILL_E2E_ONLY ?? "");
const themes = new RegExp(process.env.SPANFILL_E2E_THEMES ?? "");

/**
 * Does everything once in each theme. Returns how many things were done, how many there are, and which did not work.
 */
export async function actAsPerson({ server, workspace, results, open, folder }) {
  const settings = join(folder, "user", "User", "settings.json");
  const common = { ...JSON.parse(readFileSync(settings, "utf8")), ...GIVEN };
  const machine = join(folder, "user", "Machine", "settings.json");
  mkdirSync(dirname(machine), { recursive: true });
  const failed = [];
  let done = 0;
  for (const [theme, colors] of Object.entries(THEMES).filter(([name]) => themes.test(name))) {
    // A folder of its own: what is left unsaved comes back when a folder is opened again.
    const opened = join(workspace, theme);
    for (const [name, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(opened, name)), { recursive: true });
      writeFileSync(join(opened, name), text);
    }
    const set = (more) => {
      writeFileSync(settings, JSON.stringify({ ...common, "workbench.colorTheme": colors, ...more }));
      // In a window whose files are on another machine, what concerns the machine is that machine's to say.
      writeFileSync(machine, JSON.stringify(more));
    };
    set({});
    mkdirSync(join(results, theme), { recursive: true });
    const { page, close } = await open();
    const person = new Person(page, server, join(results, theme), set);
    try {
      await page.goto(`http://${server.host}/?folder=${opened}`);
      await page.locator(".monaco-workbench .part.statusbar").waitFor({ timeout: PATIENCE_MS });
      for (const [what, act] of Object.entries(ACTS).filter(([title]) => only.test(title))) {
        try {
          await act(person);
          console.log(`ok ${theme}: ${what}`);
        } catch (error) {
          await person.picture(`failed-${what.replaceAll(/\W+/g, "-")}`).catch(() => undefined);
          failed.push(`${theme}: ${what}`);
          console.log(`not ok ${theme}: ${what}\n${error.message}`);
        }
        done += 1;
      }
    } finally {
      await close();
    }
  }
  return { done, failed, expected: Object.keys(THEMES).length * Object.keys(ACTS).length };
}
