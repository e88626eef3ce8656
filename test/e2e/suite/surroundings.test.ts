/** How the extension sits among everything else in VS Code. */
import assert from "node:assert/strict";
import { commands, LanguageModelTextPart, lm, Uri, workspace } from "vscode";
import { extension, notes, trained } from "./editor.ts";

interface Key {
  readonly command: string;
  readonly key: string;
  readonly when?: string;
}

suite("surroundings", () => {
  test("every command in package.json is registered", async () => {
    const declared: { command: string }[] = extension().packageJSON.contributes.commands;
    const registered = new Set(await commands.getCommands(true));
    assert.deepEqual(
      declared.map(({ command }) => command).filter((command) => !registered.has(command)),
      [],
    );
  });

  test("its keys are nobody else's", async () => {
    const document = await workspace.openTextDocument(Uri.parse("vscode://defaultsettings/keybindings.json"));
    const text = document.getText();
    // VS Code's own and the built-in extensions' keys; then, commented out, commands that have none.
    const all: Key[] = JSON.parse(
      text.slice(text.indexOf("["), text.lastIndexOf("]") + 1).replace(/^\s*\/\/.*$/gm, ""),
    );
    assert.ok(all.length > 500, `${all.length} keys`);
    notes.push(`default keys compared with: ${all.length}`);
    const ours: Key[] = extension().packageJSON.contributes.keybindings;
    for (const { key, command, when } of ours) {
      assert.ok(when, `${command} has no when clause`);
      const others = all.filter((one) => !one.command.startsWith("spanfill.") && one.when !== "false");
      const clash = others.filter(
        (one) => one.key === key || key.startsWith(`${one.key} `) || one.key.startsWith(`${key} `),
      );
      assert.deepEqual(clash, [], `${key} for ${command}`);
    }
  });

  test("offers its tools to agents, and they work", async () => {
    const use = async (name: string, input: object) => {
      const { content } = await lm.invokeTool(name, { input, toolInvocationToken: undefined });
      return content.map((part) => (part instanceof LanguageModelTextPart ? part.value : "")).join("");
    };
    const ours = lm.tools.filter(({ name }) => name.startsWith("spanfill_")).map(({ name }) => name);
    assert.deepEqual(ours.toSorted(), ["spanfill_fill_gaps_in_text", "spanfill_summarize_text"]);
    const filled = await use("spanfill_fill_gaps_in_text", { text: "The server listens on ___ 8080 today." });
    assert.match(filled, /^The server listens on .* ?8080 today\.$/);
    if (trained) assert.doesNotMatch(filled, /___/);
    assert.match(await use("spanfill_summarize_text", { text: "The harbour was built in 1862." }), /\)$/);
  });
});
