/** Each setting changes what the server answers. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { configurationProperties } from "../../protocol/settings.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { type Session, startSession } from "./session.ts";

const [model, other] = [randomModelFolder({ seed: 16 }), randomModelFolder({ seed: 2 })];
after(() => {
  model.dispose();
  other.dispose();
});
const settings = {
  ...{ model: model.directory, precision: "float32", threads: 1, logLevel: "info" },
  ...{ inlineCompletion: { minimumConfidence: 0 }, summary: { minimumConfidence: 0 } },
};
const PROSE = "the one of and to in is that it for was on are as with they be at one have this from. ";
const TEXT = `# of\n\n${PROSE.repeat(30)}\n\nthe one of the and is\n\nthe ___ of\n`;
const uri = "file:///a.md";
const lastLine = { line: 4, character: 21 };

type Answer = Readonly<Record<string, unknown>>;
const command = async (session: Session, name: string, args: object = {}) =>
  (await session.command(`spanfill.${name}`, { uri, ...args })) as Answer;
const suggested = (session: Session) => session.inlineCompletion(uri, lastLine, 1);
const wordHover = async ({ client }: Session) =>
  (await client.request("textDocument/hover", {
    textDocument: { uri },
    position: { line: 4, character: 5 },
  })) !== null;
const modelOf = async (session: Session, name: string, args: object = {}) =>
  (await command(session, name, args))["model"];
/** Whether the log has lines of debugging after a request. */
const isDebugged = async (session: Session) => {
  session.client.received.length = 0;
  await suggested(session);
  return session.client.received.some(({ params }) => /^inline completion: /.test(Object(params).message));
};

/** A setting, two values, the question, and the answers that the values make. */
const rows: readonly [
  name: string,
  values: readonly [unknown, unknown],
  ask: (session: Session) => Promise<unknown>,
  expected: readonly [unknown, unknown],
][] = [
  [
    "summary.style",
    ["sentence", "bullets"],
    async (session) => /^- /.test(String((await command(session, "summarizeRange"))["summary"])),
    [false, true],
  ],
  [
    "maxContextTokens",
    [512, 64],
    async (session) => Number((await command(session, "summarizeRange", { style: "sentence" }))["coverage"]) < 0.2,
    [false, true],
  ],
  [
    "precision",
    ["float32", "int8"],
    async (session) => {
      await command(session, "summarizeRange");
      return (await command(session, "status"))["precision"];
    },
    ["float32", "int8"],
  ],
  [
    "models.summarize",
    ["", other.directory],
    (session) => modelOf(session, "summarizeRange"),
    [basename(model.directory), basename(other.directory)],
  ],
  [
    "models.infill",
    ["", other.directory],
    (session) => modelOf(session, "fillGaps", { version: 1 }),
    [basename(model.directory), basename(other.directory)],
  ],
  [
    "models.ask",
    [model.directory, other.directory],
    (session) => modelOf(session, "askRange", { version: 1, question: "of?" }),
    [basename(model.directory), basename(other.directory)],
  ],
  [
    "models.classify",
    [model.directory, other.directory],
    (session) => modelOf(session, "classifyRange", { version: 1, labels: ["of", "it"] }),
    [basename(model.directory), basename(other.directory)],
  ],
  [
    "inlineCompletion.length",
    ["word", "paragraph"],
    async (session) => (await suggested(session)).some(({ insertText }) => insertText.trim().includes(" ")),
    [false, true],
  ],
  ["inlineCompletion.alternatives", [1, 3], async (session) => (await suggested(session)).length > 1, [false, true]],
  [
    "inlineCompletion.minimumConfidence",
    [0, 1],
    async (session) => (await session.inlineCompletion(uri, lastLine, 2)).length > 0,
    [true, false],
  ],
  ["hover.words", [true, false], wordHover, [true, false]],
  ["logLevel", ["error", "debug"], isDebugged, [false, true]],
];

/** Settings whose effect another test of this or the named folder has. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...{ model: "lsp/document/stale.test.ts", threads: "lsp/settings.test.ts", device: "lsp/panel.test.ts" },
  ...{ idleMinutes: "lsp/server.test.ts", enable: "lsp/document/folders.test.ts", gapMarker: "lsp/server.test.ts" },
  ...{ "inlineCompletion.enabled": "lsp/server.test.ts", "hover.enabled": "lsp/server.test.ts" },
  ...{ "inlineCompletion.comments": "features/write/inline-completion.test.ts" },
  ...{ "inlineCompletion.learnFrom": "lsp/learning.test.ts", "codeLens.enabled": "lsp/document/secrets.test.ts" },
  ...{ "summary.minimumConfidence": "lsp/shown.test.ts", "summary.keep": "lsp/document/summaries.test.ts" },
  "training.pauseWhileTyping": "lsp/document/typing.test.ts",
  ...{ "server.url": "lsp/inference-server.test.ts", "server.certificates": "lsp/inference-server.test.ts" },
  "server.features": "lsp/inference-server.test.ts",
};

test("no setting is without a test of its effect", () => {
  const tested = new Set([...rows.map(([name]) => name), ...Object.keys(ELSEWHERE)]);
  const all = Object.keys(configurationProperties()).map((name) => name.replace(/^spanfill\./, ""));
  assert.deepEqual([...tested].sort(), all.sort());
  for (const [name, file] of Object.entries(ELSEWHERE)) {
    const key = name.split(".").at(-1);
    assert.match(readFileSync(join("test", file), "utf8"), new RegExp(`\\b${key}\\b`), name);
  }
});

test("each setting changes the server's answers", { timeout: 300_000 }, async (t) => {
  await using session = await startSession({ settings });
  session.open(uri, TEXT);
  for (const [name, values, ask, expected] of rows)
    await t.test(name, async () => {
      const answers: unknown[] = [];
      for (const value of values) {
        session.settings = withSetting(name, value);
        session.client.notify("workspace/didChangeConfiguration", { settings: null });
        answers.push(await ask(session));
      }
      assert.deepEqual(answers, expected);
    });
});

test("the engine computes with as many threads as the setting says", {
  skip: process.platform !== "linux" && "counts the threads in /proc",
}, async () => {
  await using session = await startSession({ settings });
  session.open(uri, TEXT);
  const counts: number[] = [];
  for (const threads of [1, 3]) {
    session.settings = withSetting("threads", threads);
    session.client.notify("workspace/didChangeConfiguration", { settings: null });
    await command(session, "fillGaps", { version: 1 });
    counts.push(readdirSync(`/proc/${(await command(session, "status"))["pid"]}/task`).length);
  }
  const [one = 0, three = 0] = counts;
  assert.ok(three >= one + 2, `${one} threads with 1, ${three} with 3`);
});

/** The settings with one of another value, as a client's section has it. */
function withSetting(name: string, value: unknown): Record<string, unknown> {
  const [section = "", key] = name.split(".");
  if (key === undefined) return { ...settings, [section]: value };
  const rest: Readonly<Record<string, unknown>> = settings;
  return { ...settings, [section]: { ...Object(rest[section]), [key]: value } };
}
