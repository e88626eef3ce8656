/** Text goes to an inference server only where the settings say so, and its token to its origin only. */
import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import type { EngineStatus } from "../../protocol/requests.ts";
import { SERVER_TOKEN_NOTIFICATION } from "../../protocol/requests.ts";
import { createServerChoice } from "../../server/lsp/engine/server-choice.ts";
import { serveModel } from "../../server/serving/serve.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { type Session, startSession } from "./session.ts";

const model = randomModelFolder({ seed: 16 });
const uri = "file:///a.md";
const TEXT = `# of\n\n${"the one of and to in is that it for was on are as with they be at one have this from. ".repeat(6)}\n`;
const TOKEN = "a-token-of-some-length";
/** Headers of the requests to a server that answers nothing of use. */
const asked: IncomingHttpHeaders[] = [];
const sessions: Session[] = [];
let recorder: Server;
let address: string;

before(async () => {
  recorder = createServer(({ headers }, response) => {
    asked.push(headers);
    response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => recorder.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(recorder.address() as AddressInfo).port}`;
});
after(async () => {
  for (const session of sessions) await session[Symbol.asyncDispose]();
  recorder?.closeAllConnections();
  recorder?.close();
  model.dispose();
});

const common = { model: model.directory, precision: "float32", threads: 1, logLevel: "debug" };

/** Has a summary written by the model, whatever its confidence. @returns the engine's status afterwards */
async function summarized(settings: object, token?: object): Promise<{ status: EngineStatus; session: Session }> {
  const session = await startSession({ settings: { ...common, ...settings, summary: { minimumConfidence: 0 } } });
  sessions.push(session);
  if (token !== undefined) session.client.notify(SERVER_TOKEN_NOTIFICATION, token);
  session.open(uri, TEXT);
  await session.command("spanfill.summarizeRange", { uri, style: "sentence" });
  const status = (await session.command("spanfill.status")) as EngineStatus;
  return { status, session };
}

const quiet: readonly [string, () => object][] = [
  ["the CPU", () => ({ device: "cpu", server: { url: address } })],
  ["the quickest device", () => ({ device: "auto", server: { url: address } })],
  ["a server that is not named", () => ({ device: "server", server: { url: "" } })],
];
for (const [name, settings] of quiet) {
  test(`nothing is sent where the settings choose ${name}`, async () => {
    asked.length = 0;
    const { status } = await summarized(settings(), { origin: address, token: TOKEN });
    assert.deepEqual([status.device, status.host, asked.length], ["cpu", undefined, 0]);
  });
}

test("the server that is set is asked, with the token that is stored for its origin", async () => {
  const tokens: readonly [object | undefined, string | undefined][] = [
    [undefined, undefined],
    [{ origin: "https://elsewhere.example", token: TOKEN }, undefined],
    [{ origin: address, token: TOKEN }, `Bearer ${TOKEN}`],
    [{ origin: address, token: 7 }, undefined],
  ];
  for (const [token, expected] of tokens) {
    asked.length = 0;
    const { status, session } = await summarized({ device: "server", server: { url: `${address}/` } }, token);
    assert.ok(asked.length > 0);
    assert.deepEqual([...new Set(asked.map(({ authorization }) => authorization))], [expected]);
    // It is tried again without a further notice, so that it is named also while the CPU takes its place.
    assert.equal(status.host, new URL(address).host);
    assert.match(status.deviceNotice ?? "", /Server failed, so the CPU takes its place/);
    assert.doesNotMatch(JSON.stringify([session.client.received, status]), new RegExp(TOKEN));
  }
});

test("a model of the server that is set answers, and the status says where text goes", async () => {
  const place = { host: "127.0.0.1", port: 0, token: TOKEN, tls: undefined };
  const server = await serveModel({ ...place, directory: model.directory, precision: "float32", threads: 1 });
  const token = { origin: server.address, token: TOKEN };
  const { status, session } = await summarized({ device: "server", server: { url: server.address } }, token);
  const { host } = new URL(server.address);
  assert.deepEqual([status.device, status.host, status.deviceNotice], ["server", host, undefined]);
  const question = { kind: "devices", id: "x", again: false };
  const devices = (await session.client.request("spanfill/panel", question)) as {
    readonly host: string;
    readonly found: readonly { readonly device: string; readonly state: string; readonly detail: string }[];
  };
  assert.equal(devices.host, host);
  const { state, detail } = devices.found.find(({ device }) => device === "server") ?? assert.fail();
  assert.equal(state, "usable");
  assert.match(detail, new RegExp(`^spanfill .* at ${host} answers in \\d+ ms\\. It offers ${server.id}\\. Token ids`));
  await server.close();
});

test("only the chosen features go to the server; the CPU answers the others, and the model is here and there at once", async () => {
  const place = { host: "127.0.0.1", port: 0, token: undefined, tls: undefined };
  const server = await serveModel({ ...place, directory: model.directory, precision: "float32", threads: 1 });
  const settings = (features: readonly string[]) => ({ device: "server", server: { url: server.address, features } });
  const { host } = new URL(server.address);
  for (const [features, device, named] of [
    [["summarize"], "server", host],
    [["infill", "ask"], "cpu", host],
    [[], "cpu", undefined],
  ] as const) {
    const { status, session } = await summarized(settings(features));
    assert.deepEqual([status.device, status.host, status.deviceNotice], [device, named, undefined]);
    await session.command("spanfill.fillGapsInText", { text: "The one ___ of and to in." });
    const after = (await session.command("spanfill.status")) as EngineStatus;
    assert.equal(after.device, features.some((feature) => feature === "infill") ? "server" : "cpu");
  }
  await server.close();
});

test("settings come before the environment, whose token stays with its own origin; certificates are passed on", () => {
  const environment = { SPANFILL_SERVER: "https://a.example:8000", SPANFILL_SERVER_TOKEN: TOKEN };
  const choice = createServerChoice(environment);
  const named = (url: string) => choice.connectionOf({ "server.url": url, "server.certificates": "/ca.pem" });
  assert.deepEqual(choice.connectionOf({}), { url: environment.SPANFILL_SERVER, token: TOKEN });
  assert.deepEqual(named("https://b.example"), { url: "https://b.example", certificateFile: "/ca.pem" });
  assert.equal(named("https://a.example:8000/path")?.token, TOKEN);
  assert.equal(named("http://a.example:8000")?.token, undefined);
  choice.take({ origin: "grpcs://a.example:8001", token: TOKEN });
  assert.equal(named("grpcs://a.example:8001")?.token, TOKEN);
  for (const other of ["grpcs://b.example:8001", "grpc://a.example:8001", "ftp://a.example:8001"])
    assert.equal(named(other)?.token, undefined);
  assert.deepEqual(createServerChoice({}).connectionOf({}), undefined);
});
