/** Clients that give up: what they asked for stops, the next request has its turn at once, nobody else notices. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, request as httpRequest } from "node:http";
import { after, before, test } from "node:test";
import { Client, credentials, status } from "@grpc/grpc-js";
import { encodeMessage, listedTensors, METHODS, pathOf } from "../../server/engine/wire/grpc/messages.ts";
import { wholeNumbers } from "../../server/engine/wire/tensors.ts";
import { type ModelServer, serveModel } from "../../server/serving/serve.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { eventually } from "../support/waiting.ts";

const LONG = 1500;
const SHORT = 8;
const folder = randomModelFolder({ layers: 2, width: 64 });
const place = { host: "127.0.0.1", port: 0 };
const model = { directory: folder.directory, precision: "float32", threads: 1 } as const;
const same = (bytes: Buffer) => bytes;
let server: ModelServer;
let client: Client;
before(async () => {
  server = await serveModel({ ...place, ...model, grpc: place, token: undefined, tls: undefined });
  client = new Client(new URL(server.grpcAddress ?? "").host, credentials.createInsecure());
});
after(async () => {
  client.close();
  await server.close();
  folder.dispose();
});

const tensors = (steps: number) => ({
  input_ids: wholeNumbers([1, 4], [10, 11, 12, 1]),
  attention_mask: wholeNumbers([1, 4], [1, 1, 1, 1]),
  tokens: wholeNumbers([1, 1], [0]),
  steps: wholeNumbers([1, 1], [steps]),
  ngram: wholeNumbers([1, 1], [2 ** 30]),
  banned: wholeNumbers([1, 1], [1]),
  stops: wholeNumbers([1, 1], [-1]),
});

function post(steps: number): ClientRequest {
  const inputs = Object.entries(tensors(steps)).map(([name, { shape, datatype, values }]) => {
    return { name, shape, datatype, data: [...values].map(Number) };
  });
  const request = httpRequest(`${server.address}/v2/models/${server.names[2]}/infer`, { method: "POST" });
  request.on("error", () => undefined).end(JSON.stringify({ inputs }));
  return request;
}

function message(method: "ModelInfer" | "ModelStreamInfer"): Buffer {
  const { listed, raw } = listedTensors(tensors(LONG));
  const [request] = METHODS[method];
  return encodeMessage(request, { model_name: server.names[2], id: "1", inputs: listed, raw_input_contents: raw });
}

/** Starts a long request. @returns what gives it up, and resolves when the client knows that it has ended */
const kinds: Readonly<Record<string, () => () => Promise<unknown>>> = {
  "HTTP, a connection that is closed": () => {
    const request = post(LONG);
    return () => {
      const closed = new Promise((resolve) => request.once("close", resolve));
      request.destroy();
      return closed;
    };
  },
  "gRPC, a call that is cancelled": () => {
    let cancelled = (_code: number | undefined) => {};
    const end = new Promise<number | undefined>((resolve) => {
      cancelled = resolve;
    });
    const call = client.makeUnaryRequest(pathOf("ModelInfer"), same, same, message("ModelInfer"), (error) =>
      cancelled(error?.code),
    );
    return async () => {
      call.cancel();
      assert.equal(await end, status.CANCELLED);
    };
  },
  "gRPC, a stream that is cancelled": () => {
    const call = client.makeBidiStreamRequest(pathOf("ModelStreamInfer"), same, same);
    const end = once(call, "error");
    call.write(message("ModelStreamInfer"));
    call.resume();
    return async () => {
      call.cancel();
      const [error] = await end;
      assert.equal(error.code, status.CANCELLED);
    };
  },
};

test("a request that is given up in its midst stops, and the next one is answered as ever", async () => {
  const began = performance.now();
  await answerOf(post(LONG));
  const longMs = performance.now() - began;
  const expected = await answerOf(post(SHORT));
  for (const [kind, begin] of Object.entries(kinds)) {
    const batches = await metric("batch_rows_count");
    const giveUp = begin();
    await eventually(async () => (await metric("batch_rows_count")) > batches);
    await giveUp();
    const left = performance.now();
    assert.deepEqual(await answerOf(post(SHORT)), expected, kind);
    const ms = performance.now() - left;
    assert.ok(ms < longMs / 2, `${kind}: the next one took ${ms} ms, and one that is not given up ${longMs} ms`);
    assert.equal(await metric("waiting"), 0, kind);
  }
});

async function answerOf(request: ClientRequest): Promise<unknown> {
  const [response] = await once(request, "response");
  let text = "";
  for await (const part of response) text += part;
  assert.equal(response.statusCode, 200);
  return JSON.parse(text).outputs[0].data;
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${server.address}/metrics`)).text();
  return Number(new RegExp(`^spanfill_${name} (\\d+)$`, "m").exec(text)?.[1]);
}
