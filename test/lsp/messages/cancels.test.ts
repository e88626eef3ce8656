/** Every kind of request is answered at once when it is cancelled while the engine stands still, and has a deadline. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { COMMAND_NAMES, type CommandName, commandId } from "../../../protocol/commands.ts";
import { type ServerQuestion, serverQuestionSchema } from "../../../protocol/panel.ts";
import type { EngineStatus } from "../../../protocol/requests.ts";
import { readManifest, resolveModel } from "../../../server/catalog/installed.ts";
import { COMMAND_DEADLINES, QUESTION_DEADLINES } from "../../../server/lsp/request-deadlines.ts";
import { RpcError } from "../../support/json-rpc.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { startSession } from "../session.ts";

const CANCELLED = -32800;
const folder = mkdtempSync(join(tmpdir(), "spanfill-cancels-"));
const model = randomModelFolder();
/** A hub that takes connections and says nothing. */
const hub = createServer().listen(0, "127.0.0.1");
await new Promise((resolve) => hub.once("listening", resolve));
const address = hub.address();
assert.ok(typeof address === "object" && address !== null);
// The server reads these when it starts.
Object.assign(process.env, {
  ...{ HF_ENDPOINT: `http://127.0.0.1:${address.port}`, HF_HOME: folder, HF_HUB_CACHE: join(folder, "hub") },
  ...{ SPANFILL_MODELS: join(folder, "own"), SPANFILL_CACHE: join(folder, "cache") },
});
after(() => {
  hub.close();
  model.dispose();
  rmSync(folder, { recursive: true, force: true });
});
const SENTENCE = "The harbor was built when the railway reached the coast, and merchants needed ___ to load coal.";
const TEXT = `---\ntitle: x\n---\n\n# Harbor\n\n${`${SENTENCE} `.repeat(6)}\n`;
const uri = pathToFileURL(join(folder, "notes.md")).href;
writeFileSync(join(folder, "notes.md"), TEXT);
writeFileSync(
  join(model.directory, "spanfill.json"),
  JSON.stringify({ id: "taught", prefixes: { qa: "q: ", classify: "c: " } }),
);
writeFileSync(
  join(folder, "pairs.jsonl"),
  Array.from({ length: 200 }, (_, i) => JSON.stringify({ input: `${i} ${SENTENCE}`, target: `${i}` })).join("\n"),
);

const position = { line: 6, character: 6 };
const named = { uri, version: 1 };
const range = { start: position, end: { line: 6, character: 10 } };
const request = { base: model.directory, data: join(folder, "pairs.jsonl"), task: "text" as const };
const builtin = readManifest(resolveModel()).id;

const methods: Readonly<Record<string, object>> = {
  "textDocument/hover": { textDocument: { uri }, position },
  "textDocument/inlineCompletion": { textDocument: { uri }, position, context: { triggerKind: 1 } },
  "textDocument/codeLens": { textDocument: { uri } },
  "textDocument/codeAction": {
    ...{ textDocument: { uri }, range: { start: position, end: position } },
    context: { diagnostics: [], triggerKind: 1 },
  },
};
const commands: Readonly<Record<Exclude<CommandName, "freeModelMemory" | "restartEngine">, object>> = {
  summarizeRange: named,
  summarizeText: { text: TEXT },
  summarizeFolder: { uri: pathToFileURL(folder).href },
  forgetSummaries: {},
  fillGaps: named,
  fillGapsInText: { text: SENTENCE },
  rephrase: { ...named, range },
  writeField: { ...named, field: "title" },
  continueHere: { ...named, position },
  continueText: { uri, text: SENTENCE, offset: 20, explicit: true },
  explainSuggestion: { uri, position },
  askRange: { ...named, question: "When was it built?" },
  classifyRange: { ...named, labels: ["ships", "trains"] },
  status: {},
};
type Question<Kind> = Omit<Extract<ServerQuestion, { kind: Kind }>, "kind" | "request"> & { request?: object };
const questions: { readonly [Kind in ServerQuestion["kind"]]: Question<Kind> } = {
  models: {},
  get: { id: "google/t5-efficient-tiny" },
  stop: { id: "google/t5-efficient-tiny" },
  remove: { id: "none/such" },
  verify: { id: model.directory },
  import: { path: model.directory },
  measure: { id: builtin, precision: "int8", device: "cpu" },
  devices: { id: builtin, again: true },
  cluster: { address: "ray://127.0.0.1:9" },
  pace: { request: { ...request, on: "ray://127.0.0.1:9" } },
  generate: {
    ...{ id: builtin, precision: "int8", text: SENTENCE, maxNewTokens: 1024, numBeams: 4, temperature: 0 },
    ...{ noRepeatNgramSize: 0, alternatives: 0 },
  },
  runs: {},
  run: { id: "none" },
  checkData: { request },
  fit: { request },
  startRun: { title: "Run", request: { ...request, base: "none/such" } },
  steerRun: { id: "none", action: "pause" },
  compareRun: { id: "none" },
  removeRun: { id: "none", model: false },
};
/** Those that a stopped engine, a silent hub or another process keeps from ending. */
const KEPT = [
  ...["textDocument/hover", "textDocument/inlineCompletion", "textDocument/codeAction"],
  ...["summarizeRange", "summarizeText", "fillGaps", "fillGapsInText", "rephrase", "writeField", "continueHere"],
  ...["continueText", "askRange", "classifyRange", "measure", "devices", "generate"],
];

test("each kind is answered at once", async () => {
  await using session = await startSession({ settings: { model: model.directory, precision: "float32", threads: 1 } });
  const { client } = session;
  session.open(uri, TEXT);
  await session.command("spanfill.fillGapsInText", { text: SENTENCE });
  const { pid } = (await session.command("spanfill.status")) as EngineStatus;
  assert.ok(pid !== undefined);
  process.kill(pid, "SIGSTOP");
  const all = [
    ...Object.entries(methods).map(([method, params]) => ({ kind: method, method, params })),
    ...Object.entries(commands).map(([kind, argument]) => ({
      ...{ kind, method: "workspace/executeCommand" },
      params: { command: commandId(kind as CommandName), arguments: [argument] },
    })),
    ...Object.entries(questions).map(([kind, question]) => {
      const params = { kind, ...question };
      assert.ok(serverQuestionSchema.safeParse(params).success, kind);
      return { kind, method: "spanfill/panel", params };
    }),
  ];
  const ends = new Map<string, unknown>();
  const begun = all.map(({ kind, method, params }) => {
    const { id, result } = client.start(method, params);
    result.then(
      (value) => ends.set(kind, value),
      (error: unknown) => ends.set(kind, error instanceof RpcError && error.code === CANCELLED ? CANCELLED : error),
    );
    return id;
  });
  await roundTrip(client);
  const before = new Set(ends.keys());
  for (const id of begun) client.notify("$/cancelRequest", { id });
  let trips = 0;
  for (; ends.size < all.length && trips < 100; trips += 1) await roundTrip(client);
  const open = all.filter(({ kind }) => !ends.has(kind)).map(({ kind }) => kind);
  assert.deepEqual(open, [], `unanswered after ${trips} other requests`);
  const others = KEPT.filter((kind) => before.has(kind) || ends.get(kind) !== CANCELLED);
  assert.deepEqual(
    others.map((kind) => [kind, before.has(kind), String(ends.get(kind))]),
    [],
    "they had ended before, or were not cancelled",
  );
  // It answers with what it has, if it had begun.
  const digest = ends.get("summarizeFolder");
  const isPartial = typeof digest === "object" && digest !== null && "partial" in digest && digest.partial === true;
  assert.ok(isPartial || digest === CANCELLED, JSON.stringify(digest));
  // What ends the engine's process.
  for (const name of ["restartEngine", "freeModelMemory"] as const) {
    const { id, result } = client.start("workspace/executeCommand", { command: commandId(name) });
    client.notify("$/cancelRequest", { id });
    await result.catch((error: unknown) => assert.ok(error instanceof RpcError && error.code === CANCELLED, name));
  }
});

/** Asks for something that is refused at once. */
async function roundTrip(client: { request(method: string): Promise<unknown> }): Promise<void> {
  await client.request("nonsense").catch(() => undefined);
}

test("each kind has a deadline, and requests are answered in one way only", () => {
  assert.deepEqual(Object.keys(COMMAND_DEADLINES).sort(), [...COMMAND_NAMES].sort());
  assert.deepEqual(Object.keys(QUESTION_DEADLINES).sort(), Object.keys(questions).sort());
  for (const deadline of Object.values(COMMAND_DEADLINES)) {
    for (const characters of [0, 1e6]) {
      const ms = deadline({ characters });
      assert.ok(ms >= 1000 && ms <= 3_600_000, `${ms}`);
    }
  }
  for (const deadline of Object.values(QUESTION_DEADLINES)) {
    for (const bytes of [0, 20e9]) {
      const ms = deadline(bytes);
      assert.ok(ms >= 1000 && ms <= 6 * 3_600_000, `${ms}`);
    }
  }
  const source = readFileSync("server/main.ts", "utf8");
  const handled = [...source.matchAll(/\bconnection\.onRequest\(([^;]*)/g)].map(([, given = ""]) => given);
  const unbounded = handled.filter((given) => !/\banswer\(/.test(given));
  assert.ok(handled.length > 5 && unbounded.length === 1 && /^\(method\)/.test(unbounded[0] ?? ""), `${unbounded}`);
});
