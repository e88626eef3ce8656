/** Everything that the client shows, at each place where it does, when what it is given is hostile. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ErrorCodes, LSPErrorCodes, ResponseError } from "vscode-languageserver-protocol";
import { type FakeVSCode, fakeVSCode, loadClient } from "../support/fake-vscode.ts";
import { assertShown, HOSTILE } from "../support/hostile.ts";
import { eventually } from "../support/waiting.ts";

const uri = { scheme: "file", path: `/${HOSTILE.replaceAll("/", "")}.md`, toString: () => "file:///a.md" };
const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 4 }, isEmpty: false, union: () => range };
const document = {
  uri,
  version: 1,
  languageId: "markdown",
  lineCount: 1,
  getText: () => "some words",
  validateRange: () => range,
  getWordRangeAtPosition: () => range,
};
const vscode: FakeVSCode = fakeVSCode(document);
type Run = (...given: unknown[]) => Promise<unknown>;
const client = await loadClient<Record<string, Record<string, Run>>>(
  {
    commands: "client/commands/commands.ts",
    gaps: "client/commands/gaps.ts",
    log: "client/editor/log.ts",
    messages: "client/editor/messages.ts",
    pause: "client/editor/pause.ts",
    questions: "client/commands/questions.ts",
    registration: "client/editor/register-command.ts",
    rephrase: "client/commands/rephrase.ts",
    status: "client/editor/status.ts",
    progress: "client/server/progress.ts",
    host: "client/panel/host.ts",
    runs: "client/panel/runs.ts",
    view: "client/commands/summary-view.ts",
  },
  vscode,
);
/** A function of one of the modules. */
function of(module: string, name: string): Run {
  const run = client[module]?.[name];
  assert.ok(run, `${module}.${name}`);
  return run;
}

const questions = { asked: [] };

/** What the server answers to its commands. */
let answers: Record<string, unknown> = {};
const connection = {
  code2ProtocolConverter: { asUri: String, asRange: () => range, asPosition: () => range.start },
  protocol2CodeConverter: { asRange: () => range },
  onNotification: (_method: unknown, listener: (news: object) => void) => {
    news = listener;
    return { dispose: () => undefined };
  },
  onDidChangeState: () => ({ dispose: () => undefined }),
  sendRequest: async (_method: unknown, { kind }: { kind: string }) => answers[kind],
};
let news: (news: object) => void = () => undefined;
const server = {
  ready: async () => connection,
  execute: async (name: string, _argument: unknown, { report }: { report: (progress: object) => void }) => {
    report({ message: HOSTILE });
    const answer = answers[name];
    if (answer instanceof Error) throw answer;
    return answer;
  },
};
const stored = new Map<string, unknown>();
const memory = {
  get: (name: string) => stored.get(name),
  update: async (name: string, value: unknown) => void stored.set(name, value),
};
const panel = {
  extension: { globalState: memory, workspaceState: memory, subscriptions: [] },
  server: async () => server,
};
const context = { server, summaries: { find: () => undefined }, pause: { paused: false } };

/** Asserts that each of these functions, and no other, showed something, and that it was clean. */
async function shows(expected: readonly string[], act: () => unknown, most = 1000): Promise<void> {
  vscode.shown.length = 0;
  await act();
  await new Promise((done) => setImmediate(done));
  // Icons are ours: the first thing in a label, where VS Code takes them.
  for (const { text } of vscode.shown) assertShown(text.replace(/^\$\([a-z-]+\) /, ""), most);
  const by = new Set(vscode.shown.map(({ by }) => by));
  for (const each of expected) assert.ok(by.has(each), `${each} is not among ${[...by]}`);
}

afterEach(() => {
  vscode.choose = undefined;
  answers = {};
});

test("notifications: errors of every kind, warnings", async () => {
  const codes = [LSPErrorCodes.RequestFailed, ErrorCodes.InternalError, ErrorCodes.InvalidParams];
  const kinds = ["input", "task", "checkpoint", "config", "internal", undefined];
  await shows(["showErrorMessage", "showWarningMessage"], async () => {
    for (const code of codes)
      for (const kind of kinds) await of("messages", "explain")(new ResponseError(code, HOSTILE, { code: kind }));
    await of("messages", "explain")(new Error(HOSTILE));
    await of("messages", "explain")(HOSTILE);
    await of("messages", "warn")(HOSTILE);
  });
});

test("notifications: an error that a server's command ends with", async () => {
  answers = { fillGaps: new ResponseError(LSPErrorCodes.RequestFailed, HOSTILE, { code: "checkpoint" }) };
  await shows(["showErrorMessage"], () => of("gaps", "fillGapsIn")(server, document, []));
});

test("notifications: a command that fails", async () => {
  await of("registration", "registerCommand")("spanfill.test", () => {
    throw new Error(HOSTILE);
  });
  await assert.rejects(vscode.commands.get("spanfill.test")?.() ?? Promise.resolve(), (error: Error) => {
    assertShown(error.message, 1000);
    return true;
  });
});

test("notifications and remarks: an answer, its places, labels, a suggestion", async () => {
  const result = { chunks: 1, coverage: 1, ms: 1, model: HOSTILE, notes: [HOSTILE] };
  const ask = () => of("questions", "askAbout")({ server, questions }, document, undefined, HOSTILE);
  vscode.choose = () => undefined;
  answers = { askRange: { ...result, answers: [{ text: HOSTILE, likelihood: 1, ranges: [] }] } };
  await shows(["showInformationMessage"], ask);
  answers = { askRange: { ...result, answers: [{ text: HOSTILE, likelihood: 1, ranges: [range, range] }] } };
  await shows(["showInformationMessage", "setStatusBarMessage"], async () => {
    await ask();
    await of("questions", "stepAnswer")(questions, 1);
  });
  const labels = [HOSTILE, HOSTILE, HOSTILE].map((label) => ({ label, probability: 0.3 }));
  answers = { classifyRange: { ...result, labels } };
  await shows(["showInformationMessage"], () => of("questions", "classifyPart")(server, document, undefined));
  answers = { explainSuggestion: { suggestion: HOSTILE } };
  await shows(["showInformationMessage"], () => of("commands", "explainSuggestionHere")(context));
  answers = { explainSuggestion: { reason: HOSTILE } };
  await shows(["showWarningMessage"], () => of("commands", "explainSuggestionHere")(context));
});

test("picks: earlier questions, other words, models, the menu's title; a box's prompt", async () => {
  await shows(["quick pick items label"], () =>
    of("questions", "askAbout")({ server, questions }, document, undefined, undefined),
  );
  answers = {
    rephrase: {
      range,
      alternatives: [{ text: HOSTILE, confidence: 1 }],
      ms: 1,
      model: HOSTILE,
      calibrated: true,
    },
  };
  await shows(["quick pick items label", "quick pick placeholder", "decoration after contentText"], () =>
    of("rephrase", "offerOtherWords")(server, { ...Object(vscode.api["window"]).activeTextEditor }, range),
  );
  const model = { id: HOSTILE, family: HOSTILE, parameters: 1, needsFineTuning: true, installed: {} };
  answers = { models: { models: [model] } };
  await shows(["showQuickPick label", "showQuickPick description", "showQuickPick placeHolder"], () =>
    of("host", "chooseModel")(panel),
  );
  answers = { status: { model: HOSTILE, precision: HOSTILE, device: "cpu", pid: 1 } };
  await shows(["showQuickPick title", "showQuickPick label"], () => of("commands", "showMenu")(context));
  answers = { writeField: { value: HOSTILE, notes: [HOSTILE], range, newText: HOSTILE } };
  await shows(["showInputBox prompt"], () => of("commands", "writeTitle")(context));
});

test("status items: the engine's state and failure; a run's title and its end", async () => {
  const status = (await of("status", "createStatusItem")()) as unknown as { show: (status: object) => void };
  for (const state of ["ready", "failed"])
    await shows(["status text", "status detail", "status accessibilityInformation label"], () =>
      status.show({ state, model: HOSTILE, precision: HOSTILE, device: "cpu", message: HOSTILE }),
    );
  const run = { id: "1", title: HOSTILE, state: "running", step: 1, steps: 2, request: { task: "summarize" } };
  answers = { runs: { runs: [run] } };
  const options = { onNews: () => undefined, isSeen: () => false, show: () => undefined };
  let watch: { startedHere: (run: object) => Promise<void> } | undefined;
  // Lines of a tooltip may be several.
  const tooltip = async () => {
    watch = (await of("runs", "watchRuns")(panel, options)) as typeof watch;
    for (const shown of vscode.shown.splice(0))
      for (const text of shown.text.split("\n")) vscode.shown.push({ ...shown, text });
  };
  await shows(["status bar text", "status bar tooltip"], tooltip);
  for (const end of [
    { state: "failed", message: HOSTILE },
    {
      state: "done",
      base: { metrics: { [HOSTILE]: 0 }, validation: 1 },
      best: { metrics: { [HOSTILE]: 1 }, validation: 1 },
    },
  ]) {
    await watch?.startedHere(run);
    await shows([end.state === "done" ? "showInformationMessage" : "showWarningMessage"], () =>
      news({ summary: { ...run, ...end } }),
    );
  }
});

test("progress: what the server says of it", { timeout: 300_000 }, async () => {
  await shows(["progress title", "progress message"], () =>
    of("progress", "withPatience")(HOSTILE, async ({ report }: { report: (progress: object) => void }) => {
      await eventually(() => vscode.shown.some(({ by }) => by === "progress title"));
      report({ message: HOSTILE, increment: 1 });
    }),
  );
});

test("log: entries of every level, errors, and what the language client appends", async () => {
  const log = (await of("log", "openLog")("Spanfill")) as unknown as Record<string, (...given: unknown[]) => void>;
  const levels = ["trace", "debug", "info", "warn", "error"];
  await shows(
    [...levels, "append", "appendLine", "replace"].map((level) => `log ${level}`),
    () => {
      for (const level of levels) log[level]?.(HOSTILE, HOSTILE, new Error(HOSTILE));
      for (const way of ["append", "appendLine", "replace"]) log[way]?.(HOSTILE);
    },
    8000,
  );
});

test("preview of gaps: labels and descriptions, and the markers that are no gaps", async () => {
  answers = { fillGaps: { fills: [{ range, text: HOSTILE, confidence: 1 }], notes: [HOSTILE] } };
  const shown = ["preview label", "preview description", "showInformationMessage"];
  await shows(shown, () => of("gaps", "previewGapsIn")(server, document, []));
});

test("a summary's own text stays as it is; the line about it is clean", async () => {
  const view = (await of("view", "createSummaryView")()) as unknown as { show: Run };
  const result = { summary: HOSTILE, notes: [HOSTILE], chunks: 1, coverage: 1, ms: 1, model: HOSTILE };
  await view.show({ source: document, version: 1, range, text: "", result });
  const { find } = view as unknown as { find: (uri?: unknown) => { result: { summary: string } } };
  assert.equal(find(uri).result.summary, HOSTILE);
});
