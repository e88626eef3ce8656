/** Gaps in a preview, other words for a word, questions about a text, and what may be done with a summary. */
import assert from "node:assert/strict";
import { commands, type Hover, MarkdownString, Position, window, workspace } from "vscode";
import type { AskResult, ClassifyResult } from "../../../protocol/commands/reading.ts";
import { closeEditors, eventually, open, PROSE, select, shownSummary, status, trained, withSetting } from "./editor.ts";

const GAPS = [
  "# Gäste 🚢\r\n\r\nThe cafe\u0301 ",
  "\u0301 is 👩‍🚀",
  "👩‍🚀 and\r\nthe sea is one ",
  " the best\r\n\r\nin winter.\r\n",
];
const BEFORE = GAPS.join("___");

suite("words", () => {
  setup(closeEditors);

  test("shows gaps in a preview: nothing is written when it is discarded, all of them when it is applied", async () => {
    const { document } = await open(BEFORE);
    const { version } = document;
    await decide("refactorPreview.discard");
    assert.deepEqual([document.getText(), document.version], [BEFORE, version]);
    await decide("refactorPreview.apply");
    const filled = new RegExp(`^${GAPS.map(escaped).join("(.+)")}$`, "s").exec(document.getText());
    assert.equal(filled?.length, 4, JSON.stringify(document.getText()));
    // A gap stays open where the model is not sure.
    if (trained)
      assert.ok(
        filled?.slice(1).some((fill) => fill !== "___"),
        JSON.stringify(filled),
      );
    await commands.executeCommand("undo");
    assert.equal(document.getText(), BEFORE);
  });

  test("refuses a preview of a text that has changed since", async () => {
    const editor = await open(BEFORE);
    const done = commands.executeCommand("spanfill.fillGapsWithPreview");
    await editor.edit((edit) => edit.insert(new Position(0, 0), "x"));
    // Applied, not discarded: discarding would leave any text as it is.
    await settled(done, "refactorPreview.apply");
    assert.equal(editor.document.getText(), `x${BEFORE}`);
    await commands.executeCommand("notifications.clearAll");
  });

  test("offers other words over a word, and a click puts one there", async () => {
    const { document } = await open(PROSE);
    const hover = async (line: number, character: number) => {
      const place = new Position(line, character);
      const made = await commands.executeCommand<Hover[]>("vscode.executeHoverProvider", document.uri, place);
      return made.flatMap(({ contents }) => contents).find((content) => content instanceof MarkdownString);
    };
    await withSetting("spanfill.hover.words", false, async () => assert.equal(await hover(2, 13), undefined));
    if (!trained) return;
    const shown = await eventually("a hover", () => hover(2, 13));
    assert.deepEqual(shown.isTrusted, { enabledCommands: ["spanfill.replaceWord"] });
    const [, word, link = ""] = /^\[(.+?)\]\(command:spanfill\.replaceWord\?(\S+) "/.exec(shown.value) ?? [];
    assert.match(shown.value, /\d%/);
    const [argument] = JSON.parse(decodeURIComponent(link));
    await commands.executeCommand("spanfill.replaceWord", argument);
    assert.equal(document.getText(), PROSE.replace("harbour was built", `harbour ${word} built`));
    await commands.executeCommand("spanfill.replaceWord", argument);
    assert.equal(document.getText(), PROSE.replace("harbour was built", `harbour ${word} built`), "an old link wrote");
    await commands.executeCommand("undo");
    assert.equal(document.getText(), PROSE);
    await commands.executeCommand("notifications.clearAll");
  });

  test("asks about a text and classifies it with models chosen for that, and says what to do without", async () => {
    const editor = await open(PROSE);
    select(editor, PROSE.split("\n\n")[1]);
    const ask = () => commands.executeCommand<AskResult>("spanfill.askSelection", { question: "When was it built?" });
    const classify = () => commands.executeCommand<ClassifyResult>("spanfill.classifySelection");
    assert.deepEqual([await ask(), await classify()], [undefined, undefined]);
    const model = workspace.getConfiguration("spanfill").get<string>("model") || (await status()).model;
    await withSetting("spanfill.models.ask", model, async () => {
      const made = await ask();
      assert.equal(made?.coverage, 1);
      for (const { start, end } of made.answers.flatMap(({ ranges }) => ranges)) {
        assert.ok(start.line >= 2 && end.line <= 3, "an answer outside of the selection");
      }
      await commands.executeCommand("spanfill.nextAnswer");
      await commands.executeCommand("spanfill.previousAnswer");
    });
    await withSetting("spanfill.models.classify", model, async () => {
      assert.equal((await classify())?.coverage, 1);
    });
    assert.equal(editor.document.getText(), PROSE);
    await commands.executeCommand("notifications.clearAll");
  });

  test("puts a summary above its text as a quotation, or in its place, each undone in one step", async () => {
    const editor = await open(PROSE);
    const paragraph = PROSE.split("\n\n")[1] ?? "";
    select(editor, paragraph);
    await commands.executeCommand("spanfill.summarizeSelection");
    const shown = await shownSummary();
    const summary = shown.getText().split("\n\n— ")[0] ?? "";
    if (!trained) return;
    // From the text itself, as a key binding would.
    assert.equal(window.activeTextEditor?.document, editor.document);
    await commands.executeCommand("spanfill.insertSummaryAsComment");
    const [before = "", after = ""] = PROSE.split(paragraph);
    const text = editor.document.getText();
    assert.ok(text.startsWith(`${before}> `) && text.endsWith(`\n\n${paragraph}${after}`), text);
    const quoted = text.slice(before.length, -`\n\n${paragraph}${after}`.length).split("\n");
    assert.ok(
      quoted.every((line) => line.startsWith("> ") && line.length <= 80),
      quoted.join("\n"),
    );
    assert.equal(quoted.map((line) => line.slice(2)).join(" "), summary.replaceAll("\n", " "));
    await commands.executeCommand("undo");
    assert.equal(editor.document.getText(), PROSE);
    await commands.executeCommand("spanfill.replaceWithSummary", shown.uri);
    assert.equal(editor.document.getText(), `${before}${summary}${after}`);
    await commands.executeCommand("undo");
    assert.equal(editor.document.getText(), PROSE);
    // Of a selection that no summary is shown of, one is made.
    const other = PROSE.slice(PROSE.indexOf("Today")).trimEnd();
    select(editor, other);
    await commands.executeCommand("spanfill.replaceWithSummary");
    const replaced = editor.document.getText();
    assert.ok(replaced.startsWith(PROSE.split(other)[0] ?? "") && !replaced.includes(other), replaced);
    await commands.executeCommand("undo");
    assert.equal(editor.document.getText(), PROSE);
  });
});

/** Opens the preview of the gaps and decides on it. */
async function decide(command: string): Promise<void> {
  await settled(commands.executeCommand("spanfill.fillGapsWithPreview"), command);
}

/** Runs a command of the preview until what waits for it is done; without a preview it does nothing. */
async function settled(done: Thenable<unknown>, command: string): Promise<void> {
  let over = false;
  const end = done.then(() => {
    over = true;
  });
  await eventually("the preview's end", async () => {
    if (!over) await commands.executeCommand(command);
    return over;
  });
  await end;
}

/** A pattern that matches the text itself. */
function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
