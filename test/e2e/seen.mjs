// What only a window can show: that suggestions and hovers are painted, and that closing the window ends everything.
// Part of every run of the editor tests; person.mjs does more, and takes pictures.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processesEnd, processesOf } from "../../scripts/editor/system.mjs";
import { PATIENCE_MS, Person } from "./window.mjs";

const TEXT = "# The ferry\n\nA ferry crosses to the island three times a day, and it carries the post.\n\nIn winter";
/** How long a person waits before trying again: the window may not have started everything yet. */
const TRY_MS = 5000;
/** Between keys, as of a quick typist, and for how long. */
const KEY_MS = 80;
const TYPED_MS = 1000 * Number(process.env.SPANFILL_TYPED_SECONDS ?? 8);

/** Opens a window on a folder of its own and looks. @returns an outcome (scripts/editor/outcome.mjs) */
export async function inWindow({ page, server, workspace, results }) {
  const folder = join(workspace, "window");
  mkdirSync(join(folder, ".vscode"), { recursive: true });
  writeFileSync(join(folder, "notes.md"), TEXT);
  const settings = { "spanfill.inlineCompletion.minimumConfidence": 0 };
  writeFileSync(join(folder, ".vscode", "settings.json"), JSON.stringify(settings));
  const person = new Person(page, server, results);
  const opened = JSON.stringify([["openFile", `vscode-remote://${server.host}${join(folder, "notes.md")}`]]);
  await page.goto(`http://${server.host}/?folder=${folder}&payload=${encodeURIComponent(opened)}`);

  const failures = [];
  for (const [title, look] of Object.entries(LOOKS)) {
    try {
      await look(person, folder);
      console.log(`ok window ${title}`);
    } catch (error) {
      console.log(`not ok window ${title}`);
      failures.push({ title: `window ${title}`, message: error.stack });
      await page.screenshot({ path: join(results, `failed-${title.replaceAll(" ", "-")}.png`) }).catch(() => undefined);
    }
  }
  const expected = Object.keys(LOOKS).length;
  return { passed: expected - failures.length, failures, expected };
}

const LOOKS = {
  async "the mouse on a heading shows its section's summary"({ page }) {
    const heading = page.locator(".view-line", { hasText: "The ferry" }).first();
    await heading.waitFor();
    const hover = page.locator(".monaco-hover:visible", { hasText: "Spanfill ·" });
    await again(async () => {
      const { x, y, height } = await heading.boundingBox();
      await page.mouse.move(x + 60, y + 100);
      await page.mouse.move(x + 60, y + height / 2);
      await page.mouse.move(x + 63, y + height / 2);
      await hover.first().waitFor({ timeout: TRY_MS });
    });
    await page.mouse.move(600, 600);
  },
  async "ghost text is painted while typing, and Tab writes what was painted"(person, folder) {
    const { page } = person;
    const ghost = page.locator("[class*='ghost-text']:visible");
    let typed = "";
    await page.locator(".view-line", { hasText: "In winter" }).click();
    await page.keyboard.press("Control+End");
    await again(async (count) => {
      const words = count === 0 ? " the crossing " : "and the ";
      await page.keyboard.type(words, { delay: 30 });
      typed += words;
      await ghost.first().waitFor({ timeout: TRY_MS });
    });
    const painted = (await ghost.allTextContents()).join("");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Control+s");
    const file = join(folder, "notes.md");
    await person.until("the saved text", () => !["", TEXT].includes(readFileSync(file, "utf8")));
    const written = readFileSync(file, "utf8");
    if (painted.trim() === "" || plain(written) !== plain(TEXT + typed + painted)) {
      throw new Error(`painted: ${JSON.stringify(painted)}, written: ${JSON.stringify(written)}`);
    }
  },
  async "typing fast writes what was typed, whatever is suggested meanwhile"(person, folder) {
    const { page } = person;
    const file = join(folder, "notes.md");
    const before = readFileSync(file, "utf8");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+End");
    const words = ["the", "boats", "come", "back", "before", "noon,", "and", "their", "crews", "unload", "them."];
    let typed = "";
    for (let i = 0; typed.length * KEY_MS < TYPED_MS; i++) typed += ` ${words[i % words.length]}`;
    await page.keyboard.type(typed, { delay: KEY_MS });
    await page.keyboard.press("Control+s");
    await person.until("the saved text", () => readFileSync(file, "utf8") !== before);
    await page.waitForTimeout(500);
    const written = readFileSync(file, "utf8");
    if (written !== before + typed)
      throw new Error(`typed ${JSON.stringify(typed)}, written ${JSON.stringify(written)}`);
  },
  async "a closed window leaves no process behind"({ page, server }) {
    const running = processesOf(server.extension);
    if (running.length < 2) throw new Error(`server and engine should run, and there are ${running.length} processes`);
    // VS Code hears of it as when the tab is closed.
    await page.goto("about:blank");
    await processesEnd(server.extension);
  },
};

/** Does something once more when it did not work, as long as a person has patience. */
async function again(act) {
  const until = Date.now() + PATIENCE_MS;
  for (let count = 0; ; count++) {
    try {
      return await act(count);
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

/** Browsers paint spaces as no-break spaces. */
function plain(text) {
  return text.replaceAll("\u00a0", " ");
}
