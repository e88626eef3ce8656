// Spanfill in a VS Code whose language is German: that VS Code finds the translations in the package and shows them,
// those of package.json and those of the code. Without a language pack VS Code itself stays English.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Person } from "./window.mjs";

/** Opens a window on a folder of its own. @returns an outcome (scripts/editor/outcome.mjs) */
export async function inGerman({ page, server, workspace, results }) {
  const folder = join(workspace, "german");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "notes.md"), "# The ferry\n\nA ferry crosses to the ___ three times a day.\n");
  // What a language pack would set.
  await page.addInitScript(() =>
    Object.defineProperty(globalThis, "_VSCODE_NLS_LANGUAGE", { get: () => "de", set: () => undefined }),
  );
  const opened = JSON.stringify([["openFile", `vscode-remote://${server.host}${join(folder, "notes.md")}`]]);
  await page.goto(`http://${server.host}/?folder=${folder}&payload=${encodeURIComponent(opened)}`);
  const title = "window in German, with its commands and messages in German";
  try {
    const person = new Person(page, server, results);
    await page.locator(".view-line", { hasText: "The ferry" }).first().waitFor();
    await person.command("Spanfill: Alles anzeigen, was Spanfill kann");
    await person.sees("Datei zusammenfassen");
    await page.screenshot({ path: join(results, "german.png") });
    await page.keyboard.press("Escape");
    console.log(`ok ${title}`);
    return { passed: 1, failures: [], expected: 1 };
  } catch (error) {
    console.log(`not ok ${title}`);
    await page.screenshot({ path: join(results, "failed-german.png") }).catch(() => undefined);
    return { passed: 0, failures: [{ title, message: error.stack }], expected: 1 };
  }
}
