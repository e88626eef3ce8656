/** The exported graphs behind a server that speaks only JSON write the tokens that the engine writes here. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before } from "node:test";
import { parseHeader } from "../../models/checkpoint/safetensors.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { servedGraph } from "../../models/t5/served/served.ts";
import { readTokenizer } from "../../server/catalog/folder/tokenizer.ts";
import { readManifest } from "../../server/catalog/installed.ts";
import type { Engine, LoadedModel } from "../../server/engine/engine.ts";
import { createLocalEngine } from "../../server/engine/process/local.ts";
import {
  createSession,
  float32,
  int32,
  type RuntimeTensor,
  type Session,
} from "../../server/engine/runtime/session.ts";
import { modelSum, servedName } from "../../server/engine/wire/operations.ts";
import { floats, packTensors, unpackTensors, wholeNumbers } from "../../server/engine/wire/tensors.ts";
import { exportModel } from "../../server/training/run/results/export.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { testSameTokens } from "../support/models/server-parity.ts";

const folder = randomModelFolder({ layers: 2, width: 48, seed: 7, spread: 0.3 });
const out = mkdtempSync(join(tmpdir(), "spanfill-exported-"));
const sessions = new Map<string, { readonly session: Session; readonly inputs: readonly string[] }>();
let server: Server;
let engine: Engine;
let here: LoadedModel;
let there: LoadedModel;
const fallbacks: string[] = [];

before(async () => {
  const { directory } = folder;
  await exportModel(directory, "server", out, () => undefined);
  const config = parseConfig(JSON.parse(readFileSync(join(directory, "config.json"), "utf8")));
  const sum = modelSum(await readTokenizer(directory), config);
  for (const which of ["step", "generate"] as const) {
    const name = servedName(readManifest(directory).id, which);
    const place = join(out, name, "1");
    const graph = servedGraph(config, storedIn(join(place, "weights.safetensors")), sum, which);
    const session = await createSession(graph, { folder: place, threads: 1, spin: false });
    sessions.set(name, { session, inputs: graph.inputs.map((input) => input.name) });
  }
  server = createServer((request, response) => {
    void answer(request).then((body) => response.end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env["SPANFILL_SERVER"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  engine = createLocalEngine((device, why) => fallbacks.push(`${device}: ${why}`));
  here = await engine.load({ directory, precision: "float32", threads: 1 });
  there = await engine.load({ directory, precision: "float32", threads: 1, device: "server" });
});
after(async () => {
  await engine?.dispose();
  server?.closeAllConnections();
  server?.close();
  for (const { session } of sessions.values()) await session.dispose();
  rmSync(out, { recursive: true, force: true });
  folder.dispose();
});

function storedIn(path: string) {
  const bytes = readFileSync(path);
  return new Map(
    [...parseHeader(bytes, bytes.length, path).tensors].map(([name, { shape, beginOffset, endOffset }]) => {
      const data = { path: "weights.safetensors", offset: beginOffset, length: endOffset - beginOffset };
      return [name, { dtype: "float32" as const, shape, data }];
    }),
  );
}

async function answer(request: IncomingMessage): Promise<Uint8Array> {
  const [, name = "", infer] = /^\/v2\/models\/([^/]+)(\/infer)?$/.exec(request.url ?? "") ?? [];
  const model = sessions.get(name);
  if (model === undefined) return Buffer.from(JSON.stringify({ name: "another", version: "1", extensions: [] }));
  const { session, inputs } = model;
  if (infer === undefined)
    return Buffer.from(JSON.stringify({ name, inputs: inputs.map((input) => ({ name: input })) }));
  assert.equal(request.headers["content-type"], "application/json");
  const asked = unpackTensors("inputs", { body: await buffer(request), headerLength: undefined });
  const outputs = await session.run(
    Object.fromEntries(
      Object.entries(asked.tensors).map(([tensor, { datatype, values, shape }]): [string, RuntimeTensor] => [
        tensor,
        datatype === "INT32" ? int32(values, shape) : float32(values, shape),
      ]),
    ),
  );
  const wanted = (asked.message.outputs ?? []).map((output) => {
    const { data, dims } = outputs[output.name] ?? assert.fail(output.name);
    return [output.name, data instanceof Float32Array ? floats(dims, data) : wholeNumbers(dims, data as Int32Array)];
  });
  return packTensors("outputs", Object.fromEntries(wanted), { model_name: name, parameters: {} }, false).body;
}

testSameTokens(() => ({ here, there, fallbacks }), 12);
