/** What happens when a person changes their mind, or a process dies. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { commands, Position, Selection, type TextEditor, type TextEditorEdit, Uri, window, workspace } from "vscode";
import {
  alive,
  closeEditors,
  eventually,
  notes,
  open,
  PROSE,
  select,
  serverPid,
  shownSummary,
  status,
} from "./editor.ts";

/** Long enough that a tiny model needs seconds for it. */
const LONG = Array.from({ length: 400 }, (_, i) => PROSE.replaceAll("harbour", `harbour ${i}`)).join("\n");
/** Nearly as many gaps as are filled at once, which takes long. */
const GAPS = Array.from({ length: 330 }, (_, i) => `The ___ is near the ___, and boat ${i} has a ___.\n`).join("\n");

suite("recovery", () => {
  let count = 0;

  setup(async () => {
    await commands.executeCommand("notifications.clearAll");
    await closeEditors();
  });

  /** New each time: what is remembered needs no engine. */
  async function summarizeSomething(): Promise<void> {
    count += 1;
    await open(PROSE.replaceAll("harbour", `harbour of ${count} islands`));
    await commands.executeCommand("spanfill.summarizeFile");
    await shownSummary();
  }

  test("filling is cancelled in the middle, and the engine is free at once", async () => {
    const editor = await open(GAPS, "gaps.md");
    select(editor);
    const running = commands.executeCommand("spanfill.fillGapsInSelection");
    const { pid } = await eventually("work", async () => {
      const now = await status();
      return now.state === "busy" && now;
    });
    let cancelled = 0;
    await eventually("a notification to cancel with", async () => {
      await commands.executeCommand("notifications.focusToasts");
      await commands.executeCommand("notification.acceptPrimaryAction");
      cancelled = performance.now();
      const done = await Promise.race([
        running.then(() => true),
        new Promise<false>((r) => setTimeout(() => r(false), 300)),
      ]);
      return done;
    });
    const after = await eventually("an idle engine", async () => {
      const now = await status();
      return now.state !== "busy" && now;
    });
    notes.push(`from the last attempt to cancel to an idle engine: ${(performance.now() - cancelled).toFixed(0)} ms`);
    assert.equal(editor.document.getText(), GAPS);
    assert.deepEqual(
      { state: after.state, pid: after.pid },
      { state: "ready", pid },
      "the engine was ended, not stopped",
    );
  });

  test("a text that was changed meanwhile is not written to", async () => {
    const text = `${PROSE.repeat(20)}\nThe sky is ___ today.\n`;
    const editor = await open(text);
    const running = commands.executeCommand("spanfill.fillGapsInSelection");
    await editor.edit((edit) => edit.insert(new Position(0, 0), "New. "));
    await running;
    assert.equal(editor.document.getText(), `New. ${text}`);
  });

  test("a summary replaces its own passage: where that has moved, not where it was, and not one of two", async () => {
    const passage = PROSE.repeat(20).trimEnd().replaceAll("harbour", "port");
    const [before, after] = ["Before.\n\n", "\n\nAfter the passage, and long enough.\n"];
    const summarizeIn = async (editor: TextEditor, from: number, change: (edit: TextEditorEdit) => void) => {
      const { document } = editor;
      editor.selection = new Selection(document.positionAt(from), document.positionAt(from + passage.length));
      const running = commands.executeCommand("spanfill.summarizeSelection");
      await eventually("work", async () => (await status()).state !== "unloaded");
      assert.ok(await editor.edit(change));
      await running;
      const shown = await shownSummary();
      await commands.executeCommand("spanfill.replaceWithSummary", shown.uri);
      return shown.getText().split("\n\n— ")[0] ?? "";
    };
    const added = "One line more.\nAnd another.\n\n";
    const insert = (edit: TextEditorEdit) => edit.insert(new Position(0, 0), added);

    const moved = await open(before + passage + after);
    const summary = await summarizeIn(moved, before.length, insert);
    assert.equal(moved.document.getText(), added + before + summary + after);

    await closeEditors();
    // One line less, and the other passage stands where this one was.
    const twice = `${passage}\n\n${passage}${after}`;
    const doubled = await open(twice);
    await summarizeIn(doubled, 0, insert);
    assert.equal(doubled.document.getText(), added + twice, "one of two was replaced");

    await closeEditors();
    const edited = await open(before + passage + after);
    const { document } = edited;
    await summarizeIn(edited, before.length, (edit) =>
      edit.insert(document.positionAt(before.length + 20), "Changed. "),
    );
    assert.ok(document.getText().includes("Changed. "), "what was typed meanwhile is gone");
    assert.ok(document.getText().endsWith(passage.slice(20) + after));
  });

  test("what was asked of a document that was closed is not written into the one that is opened under its name", async () => {
    const text = `${PROSE.repeat(20)}\nThe sky is ___ today.\n`;
    const uri = Uri.joinPath(workspace.workspaceFolders?.[0]?.uri ?? Uri.file("/"), "reopened.md");
    writeFileSync(uri.fsPath, text);
    // Not by openTextDocument, which keeps a document for minutes after its last editor is gone.
    await commands.executeCommand("vscode.open", uri);
    const document = window.activeTextEditor?.document;
    assert.equal(document?.uri.path, uri.path);
    // The model has to be loaded again: time to close the document.
    await commands.executeCommand("spanfill.freeMemory");
    const running = commands.executeCommand("spanfill.fillGapsInSelection");
    await commands.executeCommand("workbench.action.closeActiveEditor");
    await eventually("its end", () => document.isClosed);
    const other = `${PROSE.repeat(20)}\nIt rains, and the sky is ___ today.\n`;
    writeFileSync(uri.fsPath, other);
    const again = await workspace.openTextDocument(uri);
    await running;
    assert.notEqual(again, document);
    assert.equal(again.getText(), other);
    assert.equal(again.isDirty, false);
  });

  test("Restart Engine in the middle of a summary: the next engine makes it, and nothing is said to have failed", async () => {
    await open(LONG.slice(0, LONG.length / 30).replaceAll("ferry", "boat"), "restarted.md");
    const running = commands.executeCommand("spanfill.summarizeFile");
    const pid = await eventually("work", async () => {
      const now = await status();
      return now.state === "busy" && now.pid;
    });
    await commands.executeCommand("spanfill.restart");
    assert.notEqual((await status()).state, "failed");
    await running;
    await shownSummary();
    const after = await status();
    assert.deepEqual([after.state, after.pid === pid], ["ready", false]);
  });

  test("an engine that was killed is back with the next request", async () => {
    await summarizeSomething();
    const { pid } = await status();
    assert.ok(pid);
    process.kill(pid, "SIGKILL");
    await eventually("its end", () => !alive(pid));
    await closeEditors();
    await summarizeSomething();
    const { pid: next, state } = await status();
    assert.ok(next && next !== pid && alive(next));
    assert.equal(state, "ready");
  });

  test("an engine that is killed at work is reported and back with the next request", async () => {
    const editor = await open(GAPS, "gaps.md");
    select(editor);
    let isOver = false;
    const running = commands.executeCommand("spanfill.fillGapsInSelection").then(() => {
      isOver = true;
    });
    // One that is killed between two runs of the model fails none: the next process goes on.
    await eventually("the end", async () => {
      const { state, pid } = await status();
      if (!isOver && state === "busy" && pid !== undefined && alive(pid)) process.kill(pid, "SIGKILL");
      return isOver;
    });
    await running;
    assert.equal(editor.document.getText(), GAPS);
    await closeEditors();
    await summarizeSomething();
  });

  test("Restart Engine ends one process and the next request starts another", async () => {
    await summarizeSomething();
    const { pid } = await status();
    assert.ok(pid);
    await commands.executeCommand("spanfill.restart");
    await eventually("its end", () => !alive(pid));
    await closeEditors();
    await summarizeSomething();
    assert.notEqual((await status()).pid, pid);
  });

  test("a server that was killed is started again, and leaves no engine behind", async () => {
    await summarizeSomething();
    const server = serverPid();
    const { pid: engine } = await status();
    assert.ok(server && engine);
    process.kill(server, "SIGKILL");
    await eventually("the engine's end", () => !alive(engine));
    const next = await eventually("another server", () => {
      const now = serverPid();
      return now !== server && now;
    });
    await closeEditors();
    await summarizeSomething();
    assert.equal(serverPid(), next, "it was started more than once");
  });
});
