/** In the comments of programs the commands about suggestions, and the status item, are there as in prose. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { COMMENTED_LANGUAGES } from "../../protocol/comments.ts";
import { fakeVSCode, loadClient } from "../support/fake-vscode.ts";

const text = "// The harbour was built in\nlet x = 1;\n";
const document = {
  uri: { scheme: "file", toString: () => "file:///a.ts" },
  languageId: "typescript",
  isDirty: true,
  getText: () => text,
  offsetAt: ({ line, character }: { line: number; character: number }) =>
    line === 0 ? character : text.indexOf("\n") + 1 + character,
};
const vscode = fakeVSCode(document);
const { window, languages, commands, workspace } = vscode.api as Record<string, Record<string, unknown>>;
type Selector = readonly { readonly language: string; readonly scheme: string }[];
type Typed = (change: { document: object; contentChanges: readonly object[] }) => void;
let selector: Selector = [];
let typed: Typed = () => undefined;
const executed: unknown[] = [];
Object.assign(languages ?? {}, {
  createLanguageStatusItem: (_id: string, given: Selector) => {
    selector = given;
    return {};
  },
});
Object.assign(commands ?? {}, { executeCommand: async (id: string) => void executed.push(id) });
Object.assign(workspace ?? {}, {
  onDidChangeTextDocument: (listener: Typed) => {
    typed = listener;
    return { dispose: () => undefined };
  },
});
interface Client {
  readonly commands: Record<
    "explainSuggestionHere" | "continueAtCursor" | "showMenu",
    (context: object, argument?: unknown) => Promise<void>
  >;
  readonly status: { createStatusItem(): unknown };
  readonly typing: { noticeTyping(typed: () => void, now: () => number): unknown };
}
const client = await loadClient<Client>(
  { commands: "client/commands/commands.ts", status: "client/editor/status.ts", typing: "client/editor/typing.ts" },
  vscode,
);

const asked: { command: string; argument: Record<string, unknown> }[] = [];
let answer: unknown;
const server = {
  ready: async () => ({
    code2ProtocolConverter: { asUri: String, asPosition: (position: object) => position },
  }),
  execute: async (command: string, argument: Record<string, unknown>) => {
    asked.push({ command, argument });
    return answer;
  },
};
const context = { server, pause: { paused: false } };
const editor = window?.["activeTextEditor"] as { selection: object } | undefined;

beforeEach(() => {
  asked.length = 0;
  executed.length = 0;
  vscode.shown.length = 0;
});

async function explain(line: number, character: number): Promise<string | undefined> {
  if (editor !== undefined) editor.selection = { active: { line, character } };
  await client.commands.explainSuggestionHere(context);
  return vscode.shown.find(({ by }) => /^show(Information|Warning)/.test(by))?.text;
}

test("why there was no suggestion is said in a comment, from the comment's text alone", async () => {
  answer = { items: [], reason: "the model had nothing to say" };
  assert.equal(await explain(0, 27), "No suggestion here: the model had nothing to say.");
  const [{ command, argument } = assert.fail()] = asked;
  assert.equal(command, "continueText");
  assert.deepEqual([argument["text"], argument["explicit"]], ["The harbour was built in", false]);
  answer = { items: [" 1862"] };
  vscode.shown.length = 0;
  assert.equal(await explain(0, 27), "Spanfill would suggest here: 1862");
});

test("in code that is said, and the server is not asked", async () => {
  assert.equal(await explain(1, 3), "No suggestion here: the cursor is in code.");
  assert.deepEqual(asked, []);
});

test("ghost text can be asked for in a program", async () => {
  await client.commands.continueAtCursor(context);
  assert.deepEqual(executed, ["editor.action.inlineSuggest.trigger"]);
});

test("the status item is there in every language with comments", () => {
  client.status.createStatusItem();
  const missing = Object.keys(COMMENTED_LANGUAGES).filter((id) => !selector.some(({ language }) => language === id));
  assert.deepEqual(missing, []);
});

test("the menu offers every command of package.json", async () => {
  const declared: { command: string }[] = JSON.parse(readFileSync("package.json", "utf8")).contributes.commands;
  const offered = new Set<string>();
  vscode.choose = (entries) => {
    for (const { choice } of entries as { choice?: { command: string } }[]) if (choice) offered.add(choice.command);
    return undefined;
  };
  answer = { model: "a", precision: "int8", device: "cpu" };
  await client.commands.showMenu(context);
  const others = declared.map(({ command }) => command).filter((id) => id !== "spanfill.showMenu" && !offered.has(id));
  assert.deepEqual(others, []);
});

test("typing is noticed in any document, once a second, and what a program writes is not typing", () => {
  let now = 0;
  let count = 0;
  client.typing.noticeTyping(
    () => {
      count += 1;
    },
    () => now,
  );
  const change = (changed: object, contentChanges: readonly object[] = [{ text: "a" }]) =>
    typed({ document: { ...document, ...changed }, contentChanges });
  change({});
  now = 500;
  change({});
  assert.equal(count, 1, "within a second");
  now = 1500;
  change({}, []);
  change({ isDirty: false });
  change({ isDirty: false, uri: { scheme: "output" } });
  assert.equal(count, 1, "saved, written anew by a program, or an output channel");
  change({ languageId: "json" });
  assert.equal(count, 2);
  now = 3000;
  change({ isDirty: false, uri: { scheme: "vscode-notebook-cell" } });
  assert.equal(count, 3);
});
