/**
 * The log that "Spanfill: Show Log" shows: the extension's lines and the server's, as many as the setting lets through.
 */
import assert from "node:assert/strict";
import { commands, env, version, workspace } from "vscode";
import { closeEditors, eventually, extension, open, PROSE, withSetting } from "./editor.ts";

suite("log", () => {
  setup(async () => {
    await closeEditors();
    await commands.executeCommand("spanfill.showLog");
  });
  teardown(async () => {
    await commands.executeCommand("workbench.action.closePanel");
    await commands.executeCommand("notifications.clearAll");
  });

  test("names the extension and the editor, and has the server's lines with their levels", async () => {
    await open(PROSE);
    await commands.executeCommand("spanfill.restart");
    await commands.executeCommand("spanfill.summarizeFile");
    const first = `[info] Spanfill ${extension().packageJSON.version} in ${env.appName} ${version}, ${process.platform}`;
    await eventually("the extension's line", () => log().includes(first));
    await eventually("the server's line", () => /\[info\] \S+ loaded in \d+ ms/.test(log()));
  });

  test("says why something was refused once its level is debug, and not before", async () => {
    await open("No gap here.\n");
    const refused = () => log().includes("There is no gap");
    await commands.executeCommand("spanfill.fillGapsInSelection");
    await withSetting("spanfill.logLevel", "debug", async () => {
      assert.ok(!refused());
      await eventually("a line about it", async () => {
        await commands.executeCommand("spanfill.fillGapsInSelection");
        return refused();
      });
    });
  });
});

/** What the log channel shows. */
function log(): string {
  const shown = workspace.textDocuments.filter(({ uri }) => uri.scheme === "output" && uri.path.includes("panfill"));
  return shown.map((document) => document.getText()).join("\n");
}
