// What a person does at the window, so that a test reads like what one would do.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** How long something may take to appear; the machine may be busy. */
export const PATIENCE_MS = 120_000;

const SHORT_MS = 20_000;
/** The editor takes keys a moment after it is shown. */
const SOON_MS = 3000;
/** The mouse is moved again after this time. */
const HOVER_MS = 5000;
const GERMAN_TITLES = JSON.parse(readFileSync(new URL("../../package.nls.de.json", import.meta.url), "utf8"));

/** Someone at a VS Code window: reads, types, clicks, and takes pictures. */
export class Person {
  /** @param set writes the user's settings: those of the run and these */
  constructor(page, server, pictures, set = () => undefined) {
    page.setDefaultTimeout(PATIENCE_MS);
    this.page = page;
    this.server = server;
    this.pictures = pictures;
    this.set = set;
  }

  /**
   * Picks a command of the palette by its title; again when it is not there yet, as while the window is still starting.
   */
  async command(title) {
    const row = this.page
      .locator(".quick-input-list .monaco-list-row", { hasText: title.replace(/^.*?: /, "") })
      .first();
    for (const end = Date.now() + PATIENCE_MS; ; await this.page.keyboard.press("Escape")) {
      await this.page.keyboard.press("F1");
      await this.page.locator(".quick-input-widget:visible input").first().waitFor();
      // At once: the palette looks through all commands for every letter.
      await this.page.keyboard.insertText(title);
      if (await this.appears(row, SHORT_MS)) break;
      if (Date.now() > end) throw new Error(`the palette has no "${title}"`);
    }
    await row.click();
  }

  /** {@link command} of ours in a VS Code that speaks German, by its id without the prefix. */
  async ours(id) {
    await this.command(GERMAN_TITLES[`command.${id}`]);
  }

  /** {@link command} without the mouse. */
  async choose(title) {
    const shown = title.replace(/^.*?: /, "");
    await this.again(async (limitMs) => {
      await this.page.keyboard.press("Escape");
      await this.page.keyboard.press("F1");
      await this.page.locator(".quick-input-widget:visible input").first().waitFor();
      await this.page.keyboard.type(title);
      return this.appears(this.focusedRow(shown), limitMs);
    });
    await this.page.keyboard.press("Enter");
  }

  /** Chooses from the list that is open, or about to be, by typing. */
  async pick(title, typed = title) {
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().waitFor();
    await this.page.keyboard.type(typed);
    await this.focusedRow(title).waitFor();
    await this.page.keyboard.press("Enter");
  }

  focusedRow(title) {
    return this.page.locator(".quick-input-list .monaco-list-row.focused", { hasText: title }).first();
  }

  /** {@link openFile} without the mouse. */
  async open(name) {
    await this.page.keyboard.press("Control+p");
    await this.page.locator(".quick-input-widget:visible input").first().waitFor();
    await this.page.keyboard.type(name);
    await this.focusedRow(name).waitFor();
    await this.page.keyboard.press("Enter");
    await this.page.locator(".tab.active", { hasText: name }).waitFor();
  }

  /** Opens a file and selects the first place where it has a text, without the mouse. */
  async goTo(name, text) {
    const { page } = this;
    await this.open(name);
    const find = page.locator(".find-widget.visible textarea, .find-widget.visible input").first();
    await this.again(async () => {
      await page.keyboard.press("Control+Home");
      await page.keyboard.press("Control+f");
      return this.appears(find, SOON_MS);
    });
    await page.keyboard.press("Control+a");
    await page.keyboard.type(text);
    await page.locator(".find-widget.visible .matchesCount", { hasText: /of/ }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".find-widget.visible").waitFor({ state: "detached" });
  }

  /** A file was changed; one undo takes that back. */
  async undone(name) {
    const dirty = this.page.locator(".tab.dirty", { hasText: name });
    await dirty.waitFor();
    await this.page.keyboard.press("Control+z");
    await dirty.waitFor({ state: "detached" });
  }

  /** Tries until it works; each time for as long as it is given. */
  async again(attempt) {
    for (const end = Date.now() + PATIENCE_MS; !(await attempt(SHORT_MS)); ) {
      if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS / 1000} s`);
    }
  }

  /** Reloads the window and waits until the new page stands; the old one still takes keys for a moment. */
  async reload() {
    const { page } = this;
    const loaded = page.waitForEvent("domcontentloaded", { timeout: PATIENCE_MS });
    await this.command("Developer: Reload Window");
    await loaded;
    await page.locator(".monaco-workbench .part.statusbar").waitFor();
  }

  async openFile(name) {
    await this.page.keyboard.press("Control+p");
    await this.page.locator(".quick-input-widget:visible input").first().waitFor();
    await this.page.keyboard.type(name);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().click();
    await this.page.locator(".tab.active", { hasText: name }).waitFor();
    await this.page.locator(".editor-group-container.active .view-line").first().click();
  }

  /** Closes what is open, unsaved or not. */
  async closeAll() {
    await this.command("View: Close All Editors");
    const refuse = this.page.locator(".monaco-dialog-box .monaco-button:visible", { hasText: "Don't Save" });
    const closed = this.page.locator(".editor-group-watermark:visible");
    await refuse.or(closed).first().waitFor();
    if (await refuse.count()) await refuse.click();
    await closed.first().waitFor();
  }

  async sees(text) {
    await this.page.getByText(text).locator("visible=true").first().waitFor();
  }

  async seesOneOf(one, other) {
    await this.page.getByText(one).or(this.page.getByText(other)).locator("visible=true").first().waitFor();
  }

  /** What the mouse on a heading shows; the window may not have started everything yet. */
  async hover(heading) {
    const line = this.page.locator(".view-line", { hasText: heading }).first();
    const hover = this.page.locator(".monaco-hover:visible", { hasText: "Spanfill ·" }).first();
    await line.waitFor();
    await this.again(async () => {
      const { x, y, height } = await line.boundingBox();
      await this.page.mouse.move(x + 60, y + 100);
      await this.page.mouse.move(x + 40, y + height / 2);
      await this.page.mouse.move(x + 43, y + height / 2);
      return this.appears(hover, HOVER_MS);
    });
    return hover;
  }

  /** The suggestion at the cursor. */
  ghostText() {
    return this.page.locator("[class*='ghost-text']:visible").first();
  }

  /** After it was asked for: whether there is a suggestion, as soon as that is known. */
  async ghostTextOrNot() {
    const none = this.page.getByText("no suggestion here").locator("visible=true").first();
    await this.ghostText().or(none).first().waitFor();
    return (await this.ghostText().count()) > 0;
  }

  /** Whether something appears within a time. */
  async appears(locator, limitMs) {
    return locator.waitFor({ timeout: limitMs }).then(
      () => true,
      () => false,
    );
  }

  /** The page that an extension describes itself on. */
  readme() {
    return this.page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
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
    await this.page.waitForTimeout(500);
    await this.page.screenshot({ path: join(this.pictures, `${name}.png`) });
  }
}
