// What a person sees of the extension before writing a word: its page, the walkthrough, commands, settings, status and
// log.

/** Things to do, by what they show. */
export const AROUND = {
  async "the extension's page says what it does"(person) {
    await person.page.keyboard.press("Control+Shift+x");
    await person.page.locator(".extension-list-item", { hasText: "Spanfill" }).first().click();
    await person.page.locator(".extension-editor .icon:visible").first().waitFor();
    await person.readme().getByText("Suggestions as you write").waitFor();
    await person.picture("extension");
    await person.closeAll();
  },
  async "the walkthrough shows each step with its picture, and fills the gaps of a sample"(person) {
    const { page } = person;
    await person.command("View: Close Primary Side Bar"); // the pictures need the room
    await person.command("Welcome: Open Walkthrough");
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "with Spanfill" }).first().click();
    const steps = ["Everything stays", "Summarize a selection", "Continue where you write", "Fill the gaps"];
    for (const [index, title] of steps.entries()) {
      await page.locator(".getting-started-step", { hasText: title }).first().click();
      await page.locator(".getting-started-step.expanded", { hasText: title }).waitFor();
      await person.picture(`walkthrough-${steps.length - index}`);
    }
    await page.getByText("Open a sample text").click();
    await page.locator(".tab.active", { hasText: "Untitled" }).waitFor();
    await page.getByText("Fill its gaps").click();
    await person.seesOneOf(/Spanfill: \d gaps? filled/, /Spanfill filled \d of \d gaps/);
    await person.picture("walkthrough-filled");
    await person.closeAll();
    await person.command("View: Show Explorer");
  },
  async "the palette lists the commands"(person) {
    await person.openFile("harbour.md");
    await person.page.keyboard.press("F1");
    await person.page.keyboard.type("Spanfill: ");
    await person.sees("Fill Gaps in Selection");
    await person.picture("palette");
    await person.page.keyboard.press("Escape");
  },
  async "the settings are described"(person) {
    const { page } = person;
    await person.command("Preferences: Open Settings (UI)");
    await page.locator(".settings-editor .suggest-input-container").waitFor();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("@ext:spanfill.spanfill ");
    await person.sees("How long a suggestion is");
    await person.picture("settings");
    await page.keyboard.press("Escape"); // a dialog, or the proposals of its filter
    if (await page.locator(".settings-editor:visible").count()) await page.keyboard.press("Escape");
    await page.locator(".settings-editor").waitFor({ state: "detached" });
  },
  async "the log is shown"(person) {
    await person.command("Spanfill: Show Log");
    await person.page.locator(".part.panel .view-line", { hasText: "Spanfill" }).first().waitFor();
    await person.picture("log");
    await person.command("View: Hide Panel");
  },
};
