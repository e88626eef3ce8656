/** `serve --http` over plain HTTP requests: the protocol, strangers, limits, turns of clients, and the end. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { after, before, test } from "node:test";
import { type ModelServer, type ServeOptions, serveModel } from "../../server/serving/serve.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const folder = randomModelFolder({ layers: 2, width: 64 });
const TOKEN = "a-token-of-twenty-characters";
const base: ServeOptions = {
  ...{ host: "127.0.0.1", port: 0, token: undefined, tls: undefined },
  ...{ directory: folder.directory, precision: "float32", threads: 1 },
};
let server: ModelServer;
before(async () => {
  server = await serveModel(base);
});
after(async () => {
  await server.close();
  folder.dispose();
});

const tensor = (name: string, shape: number[], data: number[], datatype = "INT32") => ({ name, shape, datatype, data });
const generation = (steps = 8, ids = [10, 11, 12, 1]) => ({
  inputs: [
    tensor("input_ids", [1, ids.length], ids),
    tensor(
      "attention_mask",
      [1, ids.length],
      ids.map(() => 1),
    ),
    tensor("tokens", [1, 1], [0]),
    tensor("steps", [1, 1], [steps]),
    tensor("ngram", [1, 1], [2 ** 30]),
    tensor("banned", [1, 1], [1]),
    tensor("stops", [1, 1], [-1]),
  ],
});

async function ask(path: string, body?: unknown, headers: Record<string, string> = {}, of = server) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const post = body === undefined ? {} : { method: "POST", body: text };
  const response = await fetch(`${of.address}${path}`, { ...post, headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test("health, metadata and the index are the protocol's", async () => {
  assert.deepEqual(JSON.parse((await ask("/v2/health/live")).text), { live: true });
  assert.deepEqual(JSON.parse((await ask("/v2/health/ready")).text), { ready: true });
  const about = JSON.parse((await ask("/v2")).text);
  assert.equal(about.name, "spanfill");
  assert.ok(about.extensions.includes("binary_tensor_data"));
  const [encode = "", step = "", generate = ""] = server.names;
  for (const name of server.names) {
    assert.equal((await ask(`/v2/models/${name}/versions/1/ready`)).status, 200);
    const { inputs, outputs, versions } = JSON.parse((await ask(`/v2/models/${name}`)).text);
    assert.deepEqual(versions, ["1"]);
    assert.deepEqual(
      inputs.slice(0, 2).map(({ name }: { name: string }) => name),
      ["input_ids", "attention_mask"],
    );
    assert.equal(outputs.at(-1).name, "model_sum");
  }
  assert.deepEqual(
    JSON.parse((await ask("/v2/repository/index", {})).text).map(({ name }: { name: string }) => name),
    [encode, step, generate],
  );
});

test("an operation answers in JSON and in bytes", async () => {
  const [encode, step, generate] = server.names;
  const path = `/v2/models/${generate}/infer`;
  const plain = JSON.parse((await ask(path, { id: "7", ...generation() })).text);
  assert.deepEqual([plain.id, plain.model_name, plain.model_version], ["7", generate, "1"]);
  const [ids, logs, sum] = plain.outputs;
  assert.deepEqual(
    [ids.shape, logs.shape, sum.shape],
    [
      [1, 8],
      [1, 8],
      [1, 8],
    ],
  );
  assert.ok(logs.data.every((value: number) => value < 0));
  const outputs = [{ name: "ids", parameters: { binary_data: true } }];
  const response = await fetch(`${server.address}${path}`, {
    method: "POST",
    body: JSON.stringify({ ...generation(), outputs }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get("inference-header-content-length"));
  assert.equal(JSON.parse(bytes.subarray(0, length).toString()).outputs[0].parameters.binary_data_size, 32);
  assert.deepEqual(
    Array.from({ length: 8 }, (_, i) => bytes.readInt32LE(length + 4 * i)),
    ids.data,
  );
  const text = generation().inputs.slice(0, 2);
  const hidden = JSON.parse((await ask(`/v2/models/${encode}/infer`, { inputs: text })).text).outputs[0];
  assert.deepEqual(hidden.shape, [1, 4, 64]);
  const steps = [...text, tensor("tokens", [1, 2, 3], [0, 10, 11, 0, 10, 12]), tensor("first", [1, 1], [2])];
  const logits = JSON.parse((await ask(`/v2/models/${step}/infer`, { inputs: steps })).text).outputs[0];
  assert.deepEqual(logits.shape.slice(0, 3), [1, 2, 1]);
});

const without = (name: string) => ({ inputs: generation().inputs.filter((each) => each.name !== name) });
const instead = (name: string, shape: number[], data: number[], datatype?: string) => ({
  inputs: [...without(name).inputs, tensor(name, shape, data, datatype)],
});
const bad: [body: unknown, status: number, message: RegExp][] = [
  ["{", 400, /JSON cannot be parsed/],
  [{}, 400, /lists no inputs/],
  [{ inputs: [{ name: "a", shape: [-1], datatype: "INT32" }] }, 400, /form/],
  [without("tokens"), 400, /tokens is missing/],
  [instead("tokens", [1, 2], [0]), 400, /has 1 values, but its shape \[1,2\]/],
  [instead("tokens", [1, 1], [99_999]), 400, /not token ids/],
  [instead("tokens", [1, 1], [0.5]), 400, /not whole numbers/],
  [instead("tokens", [1, 1], [0], "BYTES"), 400, /only INT32 and FP32/],
  [instead("attention_mask", [1, 4], [1, 0, 1, 1]), 400, /ones followed by zeros/],
  [instead("steps", [1, 1], [5000]), 400, /steps is 5000/],
  [instead("ngram", [1, 1], [40]), 400, /ngram is 40/],
  [{ ...generation(), outputs: [{ name: "other" }] }, 400, /no output other/],
  ["x".repeat(33 * 1024 * 1024), 413, /at most/],
];
test("what cannot be answered gets a message that names the tensor, and no values", async () => {
  const path = `/v2/models/${server.names[2]}/infer`;
  for (const [body, status, message] of bad) {
    const answered = await ask(path, body).catch(() => undefined); // one that is too large may be cut off
    if (answered === undefined && status === 413) continue;
    assert.equal(answered?.status, status, answered?.text);
    assert.match(JSON.parse(answered?.text ?? "").error, message);
  }
  const short = await ask(path, JSON.stringify(generation()), { "inference-header-content-length": "99999" });
  assert.match(short.text, /ends after/);
  assert.equal((await ask("/v2/models/other/infer", {})).status, 404);
  assert.equal((await ask(`${path.replace("/infer", "/versions/2/infer")}`, {})).status, 404);
  assert.equal((await ask(path)).status, 405);
  assert.equal((await ask("/other")).status, 404);
});

test("strangers are refused: web pages, other names, and without the token everyone", async () => {
  assert.equal((await ask("/v2", undefined, { origin: "https://example.org" })).status, 403);
  assert.equal(await statusWithHost("example.org"), 403);
  const guarded = await serveModel({ ...base, token: TOKEN });
  try {
    for (const authorization of ["", "Bearer other", `Basic ${TOKEN}`])
      assert.equal((await ask("/v2", undefined, { authorization }, guarded)).status, 401);
    assert.equal((await ask("/metrics", undefined, {}, guarded)).status, 401);
    assert.equal((await ask("/v2/health/live", undefined, {}, guarded)).status, 200);
    assert.equal((await ask("/v2", undefined, { authorization: `Bearer ${TOKEN}` }, guarded)).status, 200);
  } finally {
    await guarded.close();
  }
  await assert.rejects(serveModel({ ...base, host: "0.0.0.0" }), /a token is required/);
});

/** fetch() sets this header by itself. */
function statusWithHost(host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(server.address);
    const request = httpRequest({ port, host: "127.0.0.1", path: "/v2", headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", reject).end();
  });
}

test("clients that ask at the same time share batches, and get what each gets alone", async () => {
  const path = `/v2/models/${server.names[2]}/infer`;
  const texts = Array.from({ length: 12 }, (_, i) => [10 + i, 30 + i, ...(i % 2 === 0 ? [50] : []), 1]);
  const idsOf = async (ids: number[], client: string) =>
    JSON.parse((await ask(path, generation(12, ids), { "spanfill-client": client })).text).outputs[0].data;
  const alone: unknown[] = [];
  for (const ids of texts) alone.push(await idsOf(ids, "one"));
  const batches = await metric("spanfill_batch_rows_count");
  assert.deepEqual(await Promise.all(texts.map((ids, i) => idsOf(ids, `client ${i}`))), alone);
  assert.ok((await metric("spanfill_batch_rows_count")) - batches < texts.length);
});

async function metric(name: string, of = server): Promise<number> {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec((await ask("/metrics", undefined, {}, of)).text)?.[1]);
}

test("a full queue refuses, and a client that asks once is not behind one that asks often", async () => {
  const small = await serveModel({ ...base, mostWaiting: 6, mostRows: 1 });
  try {
    const path = `/v2/models/${small.names[2]}/infer`;
    const ended: string[] = [];
    const one = async (client: string) => {
      const { status } = await ask(path, generation(200), { "spanfill-client": client }, small);
      ended.push(`${client} ${status}`);
    };
    const busy = Array.from({ length: 5 }, () => one("busy"));
    await Promise.all([...busy, one("rare")]);
    assert.ok(ended.indexOf("rare 200") < 4, ended.join());
    const many = await Promise.all(Array.from({ length: 20 }, () => ask(path, generation(50), {}, small)));
    const refused = many.filter(({ status }) => status === 503);
    assert.ok(refused.length > 0 && refused.length < 20, `${refused.length}`);
    assert.equal(refused[0]?.headers.get("retry-after"), "1");
  } finally {
    await small.close();
  }
});

test("a request that takes too long ends with 504; ending answers what runs", async () => {
  const hasty = await serveModel({ ...base, mostMs: 30 });
  const slow = await ask(`/v2/models/${hasty.names[2]}/infer`, generation(4000), {}, hasty);
  assert.equal(slow.status, 504);
  await hasty.close();
  const ending = await serveModel(base);
  const running = ask(`/v2/models/${ending.names[2]}/infer`, generation(300), {}, ending);
  while (!(await metric("spanfill_batch_rows_count", ending))) await new Promise((next) => setImmediate(next));
  await ending.close();
  assert.equal((await running).status, 200);
});
