// What is shown of a checkpoint and of a document that would have VS Code run commands: text, and no link.
const LINK = "(command:workbench.action.terminal.new)";
/** What a hostile checkpoint's error quotes. */
export const HOSTILE_NAME = `[Repair the model]${LINK}`;
/** What looks like a link stands in a code span, for of a link a summary has the words only. */
export const HOSTILE_TEXT = `# Cache

The cache is described in \`[a[Open the manual](c)]${LINK}\` and at www.example.com/manual, where everything about it can be read at length.

## More

A map is a ___ of keys.
`;

/** What is done in a window whose model is a hostile checkpoint. */
export const HOSTILE_MODEL = {
  async "a notification of a hostile checkpoint's error has no link"(person) {
    await person.openFile("cache.md");
    await person.ours("fillGapsInSelection");
    await noLinkIn(message(person, "Repair the model"), "[Repair the model] (command:");
  },
  async "the status item of a hostile checkpoint's error has our own link alone"({ page }) {
    await page.locator("[id='status.languageStatus']").hover();
    const item = page.locator(".hover-language-status", { hasText: "Spanfill: fehlgeschlagen" });
    await item.waitFor();
    const links = await item.locator("a").evaluateAll((all) => all.map((one) => one.textContent).filter(Boolean));
    if (links.join() !== "Mehr...") throw new Error(`links: ${links.join()}`);
    await page.mouse.move(600, 500);
  },
};

/**
 * What is done with a hostile document, when the settings ask for so sure a model that a sentence of the text stands
 * for a summary. `summarizeAndShow` has a key of its own.
 */
export const HOSTILE_DOCUMENT = {
  async "a notification of a hostile document's summary has no link"(person) {
    const { page } = person;
    await person.command("Notifications: Clear All Notifications");
    const shown = message(person, "Open the manual");
    await person.again(async (limitMs) => {
      await page.locator(".view-line", { hasText: "Cache" }).first().click();
      await page.keyboard.press("Control+Alt+y");
      return person.appears(shown, limitMs);
    });
    await noLinkIn(shown, "Open the manual] (c)] (command:");
    await person.command("Notifications: Clear All Notifications");
  },
  async "a hover of a hostile document's section has no link"(person) {
    await noLinkIn(await person.hover("Cache"), `Open the manual](c)]${LINK}`);
  },
};

/** The text of the notification that says something. */
function message({ page }, text) {
  return page.locator(".notification-toast .notification-list-item-message", { hasText: text }).first();
}

async function noLinkIn(shown, text) {
  await shown.waitFor();
  const written = (await shown.textContent()) ?? "";
  const links = await shown.locator("a").evaluateAll((all) => all.map((one) => one.outerHTML));
  if (links.length > 0) throw new Error(`links: ${links.join(" ")}`);
  if (!written.replaceAll("\u00a0", " ").includes(text)) throw new Error(`"${text}" is not in ${written}`);
}
