/** Servers that misbehave: each gives a clear message within the deadline, and the CPU answers in their place. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { after, before, test } from "node:test";
import { parseConfig } from "../../../models/t5/config.ts";
import { readTokenizer } from "../../../server/catalog/folder/tokenizer.ts";
import { createLocalEngine } from "../../../server/engine/process/local.ts";
import { type ConfiguredRunner, openOnServer } from "../../../server/engine/process/server.ts";
import { openRunner } from "../../../server/engine/runtime/ort/runner.ts";
import { createInferenceClient } from "../../../server/engine/wire/client.ts";
import { openServerRunner } from "../../../server/engine/wire/runner.ts";
import { floats, packTensors, wholeNumbers } from "../../../server/engine/wire/tensors.ts";
import { type ModelServer, serveModel } from "../../../server/serving/serve.ts";
import { randomModelFolder } from "../../support/models/random-model.ts";

const DEADLINE_MS = 1500;
const folder = randomModelFolder();
after(() => folder.dispose());
const config = parseConfig({
  vocab_size: 130,
  d_model: 32,
  d_ff: 64,
  d_kv: 16,
  num_heads: 2,
  num_layers: 1,
  model_type: "t5",
});
const sum = Int32Array.from([1, 2, 3, 4, 5, 6, 7, 8]);

/** How a server answers an inference; its metadata are right. */
type Answer = (response: ServerResponse, request: IncomingMessage) => void;

async function serving(answer: Answer, metadata: Answer = rightMetadata) {
  const server = createServer((request, response) => {
    request.resume();
    (request.url?.endsWith("/infer") ? answer : metadata)(response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, [Symbol.dispose]: () => void server.close().closeAllConnections() };
}

const rightMetadata: Answer = (response, { url }) =>
  response.end(JSON.stringify(url === "/v2" ? { name: "x", version: "1", extensions: [] } : { name: "m", inputs: [] }));

const outputs =
  (tensors: Parameters<typeof packTensors>[1]): Answer =>
  (response) =>
    response.end(packTensors("outputs", { model_sum: wholeNumbers([1, 8], sum), ...tensors }, {}, false).body);
const logits = (shape: number[], values = new Float32Array(shape.reduce((a, b) => a * b))) =>
  outputs({ logits: floats(shape, values) });

const cases: [name: string, answer: Answer, message: RegExp, metadata?: Answer][] = [
  ["nothing", () => undefined, /did not answer within 1.5 seconds/],
  ["half an answer, then nothing", (response) => void response.writeHead(200).write('{"outputs": ['), /did not answer/],
  [
    "half an answer",
    (response) => void response.writeHead(200, { "content-length": 999 }).write("{", () => response.destroy()),
    /could not be reached, or broke/,
  ],
  ["garbage", (response) => response.end("<html>"), /not one of the Open Inference Protocol.*JSON cannot be parsed/],
  ["another JSON", (response) => response.end('{"outputs": 3}'), /not one of the Open Inference Protocol/],
  ["a wrong token", (response) => response.writeHead(401).end("{}"), /refuses the token \(401\)/],
  ["no such model", (response) => response.writeHead(404).end("{}"), /does not serve m-step \(404\)/],
  ["too busy", (response) => response.writeHead(503).end("{}"), /too much to do/],
  ["an error", (response) => response.writeHead(500).end('{"error": "boom"}'), /answered 500: boom/],
  [
    "a redirect",
    (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    /could not be reached/,
  ],
  [
    "another model",
    outputs({
      logits: floats([1, 1, 1, 130], new Float32Array(130)),
      model_sum: wholeNumbers([1, 8], sum.toReversed()),
    }),
    /has another model under the name m-step/,
  ],
  ["no sum", outputs({ model_sum: wholeNumbers([0, 8], []) }), /has another model/],
  ["another vocabulary", logits([1, 1, 1, 99]), /logits of the shape \[1,1,1,99\]/],
  ["no logits", outputs({}), /logits of the shape \[undefined\]/],
  [
    "no numbers",
    (response) =>
      response.end(
        `{"outputs": [{"name": "model_sum", "datatype": "INT32", "shape": [1, 8], "data": [${sum}]}, {"name": "logits", "datatype": "FP32", "shape": [1, 1, 1, 130], "data": ["a"]}]}`,
      ),
    /data are not numbers/,
  ],
  ["another type", outputs({ logits: wholeNumbers([1, 1, 1, 130], new Int32Array(130)) }), /logits of the shape/],
  [
    "metadata that are a page",
    () => undefined,
    /not one of the Open Inference Protocol/,
    (response) => response.end("<html>"),
  ],
];

for (const [name, answer, message, metadata] of cases) {
  test(`a server that sends ${name}`, async () => {
    using server = await serving(answer, metadata);
    const client = await createInferenceClient({ url: server.url, deadlineMs: DEADLINE_MS });
    await assert.rejects(openServerRunner(client, { id: "m", config, sum }), message);
    await client.dispose();
  });
}

test("addresses, plain http and certificates that cannot be used are named", async () => {
  await assert.rejects(createInferenceClient({ url: "nowhere" }), /server's address is not a valid address/);
  await assert.rejects(createInferenceClient({ url: "http://example.org", token: "secret-token" }), (error: Error) => {
    assert.doesNotMatch(error.message, /secret-token/);
    return /over plain http/.test(error.message);
  });
  const certificateFile = "/nowhere.pem";
  await assert.rejects(
    createInferenceClient({ url: "https://localhost", certificateFile }),
    /nowhere\.pem cannot be read/,
  );
  const gone = await createInferenceClient({ url: "http://127.0.0.1:4" });
  await assert.rejects(gone.about(), /could not be reached, or broke the connection \(ECONNREFUSED\)/);
  const plain = createSocketServer((socket) => socket.end("no TLS here"));
  plain.listen(0, "127.0.0.1");
  await once(plain, "listening");
  const secure = await createInferenceClient({ url: `https://127.0.0.1:${(plain.address() as AddressInfo).port}` });
  await assert.rejects(secure.about(), /could not be reached/);
  plain.close();
});

let model: ModelServer;
const address = { host: "127.0.0.1", port: 0, token: undefined, tls: undefined };
before(async () => {
  model = await serveModel({ ...address, directory: folder.directory, precision: "float32", threads: 1 });
});

test("a server that goes away is replaced by the CPU in mid-request, once told, and taken back when it is well", async () => {
  const told: string[] = [];
  const { directory } = folder;
  const openOnCpu = async (): Promise<ConfiguredRunner> => openRunner(directory, "float32", 1);
  const opened = await openOnServer({
    ...{ directory, openOnCpu, tokenizer: readTokenizer(directory), pausesMs: [0] },
    connection: { url: model.address },
    onFallback: (device, why) => told.push(`${device}: ${why}`),
  });
  const logits = () =>
    opened.use(async (runner) => {
      const encoded = await runner.encode([[10, 11, 1]]);
      const step = await encoded.start(1).step([0], null);
      encoded.dispose();
      return [...step.logits.slice(0, 3)].map((value) => value.toFixed(4));
    });
  const [expected, { port }] = [await logits(), new URL(model.address)];
  assert.equal(opened.device, "server");
  await model.close();
  assert.deepEqual([await logits(), await logits(), opened.device], [expected, expected, "cpu"]);
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /server: The server 127\.0\.0\.1:\d+ could not be reached/);
  model = await serveModel({ ...address, directory, precision: "float32", threads: 1, port: Number(port) });
  while (opened.device !== "server") assert.deepEqual(await logits(), expected);
  assert.deepEqual(await logits(), expected);
  await opened.dispose();
});

test("without a server the CPU answers and says so", async () => {
  delete process.env["SPANFILL_SERVER"];
  const told: string[] = [];
  const engine = createLocalEngine((_, why) => told.push(why));
  const loaded = await engine.load({ directory: folder.directory, precision: "float32", threads: 1, device: "server" });
  assert.equal(loaded.info.device, "cpu");
  assert.match(told.join(), /No server is set/);
  await engine.dispose();
  await model.close();
});
