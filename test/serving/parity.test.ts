/** A model on `spanfill serve --http --grpc` writes the tokens that it writes here, whatever is asked. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Engine, LoadedModel } from "../../server/engine/engine.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import { type ModelServer, serveModel } from "../../server/serving/serve.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { testSameTokens } from "../support/models/server-parity.ts";

const folder = randomModelFolder({ layers: 2, width: 48, seed: 7 });
let server: ModelServer;
let engine: Engine;
let here: LoadedModel;
let there: LoadedModel;
let overGrpc: LoadedModel;
const fallbacks: string[] = [];

before(async () => {
  const { directory } = folder;
  const address = { host: "127.0.0.1", port: 0, token: undefined, tls: undefined };
  const grpc = { host: "127.0.0.1", port: 0 };
  server = await serveModel({ ...address, grpc, directory, precision: "float32", threads: 1 });
  process.env["SPANFILL_SERVER"] = server.address;
  engine = createLocalEngine((device, why) => fallbacks.push(`${device}: ${why}`));
  here = await engine.load({ directory, precision: "float32", threads: 1 });
  there = await engine.load({ directory, precision: "float32", threads: 1, device: "server" });
  process.env["SPANFILL_SERVER"] = server.grpcAddress;
  overGrpc = await engine.load({ directory, precision: "float32", threads: 1, device: "server" });
});
after(async () => {
  await engine?.dispose();
  await server?.close();
  folder.dispose();
});

testSameTokens(() => ({ here, there, fallbacks }), 16);
testSameTokens(() => ({ here, there: overGrpc, fallbacks }), 6, " over gRPC");

test("a long greedy text takes few round trips", async () => {
  const before = await answeredRequests();
  await there.generate({ inputs: [[10, 11, 1]], maxNewTokens: 96, bannedTokens: [1] });
  assert.ok((await answeredRequests()) - before <= 4);
});

async function answeredRequests(): Promise<number> {
  const text = await (await fetch(`${server.address}/metrics`)).text();
  return Number(/operation="generate",status="200"} (\d+)/.exec(text)?.[1] ?? 0);
}
