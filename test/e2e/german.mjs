// Spanfill in a VS Code whose language is German: that VS Code finds the translations in the package and shows them,
// those of package.json and those of the code. Without a language pack VS Code itself stays English.
import { join } from "node:path";

export const GERMAN = {
  async "commands and messages are in German where VS Code is"(person) {
    await person.page.locator(".view-line", { hasText: "The ferry" }).first().waitFor();
    await person.ours("showMenu");
    await person.sees("Datei zusammenfassen");
    await person.page.screenshot({ path: join(person.pictures, "german.png") });
    await person.page.keyboard.press("Escape");
  },
  async "a command says why it does nothing in a program"(person) {
    await person.openFile("program.js");
    await person.ours("fillGapsInSelection");
    await person.sees(/arbeitet in Fließtext .*, und die Sprache dieses Dokuments ist javascript/);
    await person.page.locator(".tab[data-resource-name='notes.md']").click();
  },
};

/** Has windows speak German, as a language pack would. */
export async function speakGerman(page) {
  await page.addInitScript(() =>
    Object.defineProperty(globalThis, "_VSCODE_NLS_LANGUAGE", { get: () => "de", set: () => undefined }),
  );
}
