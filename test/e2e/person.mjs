// Uses the installed extension as a person does: opens files, picks commands from the palette, moves the mouse, clicks. Leaves
// pictures of each surface in three themes; someone has to look at them.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const THEMES = { dark: "Default Dark Modern", light: "Default Light Modern", contrast: "Default High Contrast" };
const PATIENCE_MS = 30_000;
const PROSE = `# The harbour

The harbour was built in 1862, when the railway reached the coast and merchants needed a place to load coal. Two long walls of granite keep out the winter storms, and a small lighthouse marks the gap between them.

Today the coal ships are gone. Fishing boats use the inner basin, and the old warehouses have become workshops and flats.

## The ferry

A ferry crosses to the island three times a day. It carries the post, the school children and, in summer, a good number of visitors with bicycles. The crossing takes forty minutes when the sea is calm.
`;
const GAPS = "# Weather\n\nThe sky is ___ today and the sea is ___.\nWe go to the ___ in the evening.\n";

/** Does everything once in each theme. Returns how many things were done and which did not work. */
export async function actAsPerson({ server, workspace, results, open, folder }) {
  const long = Array.from({ length: 400 }, (_, i) => PROSE.replaceAll("harbour", `harbour ${i}`)).join("\n");
  const texts = { "harbour.md": PROSE, "gaps.md": GAPS, "long.md": long, "program.js": "const x = 1;\n" };
  const settings = join(folder, "user", "User", "settings.json");
  const common = JSON.parse(readFileSync(settings, "utf8"));
  const failed = [];
  let done = 0;
  for (const [theme, colors] of Object.entries(THEMES)) {
    // A folder of its own: what is left unsaved comes back when a folder is opened again.
    const opened = join(workspace, theme);
    mkdirSync(opened);
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(opened, name), text);
    const given = { ...common, "workbench.colorTheme": colors, "spanfill.inlineCompletion.minimumConfidence": 0 };
    writeFileSync(settings, JSON.stringify(given));
    mkdirSync(join(results, theme), { recursive: true });
    const { page, close } = await open();
    const person = new Person(page, server, join(results, theme));
    try {
      await page.goto(`http://${server.host}/?folder=${opened}`);
      await page.locator(".monaco-workbench .part.statusbar").waitFor({ timeout: PATIENCE_MS });
      for (const [what, act] of Object.entries(ACTS)) {
        try {
          await act(person);
          console.log(`ok ${theme}: ${what}`);
        } catch (error) {
          await person.picture(`failed-${what}`);
          failed.push(`${theme}: ${what}`);
          console.log(`not ok ${theme}: ${what}\n${error.message}`);
        }
        done += 1;
      }
    } finally {
      await close();
    }
  }
  return { done, failed };
}

const ACTS = {
  async "the palette lists the commands"(person) {
    await person.openFile("harbour.md");
    await person.page.keyboard.press("F1");
    await person.page.keyboard.type("Spanfill: ");
    await person.sees("Fill Gaps in Selection");
    await person.picture("palette");
    await person.page.keyboard.press("Escape");
  },
  async "a summary beside the text is copied and inserted"(person) {
    await person.page.keyboard.press("Control+a");
    await person.command("Spanfill: Summarize Selection");
    await person.sees("nothing left out");
    await person.sees("Insert Above Text");
    await person.picture("summary");
    await person.page.locator(".codelens-decoration a", { hasText: "Copy" }).click();
    await person.sees("summary copied");
    await person.page.locator(".codelens-decoration a", { hasText: "Insert Above Text" }).click();
    await person.page.locator(".tab.dirty", { hasText: "harbour.md" }).waitFor({ timeout: PATIENCE_MS });
    await person.picture("summary-inserted");
    await person.page.keyboard.press("Control+z");
    await person.command("View: Close Editors in Other Groups");
  },
  async "the mouse on a heading shows its summary"(person) {
    await person.openFile("harbour.md");
    const heading = person.page.locator(".view-line", { hasText: "The ferry" }).first();
    const { x, y, height } = await heading.boundingBox();
    await person.page.mouse.move(x + 60, y + height / 2);
    await person.page.mouse.move(x + 63, y + height / 2);
    await person.page.locator(".monaco-hover:not(.hidden) .hover-contents").first().waitFor({ timeout: PATIENCE_MS });
    await person.page.waitForFunction(
      () => !/Loading/.test(document.querySelector(".monaco-hover")?.textContent ?? ""),
    );
    await person.picture("hover");
    await person.page.mouse.move(5, 5);
  },
  async "the status item names model and device"(person) {
    await person.page.locator("[id='status.languageStatus']").hover();
    await person.sees("CPU");
    await person.picture("status");
    await person.page.mouse.move(600, 400);
  },
  async "the context menu of a selection has both commands"(person) {
    await person.page.locator(".view-line", { hasText: "The ferry" }).first().click();
    await person.page.keyboard.press("Control+a");
    await person.page.locator(".view-line", { hasText: "The ferry" }).first().click({ button: "right" });
    await person.sees("Fill Gaps in Selection");
    await person.picture("context-menu");
    await person.page.keyboard.press("Escape");
  },
  async "gaps are filled"(person) {
    await person.openFile("gaps.md");
    await person.command("Spanfill: Fill Gaps in Selection");
    await person.page.locator(".tab.dirty", { hasText: "gaps.md" }).waitFor({ timeout: PATIENCE_MS });
    await person.picture("gaps-filled");
    await person.page.keyboard.press("Control+z");
  },
  async "ghost text comes when asked for, and Tab accepts it"(person) {
    await person.openFile("harbour.md");
    await person.page.keyboard.press("Control+End");
    await person.page.keyboard.type("In winter the crossing takes");
    await person.command("Spanfill: Infill at Cursor");
    await person.ghostText();
    await person.picture("ghost-text");
    await person.page.keyboard.press("Tab");
    await person.page.locator(".tab.dirty", { hasText: "harbour.md" }).waitFor({ timeout: PATIENCE_MS });
  },
  async "ghost text comes while typing"(person) {
    await person.page.keyboard.press("Control+End");
    await person.page.keyboard.type(" and the ferry", { delay: 30 });
    await person.ghostText();
    await person.picture("ghost-text-typed");
    await person.page.keyboard.press("Escape");
  },
  async "long work can be cancelled"(person) {
    await person.openFile("long.md");
    await person.command("Spanfill: Summarize File");
    const toast = person.page.locator(".notification-toast", { hasText: "Summarizing" });
    await toast.waitFor({ timeout: PATIENCE_MS });
    await person.picture("progress");
    await toast.locator(".monaco-button", { hasText: "Cancel" }).click();
    await toast.waitFor({ state: "detached", timeout: PATIENCE_MS });
    if (await person.page.getByText("nothing left out").count()) throw new Error("a summary is shown all the same");
  },
  async "a program is refused with the reason"(person) {
    await person.openFile("program.js");
    await person.command("Spanfill: Summarize File");
    await person.sees("works in prose");
    await person.picture("refused");
    await person.command("Notifications: Clear All Notifications");
  },
  async "the log is shown"(person) {
    await person.command("Spanfill: Show Log");
    await person.page.locator(".part.panel .view-line").first().waitFor({ timeout: PATIENCE_MS });
    await person.picture("log");
    await person.command("View: Hide Panel");
  },
  async "the settings are described"(person) {
    await person.command("Preferences: Open Settings (UI)");
    await person.page.locator(".settings-editor .suggest-input-container").waitFor({ timeout: PATIENCE_MS });
    await person.page.keyboard.press("Control+a");
    await person.page.keyboard.type("@ext:spanfill.spanfill");
    await person.sees("Gap Marker");
    await person.page.keyboard.press("Escape"); // the filter's proposals
    await person.picture("settings");
    await person.page.keyboard.press("Escape"); // the settings, which are a dialog
  },
  async "a closed window leaves no process behind"(person) {
    const before = person.processes();
    if (before.length < 2) throw new Error(`server and engine should run, and there are ${before.length} processes`);
    await person.page.goto("about:blank");
    await person.until("the processes' end", () => person.processes().length === 0);
  },
};

class Person {
  constructor(page, server, pictures) {
    this.page = page;
    this.server = server;
    this.pictures = pictures;
  }

  /** Picks a command of the palette by its title. */
  async command(title) {
    await this.page.keyboard.press("F1");
    await this.page.locator(".quick-input-widget:visible input").first().waitFor({ timeout: PATIENCE_MS });
    await this.page.keyboard.type(title);
    const row = this.page
      .locator(".quick-input-list .monaco-list-row", { hasText: title.replace(/^.*?: /, "") })
      .first();
    await row.waitFor({ timeout: PATIENCE_MS });
    await row.click();
  }

  async openFile(name) {
    await this.page.keyboard.press("Control+p");
    await this.page.locator(".quick-input-widget:visible input").first().waitFor({ timeout: PATIENCE_MS });
    await this.page.keyboard.type(name);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().click();
    await this.page.locator(".tab.active", { hasText: name }).waitFor({ timeout: PATIENCE_MS });
    await this.page.locator(".editor-group-container.active .view-line").first().click();
  }

  async sees(text) {
    await this.page.getByText(text).locator("visible=true").first().waitFor({ timeout: PATIENCE_MS });
  }

  async ghostText() {
    await this.page.locator("[class*='ghost-text']:visible").first().waitFor({ timeout: PATIENCE_MS });
  }

  async until(what, holds) {
    const end = Date.now() + PATIENCE_MS;
    while (!holds()) {
      if (Date.now() > end) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
      await this.page.waitForTimeout(100);
    }
  }

  async picture(name) {
    // Fades have ended by then.
    await this.page.waitForTimeout(400);
    await this.page.screenshot({ path: join(this.pictures, `${name}.png`) });
  }

  /** The extension's server and engine processes. */
  processes() {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,stat=,args="], { encoding: "utf8" }).split("\n");
    return lines
      .map((line) => line.trim().split(/\s+/))
      .filter(
        ([, state = "Z", ...args]) =>
          !state.startsWith("Z") && args.some((arg) => arg.startsWith(this.server.extension)),
      )
      .map(([pid]) => Number(pid));
  }
}
