// What is shown of a checkpoint and of a document that would have VS Code run commands: text, and no link.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PATIENCE_MS, Person } from "./window.mjs";

const LINK = "(command:workbench.action.terminal.new)";
/** What looks like a link stands in a code span, for of a link a summary has the words only. */
const TEXT = `# Cache

The cache is described in \`[a[Open the manual](c)]${LINK}\` and at www.example.com/manual, where everything about it can be read at length.

## More

A map is a ___ of keys.
`;
/** How long a person waits before trying again. */
const TRY_MS = 5000;

/**
 * Opens a window on a folder of its own and looks.
 * @param badModel the folder of a model whose error quotes `[Repair the model](command:...)`
 * @param trained whether the model is sure enough, or not, for a sentence of the text to stand for a summary
 * @returns an outcome (scripts/editor/outcome.mjs)
 */
export async function inHostileFolder({ page, server, workspace, results, user, badModel, trained }) {
  const folder = join(workspace, "hostile");
  const file = join(folder, "notes.md");
  const set = (settings) => writeFileSync(join(folder, ".vscode", "settings.json"), JSON.stringify(settings));
  mkdirSync(join(folder, ".vscode"), { recursive: true });
  writeFileSync(file, TEXT);
  // As a person would who wants the server's own message.
  const args = { uri: `file://${file}`, show: true };
  const key = { key: "ctrl+alt+y", command: "spanfill.summarizeRange", args };
  writeFileSync(join(user, "keybindings.json"), JSON.stringify([key]));
  set({ "spanfill.model": badModel });
  const opened = JSON.stringify([["openFile", `vscode-remote://${server.host}${file}`]]);
  await page.goto(`http://${server.host}/?folder=${folder}&payload=${encodeURIComponent(opened)}`);
  const person = new Person(page, server, results);

  const looks = { ...ALWAYS, ...(trained ? QUOTED : {}) };
  const failures = [];
  for (const [title, look] of Object.entries(looks)) {
    try {
      await look(person, set);
      console.log(`ok window ${title}`);
    } catch (error) {
      console.log(`not ok window ${title}`);
      failures.push({ title: `window ${title}`, message: error.stack });
    }
    await page.screenshot({ path: join(results, `${title.replaceAll(/\W+/g, "-")}.png`) }).catch(() => undefined);
  }
  const expected = Object.keys(looks).length;
  return { passed: expected - failures.length, failures, expected };
}

const ALWAYS = {
  async "a notification of a hostile checkpoint's error has no link"(person) {
    const { page } = person;
    await page.locator(".view-line", { hasText: "Cache" }).first().waitFor();
    await person.command("Spanfill: Fill Gaps in Selection");
    await noLinkIn(message(page, "Repair the model"), "[Repair the model] (command:");
  },
  async "the status item of a hostile checkpoint's error has our own link alone"({ page }) {
    await page.locator("[id='status.languageStatus']").hover();
    const item = page.locator(".hover-language-status", { hasText: "Spanfill: failed" });
    await item.waitFor();
    const links = await item.locator("a").evaluateAll((all) => all.map((one) => one.textContent).filter(Boolean));
    if (links.join() !== "More...") throw new Error(`links: ${links.join()}`);
    await page.mouse.move(600, 500);
  },
};

const QUOTED = {
  async "a notification of a hostile document's summary has no link"(person, set) {
    const { page } = person;
    set({ "spanfill.summary.minimumConfidence": 1 });
    await person.command("Notifications: Clear All Notifications");
    const shown = message(page, "Open the manual");
    await again(async () => {
      await page.locator(".view-line", { hasText: "Cache" }).first().click();
      await page.keyboard.press("Control+Alt+y");
      await shown.waitFor({ timeout: TRY_MS });
    });
    await noLinkIn(shown, "Open the manual] (c)] (command:");
    await person.command("Notifications: Clear All Notifications");
  },
  async "a hover of a hostile document's section has no link"({ page }) {
    const heading = page.locator(".view-line", { hasText: "Cache" }).first();
    const hover = page.locator(".monaco-hover:visible", { hasText: "Spanfill ·" }).first();
    await again(async () => {
      const { x, y, height } = await heading.boundingBox();
      await page.mouse.move(x + 60, y + 100);
      await page.mouse.move(x + 40, y + height / 2);
      await page.mouse.move(x + 43, y + height / 2);
      await hover.waitFor({ timeout: TRY_MS });
    });
    await noLinkIn(hover, `Open the manual](c)]${LINK}`);
  },
};

/** The text of the notification that says something. */
function message(page, text) {
  return page.locator(".notification-toast .notification-list-item-message", { hasText: text }).first();
}

async function noLinkIn(shown, text) {
  await shown.waitFor();
  const written = (await shown.textContent()) ?? "";
  const links = await shown.locator("a").evaluateAll((all) => all.map((one) => one.outerHTML));
  if (links.length > 0) throw new Error(`links: ${links.join(" ")}`);
  if (!written.replaceAll("\u00a0", " ").includes(text)) throw new Error(`"${text}" is not in ${written}`);
}

/** Does something once more when it did not work, as long as a person has patience. */
async function again(act) {
  for (const until = Date.now() + PATIENCE_MS; ; ) {
    try {
      return await act();
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}
