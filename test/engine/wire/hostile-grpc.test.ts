/** Servers that misbehave over gRPC: each gives a clear message within the deadline. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import { parseConfig } from "../../../models/t5/config.ts";
import { createInferenceClient } from "../../../server/engine/wire/client.ts";
import { encodeMessage, listedTensors } from "../../../server/engine/wire/grpc/messages.ts";
import { openServerRunner } from "../../../server/engine/wire/runner.ts";
import { floats, type WireTensors, wholeNumbers } from "../../../server/engine/wire/tensors.ts";

const DEADLINE_MS = 1500;
const config = parseConfig({
  ...{ vocab_size: 130, d_model: 32, d_ff: 64, d_kv: 16, num_heads: 2, num_layers: 1, model_type: "t5" },
});
const sum = Int32Array.from([1, 2, 3, 4, 5, 6, 7, 8]);

type Answer = (stream: ServerHttp2Stream) => void;

/** A message as gRPC frames it. */
function framed(message: Uint8Array, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

const HEADERS = { ":status": 200, "content-type": "application/grpc" };
const ended = (stream: ServerHttp2Stream, code: number, details = "") =>
  stream.respond({ ...HEADERS, "grpc-status": String(code), "grpc-message": details }, { endStream: true });
const message =
  (bytes: Uint8Array, length?: number): Answer =>
  (stream) => {
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.respond(HEADERS, { waitForTrailers: true });
    stream.end(framed(bytes, length));
  };
const status =
  (code: number, details?: string): Answer =>
  (stream) =>
    ended(stream, code, details);

/** An answer with tensors; the right sum unless another is given. */
function tensors(given: WireTensors, lost = 0): Answer {
  const { listed, raw } = listedTensors({ model_sum: wholeNumbers([1, 8], sum), ...given });
  const response = { outputs: listed, raw_output_contents: raw.slice(lost) };
  return message(encodeMessage("ModelInferResponse", response));
}

/** A server whose metadata are right, and whose inferences are the case's. */
async function serving(answer: Answer) {
  const server = createHttp2Server();
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    stream.resume();
    const path = headers[":path"] ?? "";
    if (path.endsWith("/ServerMetadata")) message(encodeMessage("ServerMetadataResponse", { name: "x" }))(stream);
    else if (path.endsWith("/ModelMetadata")) message(encodeMessage("ModelMetadataResponse", { name: "m" }))(stream);
    else answer(stream);
  });
  return listening(server);
}

async function listening(server: ReturnType<typeof createServer> | ReturnType<typeof createHttp2Server>) {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `grpc://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const logits = floats([1, 1, 1, 130], new Float32Array(130));
const cases: readonly [name: string, answer: Answer, expected: RegExp][] = [
  ["nothing", () => undefined, /did not answer within 1.5 seconds/],
  [
    "half an answer, then nothing",
    (stream) => {
      stream.respond(HEADERS);
      stream.write(framed(Buffer.alloc(9), 999));
    },
    /did not answer within 1.5 seconds/,
  ],
  [
    "half an answer",
    (stream) => {
      stream.respond(HEADERS);
      stream.write(framed(Buffer.alloc(9), 999), () => stream.session?.destroy());
    },
    /could not be reached, or broke the connection/,
  ],
  ["garbage", message(Buffer.from("<html>")), /not one of the Open Inference Protocol/],
  [
    "a page",
    (stream) => {
      stream.respond({ ":status": 200, "content-type": "text/html" });
      stream.end("<html>");
    },
    /answered \w+|sent more than is allowed here/,
  ],
  ["no call of that name", status(12), /it has no such call/],
  ["a wrong token", status(16, "no"), /refuses the token \(UNAUTHENTICATED\)/],
  ["no such model", status(5, "none"), /does not serve m-step/],
  ["too busy", status(8, "full"), /has too much to do, or is ending/],
  ["an error", status(13, "boom"), /answered INTERNAL: boom/],
  ["another model", tensors({ logits, model_sum: wholeNumbers([1, 8], sum.toReversed()) }), /has another model/],
  ["another vocabulary", tensors({ logits: floats([1, 1, 1, 99], new Float32Array(99)) }), /logits of the shape/],
  ["no logits", tensors({}), /logits of the shape \[undefined\]/],
  ["another type", tensors({ logits: wholeNumbers([1, 1, 1, 130], new Int32Array(130)) }), /logits of the shape/],
  ["fewer bytes than tensors", tensors({ logits }, 1), /has 2 tensors, but the bytes of 1/],
  ["more than it may", message(Buffer.alloc(9), 400 * 1024 * 1024), /sent more than is allowed here/],
];

for (const [name, answer, expected] of cases) {
  test(`a server that sends ${name} over gRPC`, async () => {
    await rejects(await serving(answer), expected);
  });
}

async function rejects(url: string, expected: RegExp): Promise<void> {
  const client = await createInferenceClient({ url, deadlineMs: DEADLINE_MS });
  const beganMs = performance.now();
  await assert.rejects(openServerRunner(client, { id: "m", config, sum }), expected);
  assert.ok(performance.now() - beganMs < DEADLINE_MS + 3000);
  await client.dispose();
}

test("programs that do not speak gRPC, or nothing at all, over gRPC", async () => {
  await rejects("grpc://127.0.0.1:4", /could not be reached, or broke the connection \(connect ECONNREFUSED/);
  await rejects(await listening(createServer()), /did not answer within 1.5 seconds/);
  await rejects(await listening(createServer((socket) => socket.end("hello"))), /could not be reached, or broke/);
  const rest = createHttpServer((_, response) => response.end("{}"));
  await rejects(await listening(rest), /could not be reached, or broke|answered INTERNAL/);
  await assert.rejects(
    createInferenceClient({ url: "grpc://example.org:8001", token: "secret-token" }),
    (error: Error) => /over plain grpc.*Use grpcs/.test(error.message) && !error.message.includes("secret-token"),
  );
});
