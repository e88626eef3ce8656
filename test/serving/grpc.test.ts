/** `serve --grpc` over grpc-js: the service, strangers, streams of tokens, errors, and the end. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  decodeMessage,
  encodeMessage,
  listedTensors,
  METHODS,
  type Method,
  pathOf,
} from "../../server/engine/wire/grpc/messages.ts";
import { wholeNumbers } from "../../server/engine/wire/tensors.ts";
import { type ModelServer, serveModel } from "../../server/serving/serve.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const folder = randomModelFolder({ layers: 2, width: 64 });
const TOKEN = "a-token-of-twenty-characters";
let server: ModelServer;
let client: Client;
before(async () => {
  const place = { host: "127.0.0.1", port: 0 };
  const model = { directory: folder.directory, precision: "float32" as const, threads: 1 };
  server = await serveModel({ ...place, ...model, grpc: place, token: TOKEN, tls: undefined });
  client = new Client(new URL(server.grpcAddress ?? "").host, credentials.createInsecure());
});
after(async () => {
  client.close();
  await server.close();
  folder.dispose();
});

function metadata(token: string | undefined): Metadata {
  const sent = new Metadata();
  if (token !== undefined) sent.set("authorization", `Bearer ${token}`);
  return sent;
}

type Message = Record<string, never> & Record<string, unknown>;
const same = (bytes: Buffer) => bytes;

async function ask(method: Method, message: object, token: string | undefined = TOKEN): Promise<Message> {
  const [request, response] = METHODS[method];
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const sent = encodeMessage(request, message);
    client.makeUnaryRequest(pathOf(method), same, same, sent, metadata(token), (error, answer) =>
      answer === undefined ? reject(error) : resolve(answer),
    );
  });
  return decodeMessage(response, bytes) as Message;
}

function generation(steps: number, { id = "7", tokens = [0] } = {}) {
  const ids = [10, 11, 12, 1];
  const { listed, raw } = listedTensors({
    input_ids: wholeNumbers([1, 4], ids),
    attention_mask: wholeNumbers([1, 4], [1, 1, 1, 1]),
    tokens: wholeNumbers([1, tokens.length], tokens),
    steps: wholeNumbers([1, 1], [steps]),
    ngram: wholeNumbers([1, 1], [2 ** 30]),
    banned: wholeNumbers([1, 1], [1]),
    stops: wholeNumbers([1, 1], [-1]),
  });
  return { model_name: server.names[2], id, inputs: listed, raw_input_contents: raw };
}

const idsOf = ({ raw_output_contents: [bytes] }: { raw_output_contents: readonly Uint8Array[] }) =>
  Array.from(new Int32Array(new Uint8Array(bytes ?? []).buffer));

test("health needs no token, all else does", async () => {
  assert.deepEqual(await ask("ServerLive", {}, ""), { live: true });
  assert.deepEqual(await ask("ServerReady", {}, ""), { ready: true });
  for (const method of ["ServerMetadata", "ModelInfer", "ModelReady", "RepositoryIndex"] as const)
    for (const token of [undefined, "another-token"])
      await assert.rejects(
        ask(method, {}, token ?? ""),
        (error: ServiceError) =>
          error.code === status.UNAUTHENTICATED && /token is missing or wrong/.test(error.details),
      );
  assert.equal((await ask("ServerMetadata", {}))["name"], "spanfill");
  const [step] = server.names;
  assert.deepEqual(await ask("ModelReady", { name: step, version: "1" }), { ready: true });
  const { inputs, versions } = await ask("ModelMetadata", { name: step });
  assert.deepEqual(versions, ["1"]);
  assert.deepEqual(inputs?.[0], { name: "input_ids", datatype: "INT32", shape: [-1, -1] });
});

const errors: readonly [string, () => object, status, RegExp][] = [
  ["another model", () => ({ ...generation(4), model_name: "other" }), status.NOT_FOUND, /no such model or version/],
  ["another version", () => ({ ...generation(4), model_version: "2" }), status.NOT_FOUND, /no such model or version/],
  [
    "too few bytes",
    () => ({ ...generation(4), raw_input_contents: [Buffer.alloc(4)] }),
    status.INVALID_ARGUMENT,
    /bytes of 1/,
  ],
  [
    "a wrong id",
    () => generation(4, { tokens: [99_999] }),
    status.INVALID_ARGUMENT,
    /tokens has values that are not token/,
  ],
  ["too many steps", () => generation(9999), status.INVALID_ARGUMENT, /steps is 9999/],
  ["another output", () => ({ ...generation(4), outputs: [{ name: "x" }] }), status.INVALID_ARGUMENT, /no output x/],
];
test("what cannot be answered gets a status and a message without values", async () => {
  for (const [name, request, code, details] of errors)
    await assert.rejects(
      ask("ModelInfer", request()),
      (error: ServiceError) => error.code === code && details.test(error.details),
      name,
    );
  const garbage = new Promise((_, reject) => {
    client.makeUnaryRequest(pathOf("ModelInfer"), same, same, Buffer.from("\u00ff"), metadata(TOKEN), (error) =>
      reject(error),
    );
  });
  await assert.rejects(garbage, (error: ServiceError) => error.code === status.INVALID_ARGUMENT);
});

test("a stream brings a text's tokens as they are produced, and the same as one answer", async () => {
  const [whole] = [idsOf((await ask("ModelInfer", generation(100))) as never)];
  assert.equal(whole.length, 100);
  const [request, response] = METHODS.ModelStreamInfer;
  const call = client.makeBidiStreamRequest(pathOf("ModelStreamInfer"), same, same, metadata(TOKEN));
  call.write(encodeMessage(request, generation(100, { id: "a" })));
  call.write(encodeMessage(request, { ...generation(4, { id: "b" }), model_name: "other" }));
  call.end();
  const ids: number[] = [];
  const ends: unknown[] = [];
  let parts = 0;
  for await (const bytes of call) {
    const { error_message: error, infer_response: part } = decodeMessage(response, bytes) as Message;
    if (error !== "") ends.push([part?.["id"], error]);
    else if (part?.["parameters"]?.["triton_final_response"] !== undefined) ends.push([part["id"], ""]);
    else {
      parts += 1;
      ids.push(...idsOf(part as never));
    }
  }
  assert.deepEqual(ids, whole);
  assert.ok(parts > 1, `${parts} parts`);
  assert.deepEqual(ends.sort(), [
    ["a", ""],
    ["b", "There is no such model or version here."],
  ]);
  const stranger = client.makeBidiStreamRequest(pathOf("ModelStreamInfer"), same, same, metadata("no"));
  const refusal = new Promise((letIn, reject) => stranger.on("error", reject).on("end", letIn).resume());
  stranger.end();
  await assert.rejects(refusal, (error: ServiceError) => error.code === status.UNAUTHENTICATED);
});
