/** What a writer does: summaries, filled gaps, ghost text, hovers. */
import assert from "node:assert/strict";
import {
  type CodeAction,
  commands,
  EndOfLine,
  env,
  type Hover,
  MarkdownString,
  Position,
  Range,
  Selection,
  window,
} from "vscode";
import {
  closeEditors,
  eventually,
  extension,
  notes,
  open,
  PROSE,
  select,
  serverPid,
  shownSummary,
  status,
  trained,
  withSetting,
} from "./editor.ts";

suite("writing", () => {
  setup(closeEditors);

  test("starts a server for the first text, and no engine yet", async () => {
    await extension().activate();
    assert.equal(serverPid(), undefined, "a server was started before anything was opened");
    await open(PROSE);
    const { state } = await eventually("the server", () => status().then(undefined, () => undefined));
    assert.equal(state, "unloaded");
  });

  test("summarizes a selection beside the text, to be copied and inserted", async () => {
    const editor = await open(PROSE);
    const paragraph = PROSE.split("\n\n")[1] ?? "";
    select(editor, paragraph);
    const started = performance.now();
    await commands.executeCommand("spanfill.summarizeSelection");
    const document = await shownSummary();
    notes.push(`first summary, engine started: ${(performance.now() - started).toFixed(0)} ms`);
    const summary = document.getText().split("\n\n— ")[0] ?? "";
    if (trained) assert.notEqual(summary.trim(), "");
    assert.match(document.getText(), /\n— lines 3 to 4, in 1 part, nothing left out \(\d+ ms, [\w.-]+\).*\n$/);
    assert.equal(document.languageId, "markdown");
    assert.equal(window.activeTextEditor?.document, editor.document, "the cursor left the text");
    const lenses = await commands.executeCommand<{ command?: { title: string } }[]>(
      "vscode.executeCodeLensProvider",
      document.uri,
    );
    assert.deepEqual(
      lenses.map(({ command }) => command?.title),
      ["$(copy) Copy", "$(arrow-up) Insert Above Text", "$(quote) Quote Above", "$(replace) Replace Text"],
    );

    await commands.executeCommand("spanfill.copySummary", document.uri);
    assert.equal(await env.clipboard.readText(), summary);
    await commands.executeCommand("spanfill.insertSummary", document.uri);
    assert.equal(
      editor.document.getText(),
      PROSE.replace(paragraph, () => `${summary}\n\n${paragraph}`),
    );
  });

  test("summarizes the whole file, and again when the text has changed", async () => {
    const editor = await open(PROSE);
    await commands.executeCommand("spanfill.summarizeFile");
    const before = (await shownSummary()).getText();
    assert.match(before, /\n— lines 1 to 11, in [1-9]\d* parts?, nothing left out/);
    await editor.edit((edit) => edit.insert(new Position(0, 0), "# Before\n\nThe town is older than its harbour.\n\n"));
    await commands.executeCommand("spanfill.summarizeFile");
    const after = await shownSummary(before);
    assert.match(after.getText(), /\n— lines 1 to 15, /);
    assert.equal(window.visibleTextEditors.length, 2);
  });

  for (const [name, newline] of [
    ["LF", "\n"],
    ["CRLF", "\r\n"],
  ] as const) {
    test(`fills gaps in one go, and one undo brings every byte back (${name})`, async () => {
      const parts = [
        "# Gäste 🚢\n\n 🚢 By ",
        ", the server listens on port 8080. The\nsea is  ",
        "  \n\n- Where to ",
        "?\n",
      ];
      const around = parts.map((part) => part.replaceAll("\n", newline));
      const before = around.join("___");
      const editor = await open(before);
      assert.equal(editor.document.eol, newline === "\n" ? EndOfLine.LF : EndOfLine.CRLF);
      select(editor);
      const { version } = editor.document;
      await commands.executeCommand("spanfill.fillGapsInSelection");
      const after = editor.document.getText();
      assert.equal(editor.document.version, version + 1, "there was not one edit");
      const fills = new RegExp(`^${around.map(escaped).join("(.+)")}$`, "s").exec(after)?.slice(1);
      assert.equal(fills?.length, 3, JSON.stringify(after));
      // A gap stays open where the model is not sure.
      if (trained) assert.ok(fills[0] !== "___", JSON.stringify(fills));
      await commands.executeCommand("undo");
      assert.equal(editor.document.getText(), before);
      await commands.executeCommand("undo");
      assert.equal(editor.document.getText(), before, "there was more than one step to undo");
    });
  }

  test("leaves gaps outside the selection alone", async () => {
    const editor = await open("One ___ here.\n\nAnother ___ there.\n");
    select(editor, "One ___ here.");
    await commands.executeCommand("spanfill.fillGapsInSelection");
    assert.ok(editor.document.getText().endsWith("\n\nAnother ___ there.\n"), editor.document.getText());
  });

  test("takes the gap's marker from the settings", async () => {
    const editor = await open("The server listens on ??? 8080 today.\n");
    await withSetting("spanfill.gapMarker", "???", async () => {
      await commands.executeCommand("spanfill.fillGapsInSelection");
    });
    if (trained) assert.ok(!editor.document.getText().includes("???"), editor.document.getText());
  });

  test("shows ghost text at the cursor and accepts it", async () => {
    await withSetting("spanfill.inlineCompletion.minimumConfidence", 0, async () => {
      const before = "The harbour was built in 1862, when the railway reached the coast. The harbour is";
      const after = "\n\nToday the coal ships are gone.\n";
      const editor = await open(before + after);
      const end = editor.document.positionAt(before.length);
      editor.selection = new Selection(end, end);
      await commands.executeCommand("spanfill.continueAtCursor");
      await eventually("an accepted suggestion", async () => {
        await commands.executeCommand("editor.action.inlineSuggest.commit");
        return editor.document.getText() !== before + after;
      });
      const text = editor.document.getText();
      assert.ok(text.startsWith(before) && text.endsWith(after), text);
      assert.ok(text.length > before.length + after.length);
    });
  });

  test("shows a section's summary over its heading", async () => {
    const { document } = await open(PROSE);
    const hovers = await eventually("a hover", async () => {
      const made = await commands.executeCommand<Hover[]>(
        "vscode.executeHoverProvider",
        document.uri,
        new Position(7, 5),
      );
      return made.length > 0 && made;
    });
    const text = hovers
      .flatMap(({ contents }) => contents)
      .map((content) => (content instanceof MarkdownString ? content.value : String(content)))
      .join("\n");
    assert.match(text, /\S\n\n\*Spanfill ·/);
    const none = await commands.executeCommand<Hover[]>(
      "vscode.executeHoverProvider",
      document.uri,
      new Position(1, 0),
    );
    assert.deepEqual(none, []);
  });

  test("offers both commands as code actions of a selection", async () => {
    const { document } = await open("The sky is ___ and the sea is ___ today.\n");
    const actions = await eventually("code actions", async () => {
      const made = await commands.executeCommand<CodeAction[]>(
        "vscode.executeCodeActionProvider",
        document.uri,
        new Range(0, 0, 0, 40),
      );
      return made.length > 1 && made;
    });
    const titles = actions.map(({ title }) => title).join("; ");
    assert.match(titles, /fill/i);
    assert.match(titles, /summar/i);
  });

  test("offers other words for a selection, writes the chosen ones, and one undo brings the old ones back", async () => {
    const editor = await open(PROSE);
    select(editor, "small");
    const done = commands.executeCommand("spanfill.rephraseSelection");
    if (trained) {
      await eventually("the chosen words", async () => {
        await commands.executeCommand("workbench.action.acceptSelectedQuickOpenItem");
        return editor.document.isDirty;
      });
      await done;
      assert.equal(editor.document.getText().length > PROSE.length - "small".length, true);
      assert.notEqual(editor.document.getText(), PROSE);
      await commands.executeCommand("undo");
    }
    assert.equal(editor.document.getText(), PROSE);
  });

  test("writes a description into the front matter, and nothing else", async () => {
    const text = `---\ntags: [a,  b] # kept\n---\n\n${PROSE}`;
    const editor = await open(text);
    const done = commands.executeCommand("spanfill.writeDescription");
    await eventually("the description", async () => {
      await commands.executeCommand("workbench.action.acceptSelectedQuickOpenItem");
      return editor.document.isDirty || !trained;
    });
    if (!trained) return;
    await done;
    const [, description = ""] =
      /^---\ntags: \[a, {2}b\] # kept\ndescription: (.+)\n---\n/.exec(editor.document.getText()) ?? [];
    assert.notEqual(description, "");
    assert.equal(editor.document.getText().replace(`description: ${description}\n`, ""), text);
  });

  test("pauses suggestions until they are resumed", async () => {
    await withSetting("spanfill.inlineCompletion.minimumConfidence", 0, async () => {
      const started = performance.now();
      assert.ok(await acceptedUnasked(45_000), "nothing was suggested before the pause");
      const took = performance.now() - started;
      const asked = commands.executeCommand("spanfill.pauseSuggestions");
      await eventually("the pause", async () => {
        await commands.executeCommand("workbench.action.acceptSelectedQuickOpenItem");
        return Promise.race([
          asked.then(() => true),
          new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 200)),
        ]);
      });
      assert.ok(!(await acceptedUnasked(2 * took)), "a suggestion during the pause");
      await commands.executeCommand("spanfill.pauseSuggestions");
      assert.ok(await acceptedUnasked(45_000), "nothing was suggested after the pause");
    });
  });

  test("suggests in a program's comment, and leaves its code alone", async () => {
    const text = "/**\n * Reads the file and returns the\n */\nfunction read() {}\n";
    const editor = await open(text, "read.js");
    const accept = async (line: number, character: number) => {
      editor.selection = new Selection(line, character, line, character);
      await commands.executeCommand("spanfill.continueAtCursor");
      await commands.executeCommand("editor.action.inlineSuggest.commit");
    };
    await accept(3, 15);
    assert.equal(editor.document.getText(), text);
    if (!trained) return;
    await eventually("an accepted suggestion", async () => {
      await accept(1, " * Reads the file and returns the".length);
      return editor.document.getText() !== text;
    });
    const lines = editor.document.getText().split("\n");
    assert.deepEqual([lines.length, lines[0], lines[3]], [5, "/**", "function read() {}"]);
    assert.match(lines[1] ?? "", /^ \* Reads the file and returns the.+/);
    await commands.executeCommand("undo");
  });
});

/** Types a space in a new text. @returns whether a suggestion could be accepted within a time */
async function acceptedUnasked(limitMs: number): Promise<boolean> {
  const before = "The harbour was built in 1862, when the railway reached the coast. The harbour is";
  const editor = await open(before);
  const end = editor.document.positionAt(before.length);
  editor.selection = new Selection(end, end);
  await commands.executeCommand("type", { text: " " });
  const accepted = eventually(
    "an accepted suggestion",
    async () => {
      await commands.executeCommand("editor.action.inlineSuggest.commit");
      return editor.document.getText() !== `${before} `;
    },
    limitMs,
  );
  return accepted.catch(() => false);
}

/** A pattern that matches the text itself. */
function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
