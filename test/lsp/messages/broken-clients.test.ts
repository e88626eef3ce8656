import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { after, describe, it, test } from "node:test";
import type { EngineStatus } from "../../../protocol/requests.ts";
import { built } from "../../support/built.ts";
import { framed, type Message, RpcClient, RpcError, UNANSWERED } from "../../support/json-rpc.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";
import { eventually } from "../../support/waiting.ts";
import { FULL, lives, type Session, startServer, startSession } from "../session.ts";

const folder = randomModelFolder();
after(folder.dispose);
const settings = { model: folder.directory, precision: "float32", threads: 1 };
const URI = "file:///notes.md";
const position = { line: 0, character: 4 };

const QUESTIONS = [
  ...["workspace/configuration", "client/registerCapability", "window/workDoneProgress/create"],
  ...["workspace/applyEdit", "workspace/workspaceFolders"],
];

const NOT_INITIALIZED = -32002;
const INVALID_REQUEST = -32600;
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
const CANCELLED = -32800;

const code = (expected: number) => (error: unknown) => {
  assert.ok(error instanceof RpcError, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};

/** A session whose engine runs. */
async function withEngine(): Promise<Session & { readonly pid: number }> {
  const session = await startSession({ settings });
  session.open(URI, "the ___ of");
  await session.command("spanfill.fillGaps", { uri: URI, version: 1 });
  const { pid } = (await session.command("spanfill.status")) as EngineStatus;
  assert.ok(pid !== undefined && lives(pid));
  return Object.assign(session, { pid });
}

/** Waits for a process that is not a child of this one to end. */
function gone(pid: number): Promise<void> {
  return eventually(() => !lives(pid));
}

/** The server still answers. */
async function works(client: RpcClient): Promise<void> {
  assert.equal(
    typeof (await client.request("initialize", { processId: null, rootUri: null, capabilities: {} })),
    "object",
  );
}

// How it ends

const endings: [string, (session: Session) => unknown, number][] = [
  [
    "shutdown and exit",
    async ({ client }) => {
      assert.equal(await client.request("shutdown"), null);
      client.notify("exit");
    },
    0,
  ],
  ["exit without shutdown", ({ client }) => client.notify("exit"), 1],
  ["its input ends", ({ client }) => void client.process.stdin.end(), 1],
  [
    "its input ends after shutdown",
    async ({ client }) => {
      await client.request("shutdown");
      client.process.stdin.end();
    },
    0,
  ],
  [
    "its input ends in the middle of a message",
    ({ client }) => {
      client.raw(framed({ jsonrpc: "2.0", id: 99, method: "shutdown" }).slice(0, -5));
      client.process.stdin.end();
    },
    1,
  ],
  [
    "its input ends in the middle of work",
    async ({ client }) => {
      const work = { command: "spanfill.fillGaps", arguments: [{ uri: URI, version: 1 }] };
      client.start("workspace/executeCommand", work);
      client.process.stdin.end();
    },
    1,
  ],
];
for (const [what, end, expected] of endings) {
  test(`${what}: exit code ${expected}, and no engine is left`, async () => {
    await using session = await withEngine();
    await end(session);
    assert.deepEqual(await session.client.exited, [expected, null], session.client.stderr);
    await gone(session.pid);
  });
}

test("a killed server leaves no engine", async () => {
  await using session = await withEngine();
  session.client.process.kill("SIGKILL");
  await gone(session.pid);
});

test("a client that is killed takes the server along", async () => {
  const script = `
    const { spawn } = require("node:child_process");
    const server = spawn(process.execPath, [process.argv[1], "serve", "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
    server.stdin.write(process.argv[2]);
    server.stdout.once("data", () => process.stdout.write(String(server.pid)));`;
  const hello = framed({ jsonrpc: "2.0", id: 1, method: "initialize", params: { processId: null, capabilities: {} } });
  const client = spawn(process.execPath, ["-e", script, built("cli.js"), hello], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(client.stdout, "data");
  assert.ok(lives(Number(said)));
  client.kill("SIGKILL");
  await gone(Number(said));
});

test("over IPC it answers, and ends when the client disconnects", async () => {
  const server = fork(built("server.js"), ["--node-ipc"], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const exited = once(server, "exit");
  server.send({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { processId: null, rootUri: null, capabilities: {} },
  });
  const [answer] = await once(server, "message");
  assert.equal((answer as { result: { serverInfo: { name: string } } }).result.serverInfo.name, "spanfill");
  server.disconnect();
  assert.deepEqual(await exited, [1, null]);
});

test("without --stdio it says how it is started", async () => {
  await using client = new RpcClient(built("cli.js"), ["serve"]);
  assert.deepEqual(await client.exited, [2, null]);
  assert.match(client.stderr, /--stdio/);
});

// What it is told

const garbage: [string, string | Buffer][] = [
  ["words with blank lines", "hello\r\n\r\nhow are you?\r\n\r\n"],
  ["words on the line of the next header", "hello "],
  ["a line before the next header", "hello: you\r\n"],
  ["a length that no message has", "Content-Length: 99999999999999\r\n\r\n"],
  ["a header without a length", "Content-Type: text/plain\r\n\r\n"],
  ["a length that is no number", "Content-Length: many\r\n\r\n"],
  ["a body that is no JSON", "Content-Length: 5\r\n\r\n{nope"],
  ["a body that is no message", framed([1, "two", null])],
  ["a body that is null", framed(null)],
  ["an object that is no message", framed({ jsonrpc: "2.0", what: 1 })],
  ["an answer that nothing asked for", framed({ jsonrpc: "2.0", id: 77, result: 1 })],
  ["a cancellation without parameters", framed({ jsonrpc: "2.0", method: "$/cancelRequest" })],
  ["bytes that are no UTF-8", Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0d, 0x0a, 0x0d, 0x0a])],
];
test("garbage does not bring it down", async () => {
  await using client = startServer();
  for (const [what, bytes] of garbage) {
    client.raw(bytes);
    const { id, result } = client.start("nonsense");
    await assert.rejects(result, code(NOT_INITIALIZED), `after ${what} (id ${id})`);
  }
  await works(client);
});

test("a message in pieces is a message", async () => {
  await using client = startServer();
  const bytes = Buffer.from(framed({ jsonrpc: "2.0", id: "é", method: "nonsense" }));
  for (const byte of bytes) client.raw(Buffer.from([byte]));
  const { error } = await client.until(({ id }) => id === "é");
  assert.equal(error?.code, NOT_INITIALIZED);
});

test("requests are refused before initialize and after shutdown", async () => {
  await using client = startServer();
  const hover = { textDocument: { uri: URI }, position };
  await assert.rejects(client.request("textDocument/hover", hover), code(NOT_INITIALIZED));
  await works(client);
  await assert.rejects(client.request("initialize", { processId: null, capabilities: {} }), code(INVALID_REQUEST));
  await assert.rejects(client.request("textDocument/hover", hover), code(INVALID_PARAMS), "it is not open");
  await client.request("shutdown");
  await assert.rejects(client.request("textDocument/hover", hover), code(INVALID_REQUEST));
  await assert.rejects(client.request("nonsense"), code(INVALID_REQUEST));
});

test("exit before initialize ends it", async () => {
  await using client = startServer();
  client.notify("exit");
  assert.deepEqual(await client.exited, [1, null]);
});

const wrong: [string, string, unknown, number][] = [
  ["an unknown method", "textDocument/nonsense", {}, METHOD_NOT_FOUND],
  ["no parameters", "textDocument/hover", {}, INVALID_PARAMS],
  [
    "a position that is none",
    "textDocument/hover",
    { textDocument: { uri: URI }, position: { line: -1, character: 0 } },
    INVALID_PARAMS,
  ],
  [
    "a document that is not open",
    "textDocument/codeAction",
    { textDocument: { uri: "file:///no.md" }, range: { start: position, end: position }, context: {} },
    INVALID_PARAMS,
  ],
  ["an unknown command", "workspace/executeCommand", { command: "spanfill.nonsense" }, INVALID_PARAMS],
  ["a command without its arguments", "workspace/executeCommand", { command: "spanfill.fillGaps" }, INVALID_PARAMS],
  [
    "a style there is none of",
    "workspace/executeCommand",
    { command: "spanfill.summarizeRange", arguments: [{ uri: URI, style: "haiku" }] },
    INVALID_PARAMS,
  ],
  ["parameters by position", "textDocument/inlineCompletion", [1, 2], INVALID_PARAMS],
];
test("wrong requests get the error that says what is wrong, and the next is answered", async () => {
  await using session = await startSession({ settings });
  const { client } = session;
  session.open(URI, "the one");
  for (const [what, method, params, expected] of wrong) {
    const { result } = client.start(method, params as object);
    await assert.rejects(result, code(expected), what);
  }
  client.notify("textDocument/nonsense");
  client.notify("$/nonsense");
  client.notify("textDocument/didChange", {
    textDocument: { uri: "file:///no.md", version: 2 },
    contentChanges: [{ text: "" }],
  });
  client.notify("textDocument/didChange", {});
  client.notify("textDocument/didClose", { textDocument: { uri: "file:///no.md" } });
  client.notify("window/workDoneProgress/cancel", { token: "nobody's" });
  assert.equal(((await session.command("spanfill.status")) as EngineStatus).state, "unloaded");
});

test("cancelled ids: unknown, finished, not yet begun", async () => {
  await using session = await startSession({ settings });
  const { client } = session;
  session.open(URI, "the ___ of");
  client.notify("$/cancelRequest", { id: 12345 });
  const done = client.start("workspace/executeCommand", { command: "spanfill.status" });
  await done.result;
  client.notify("$/cancelRequest", { id: done.id });
  // The request and its cancellation arrive together.
  const work = { command: "spanfill.fillGaps", arguments: [{ uri: URI, version: 1 }] };
  const request = { jsonrpc: "2.0", id: "soon", method: "workspace/executeCommand", params: work };
  const cancel = { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: "soon" } };
  client.raw(framed(request) + framed(cancel));
  assert.equal((await client.until(({ id }) => id === "soon")).error?.code, CANCELLED);
});

test("two requests with one id do not bring it down", async () => {
  await using session = await startSession({ settings });
  const { client } = session;
  const twin = (method: string, params: object) => framed({ jsonrpc: "2.0", id: "twin", method, params });
  client.raw(twin("workspace/executeCommand", { command: "spanfill.status" }) + twin("nonsense", {}));
  await client.until(({ id }) => id === "twin");
  assert.equal(((await session.command("spanfill.status")) as EngineStatus).state, "unloaded");
});

test("a client that answers configuration with an error gets the defaults", async () => {
  await using session = await startSession({ settings });
  const { model } = (await session.command("spanfill.status")) as EngineStatus;
  assert.equal(model, folder.directory);
  session.client.answers.set("workspace/configuration", () => {
    throw new Error("no");
  });
  session.client.notify("workspace/didChangeConfiguration", { settings: {} });
  assert.equal(((await session.command("spanfill.status")) as EngineStatus).model, "built-in");
});

test("an engine that hangs keeps nobody waiting: cancels are answered at once, and the server ends", async () => {
  await using session = await withEngine();
  process.kill(session.pid, "SIGSTOP");
  const at = { textDocument: { uri: URI }, position };
  const asks = [
    ["workspace/executeCommand", { command: "spanfill.fillGaps", arguments: [{ uri: URI, version: 1 }] }],
    ["textDocument/hover", at],
    ["textDocument/inlineCompletion", { ...at, context: { triggerKind: 1 } }],
  ] as const;
  for (const [method, params] of asks) {
    const { id, result } = session.client.start(method, params);
    session.client.notify("$/cancelRequest", { id });
    const answer = await result.catch((error: { code: number }) => error.code);
    // A hover that needs no engine may be answered before its cancel is read.
    assert.ok(answer === CANCELLED || (method === "textDocument/hover" && answer === null), method);
  }
  await session.client.request("shutdown");
  session.client.notify("exit");
  assert.deepEqual(await session.client.exited, [0, null], session.client.stderr);
  await gone(session.pid);
});

describe("nobody waits for ever", { concurrency: true }, () => {
  it("an engine that hangs is replaced, and the next one answers", async () => {
    await using session = await withEngine();
    process.kill(session.pid, "SIGSTOP");
    const answer = await session.command("spanfill.fillGaps", { uri: URI, version: 1 });
    assert.ok(answer !== null && typeof answer === "object");
    const { pid } = (await session.command("spanfill.status")) as EngineStatus;
    assert.ok(pid !== undefined && pid !== session.pid && lives(pid));
    await gone(session.pid);
  });

  it("a client that leaves every question unanswered costs ten seconds once, and gets the defaults", async () => {
    await using session = await startSession({
      settings,
      capabilities: { ...FULL, workspace: { ...FULL.workspace, workspaceFolders: true } },
    });
    session.open(URI, "The cache is one ___ the best when a file changes, and so on for a while.");
    for (const method of QUESTIONS) session.client.answers.set(method, () => UNANSWERED);
    session.client.notify("workspace/didChangeConfiguration", { settings: {} });
    const { model } = (await session.command("spanfill.status")) as EngineStatus;
    assert.equal(model, "built-in");
    const all = () =>
      Promise.all([
        session.command("spanfill.fillGaps", { uri: URI, version: 1 }),
        session.command("spanfill.fillGaps", { uri: URI, version: 1, apply: true }),
        session.client.request("textDocument/hover", { textDocument: { uri: URI }, position }),
        session.inlineCompletion(URI, position),
      ]);
    await all();
    const began = performance.now();
    await all();
    for (let i = 0; i < 3; i++) await session.command("spanfill.status");
    assert.ok(performance.now() - began < 10_000);
    for (const method of ["workspace/configuration", "window/workDoneProgress/create", "workspace/applyEdit"]) {
      const isNoted = ({ params = "" }: Message) =>
        JSON.stringify(params).includes(`has not answered ${method} for 10 s`);
      await session.client.until(isNoted);
      assert.equal(session.client.received.filter(isNoted).length, 1, method);
    }
  });
});
