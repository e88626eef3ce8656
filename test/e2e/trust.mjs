// Workspace trust, switched on: the model that a folder's settings name is not loaded before the folder is trusted.

/** What is done in a window on an untrusted folder whose settings name a model of which the error says "Repair". */
export const TRUST = {
  async "the model of an untrusted folder's settings is not loaded"(person) {
    await person.page.locator(".view-line", { hasText: "The ferry" }).first().waitFor();
    await person.sees("Restricted Mode");
    await person.ours("summarizeFile");
    // A summary beside the text, by the model of the user's settings.
    await person.page.locator(".tab", { hasText: /Zusammenfassung/ }).waitFor();
  },
  async "it is loaded once the folder is trusted"(person) {
    const { page } = person;
    await person.command("Workspaces: Manage Workspace Trust");
    await page.locator(".workspace-trust-editor .monaco-button:visible", { hasText: "Trust" }).first().click();
    await page.getByText("You trust this folder").first().click();
    await page.keyboard.press("Escape");
    await page.locator(".workspace-trust-editor").waitFor({ state: "detached" });
    await page.locator(".tab[data-resource-name='notes.md']").click();
    await person.ours("summarizeFile");
    await person.sees("Repair the model");
  },
};

/** Has windows ask for trust, which the server of the tests switches off for all. */
export async function askForTrust(page) {
  await page.addInitScript(() => {
    const original = Element.prototype.getAttribute;
    Element.prototype.getAttribute = function (attribute) {
      const value = original.call(this, attribute);
      if (this.id !== "vscode-workbench-web-configuration" || attribute !== "data-settings") return value;
      return JSON.stringify({ ...JSON.parse(value), enableWorkspaceTrust: true });
    };
  });
  return {
    "security.workspace.trust.enabled": true,
    "security.workspace.trust.startupPrompt": "never",
  };
}
