/** The client keeps a server's token as a secret with its origin, and the status item says where text goes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineStatus } from "../../protocol/requests.ts";
import { fakeVSCode, loadClient } from "../support/fake-vscode.ts";

const vscode = fakeVSCode({});
const client = await loadClient<{
  readonly asking: typeof import("../../client/panel/inference-server.ts");
  readonly cluster: typeof import("../../client/panel/cluster.ts");
  readonly tokens: typeof import("../../client/server/server-token.ts");
  readonly status: typeof import("../../client/editor/status.ts");
}>(
  {
    asking: "client/panel/inference-server.ts",
    cluster: "client/panel/cluster.ts",
    tokens: "client/server/server-token.ts",
    status: "client/editor/status.ts",
  },
  vscode,
);

/** Answers the input boxes in turn. */
function types(...answers: readonly (string | undefined)[]): void {
  const left = [...answers];
  Object.assign(vscode.api["window"] as object, { showInputBox: async () => left.shift() });
}

function secretStore() {
  const stored = new Map<string, string>();
  const secrets = {
    get: async (key: string) => stored.get(key),
    store: async (key: string, value: string) => void stored.set(key, value),
    delete: async (key: string) => void stored.delete(key),
  };
  return { stored, extension: { secrets } as never, secrets: secrets as never };
}

test("an address becomes a setting, and its token a secret of that origin", async () => {
  const { stored, extension, secrets } = secretStore();
  const settings: unknown[] = [];
  const write = async (name: string, value: unknown) => settings.push([name, value]);
  types(" https://a.example:8000/v2 ", " secret ");
  await client.asking.askServer(extension, write);
  assert.deepEqual(settings, [["server.url", "https://a.example:8000/v2"]]);
  assert.deepEqual([...stored.keys()], ["spanfill.server.token"]);
  assert.deepEqual(await client.tokens.readServerToken(secrets), { origin: "https://a.example:8000", token: "secret" });
  types("https://a.example:8000", "");
  await client.asking.askServer(extension, write);
  assert.deepEqual(await client.tokens.readServerToken(secrets), { origin: "", token: "" });
  types("");
  await client.asking.askServer(extension, write);
  assert.deepEqual(settings.at(-1), ["server.url", undefined]);
  for (const wrong of ["nowhere", "ftp://a.example", undefined]) {
    types(wrong, "secret");
    await client.asking.askServer(extension, write);
  }
  assert.equal(settings.length, 3);
  await client.asking.askServerToken(extension, "");
  assert.equal(stored.size, 0);
  assert.equal(vscode.shown.filter(({ text }) => /not an address|no server is set/.test(text)).length, 3);
});

test("a cluster's token is a secret of its address; an empty one removes it, and Escape keeps it", async () => {
  const { stored, extension } = secretStore();
  types(" secret ", undefined, "");
  assert.ok(await client.cluster.askClusterToken(extension, "ray://head"));
  assert.deepEqual(await client.cluster.readClusterToken(extension), { address: "ray://head", token: "secret" });
  assert.deepEqual([...stored.keys()], ["spanfill.cluster.token"]);
  assert.ok(!(await client.cluster.askClusterToken(extension, "ray://other")));
  assert.equal((await client.cluster.readClusterToken(extension))?.address, "ray://head");
  assert.ok(await client.cluster.askClusterToken(extension, "ray://head"));
  assert.equal(await client.cluster.readClusterToken(extension), undefined);
});

test("the status item says where text goes before all else, and nothing of it where it stays", () => {
  const item = client.status.createStatusItem();
  const status: EngineStatus = { state: "ready", model: "m", precision: "float32", device: "server" };
  const shown = (change: Partial<EngineStatus>) => {
    vscode.shown.length = 0;
    item.show({ ...status, ...change });
    return vscode.shown.find(({ by }) => by === "status detail")?.text ?? "";
  };
  assert.match(shown({ host: "a.example:8000" }), /^text goes to a\.example:8000 · m · float32/);
  assert.match(shown({ host: "a.example:8000", device: "cpu", deviceNotice: "x" }), /^text goes to a\.example:8000/);
  assert.match(shown({ host: "a.example:8000", state: "failed", message: "m" }), /^text goes to a\.example:8000 · m/);
  assert.equal(shown({ device: "cpu" }), "m · float32 · CPU");
});
