// Workspace trust, switched on: the model that a folder's settings name is not loaded before the folder is trusted.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Person } from "./window.mjs";

const TEXT = "# The ferry\n\nA ferry crosses to the island three times a day, and it carries the post.\n";

/**
 * Opens a window on an untrusted folder.
 * @param user the folder of the user's settings
 * @param badModel the folder of a model whose error says "Repair the model"
 * @returns an outcome (scripts/editor/outcome.mjs)
 */
export async function inUntrustedFolder({ page, server, workspace, results, user, badModel }) {
  const folder = join(workspace, "untrusted");
  const file = join(folder, "notes.md");
  mkdirSync(join(folder, ".vscode"), { recursive: true });
  writeFileSync(file, TEXT);
  writeFileSync(join(folder, ".vscode", "settings.json"), JSON.stringify({ "spanfill.model": badModel }));
  const path = join(user, "settings.json");
  const settings = JSON.parse(readFileSync(path, "utf8"));
  const trust = { "security.workspace.trust.enabled": true, "security.workspace.trust.startupPrompt": "never" };
  writeFileSync(path, JSON.stringify({ ...settings, ...trust }));
  // The server of the tests switches it off for every window.
  await page.addInitScript(() => {
    const original = Element.prototype.getAttribute;
    Element.prototype.getAttribute = function (attribute) {
      const value = original.call(this, attribute);
      if (this.id !== "vscode-workbench-web-configuration" || attribute !== "data-settings") return value;
      return JSON.stringify({ ...JSON.parse(value), enableWorkspaceTrust: true });
    };
  });
  const opened = JSON.stringify([["openFile", `vscode-remote://${server.host}${file}`]]);
  await page.goto(`http://${server.host}/?folder=${folder}&payload=${encodeURIComponent(opened)}`);
  const title = "window on an untrusted folder, whose model is loaded once the folder is trusted";
  try {
    const person = new Person(page, server, results);
    await page.locator(".view-line", { hasText: "The ferry" }).first().waitFor();
    await person.sees("Restricted Mode");
    await person.command("Spanfill: Summarize File");
    // A summary beside the text, by the model of the user's settings.
    await page.locator(".tab", { hasText: "Summary" }).waitFor();
    await person.command("Workspaces: Manage Workspace Trust");
    await page.locator(".workspace-trust-editor .monaco-button:visible", { hasText: "Trust" }).first().click();
    await page.getByText("You trust this folder").first().click();
    await page.keyboard.press("Escape");
    await page.locator(".workspace-trust-editor").waitFor({ state: "detached" });
    await page.locator(".tab[data-resource-name='notes.md']").click();
    await person.command("Spanfill: Summarize File");
    await person.sees("Repair the model");
    console.log(`ok ${title}`);
    return { passed: 1, failures: [], expected: 1 };
  } catch (error) {
    console.log(`not ok ${title}`);
    await page.screenshot({ path: join(results, "failed-untrusted.png") }).catch(() => undefined);
    return { passed: 0, failures: [{ title, message: error.stack }], expected: 1 };
  }
}
