/**
 * A repository that holds a model by the name of the user's own: it is not what is loaded, whoever starts the server in
 * it.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readlinkSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { EngineStatus } from "../../protocol/requests.ts";
import { neutralFolder, settleFolders } from "../../server/files/working-folder.ts";
import { built } from "../support/built.ts";
import { RpcClient, RpcError } from "../support/json-rpc.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { FULL } from "./session.ts";

const ID = "somebody/their-model";
const model = randomModelFolder();
const repository = realpathSync(mkdtempSync(join(tmpdir(), "spanfill-hostile-")));
cpSync(model.directory, join(repository, ID), { recursive: true });
writeFileSync(join(repository, "config.gin"), "");
after(() => {
  model.dispose();
  rmSync(repository, { recursive: true });
});

const generate = ["--input", "the of", "--precision", "float32", "--threads", "1", "--max-new-tokens", "1"];

/** The command line, called in the repository. */
function spanfill(...args: string[]) {
  return spawnSync(process.execPath, [built("cli.js"), ...args], { cwd: repository, encoding: "utf8" });
}

/** A server that an editor started in the repository. */
async function server(named: string): Promise<RpcClient> {
  const client = new RpcClient(built("cli.js"), ["serve", "--stdio"], repository);
  const settings = { model: named, precision: "float32", threads: 1 };
  client.answers.set("workspace/configuration", () => [settings]);
  await client.request("initialize", { processId: null, rootUri: null, capabilities: FULL });
  client.notify("initialized");
  const textDocument = { uri: "file:///a.md", languageId: "markdown", version: 1, text: "the ___ of" };
  client.notify("textDocument/didOpen", { textDocument });
  return client;
}

const fill = { command: "spanfill.fillGaps", arguments: [{ uri: "file:///a.md", version: 1 }] };

for (const named of [ID, `./${ID}`, `../${repository.split("/").at(-1)}/${ID}`]) {
  test(`the server: a setting of ${named.startsWith(".") ? "a relative path" : "an id"} loads nothing of the folder`, async () => {
    await using client = await server(named);
    await assert.rejects(client.request("workspace/executeCommand", fill), (error) => {
      assert.ok(error instanceof RpcError);
      assert.match(
        error.message,
        named === ID ? /There is no model "somebody\/their-model"/ : /Give the absolute path/,
      );
      return true;
    });
  });
}

test("server and engine run elsewhere", { skip: process.platform !== "linux" }, async () => {
  await using client = await server(join(repository, ID));
  await client.request("workspace/executeCommand", fill);
  const { pid } = (await client.request("workspace/executeCommand", { command: "spanfill.status" })) as EngineStatus;
  for (const each of [client.process.pid, pid]) assert.equal(readlinkSync(`/proc/${each}/cwd`), neutralFolder());
});

test("the command line: an id is no folder, and the message says how to mean it", () => {
  const byId = spanfill("generate", "--model", ID, ...generate);
  assert.equal(byId.status, 1);
  assert.match(
    byId.stderr,
    /There is no model "somebody\/their-model"\. A folder here has that name: write \.\/somebody/,
  );
  const byPath = spanfill("generate", "--model", `./${ID}`, ...generate);
  assert.equal(byPath.status, 0, byPath.stderr);
});

test("folders that the environment names by relative paths are the command line's, and no server's", () => {
  const environment = { SPANFILL_MODELS: "models", HF_HOME: "/home/hf", XDG_DATA_HOME: "" };
  const own: NodeJS.ProcessEnv = { ...environment };
  assert.deepEqual(settleFolders("/project", own), []);
  assert.deepEqual(own, { ...environment, SPANFILL_MODELS: "/project/models" });
  const servers: NodeJS.ProcessEnv = { ...environment };
  assert.deepEqual(settleFolders(undefined, servers), ["SPANFILL_MODELS"]);
  assert.deepEqual(servers, { HF_HOME: "/home/hf", XDG_DATA_HOME: "" });
});
