/**
 * What the kernel sees of an editor's session, with a training run, and of an agent's: nothing leaves, nothing is
 * written elsewhere.
 */
import assert from "node:assert/strict";
import { cpSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { Imported, ModelList } from "../../protocol/panel/models.ts";
import type { Devices } from "../../protocol/panel.ts";
import type { RunNews, RunSummary } from "../../protocol/runs.ts";
import { startSession } from "../lsp/session.ts";
import { built } from "../support/built.ts";
import { RpcClient } from "../support/json-rpc.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { place, skip, tracedScript } from "../support/traced.ts";
import { eventually } from "../support/waiting.ts";

const cli = built("cli.js");
const here = place();
const model = randomModelFolder({ width: 64 });
after(() => {
  here[Symbol.dispose]();
  model.dispose();
});
const words = "the of and to in is that it for was on are as with they be at one have this from".split(" ");
const text = (i: number) => Array.from({ length: 20 }, (_, j) => words[(i * 5 + j * j) % words.length]).join(" ");
const rows = Array.from({ length: 24 }, (_, i) => ({ text: text(i), summary: text(i + 1), source: `f${i}` }));
const data = join(here.work, "pairs.jsonl");
writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
const URI = "file:///home/alice/plan.md";

test("an editor's session opens no socket, looks up no name and writes nowhere else", {
  skip,
  timeout: 300_000,
}, async () => {
  const traced = tracedScript(here);
  const settings = { model: model.directory, precision: "float32", threads: 1, summary: { keep: "disk" } };
  {
    const client = new RpcClient(traced.script, [cli, "serve", "--stdio"]);
    await using session = await startSession({ settings, client });
    const ask = async <T>(question: object) => (await client.request("spanfill/panel", question)) as T;
    session.open(URI, `# The harbour\n\n${text(1)}. ${text(2)} ___ ${text(3)}.\n\nthe of`);
    await session.inlineCompletion(URI, { line: 4, character: 6 });
    await session.command("spanfill.fillGaps", { uri: URI, version: 1 });
    await session.command("spanfill.summarizeRange", { uri: URI });
    const at = (line: number) =>
      client.request("textDocument/hover", { textDocument: { uri: URI }, position: { line, character: 3 } });
    await at(0);
    await at(2);

    const { models } = await ask<ModelList>({ kind: "models" });
    assert.ok(models.length > 200);
    cpSync(model.directory, join(here.work, "mine"), { recursive: true });
    const { id } = await ask<Imported>({ kind: "import", path: join(here.work, "mine") });
    await ask({ kind: "verify", id });
    await ask<Devices>({ kind: "devices", id, again: true });
    await ask({ kind: "measure", id, precision: "float32", device: "cpu" });
    await ask({ kind: "runs" });
    const request = { task: "summarize", data, base: id, epochs: 1, threads: 1, judged: 0 };
    await ask({ kind: "checkData", request });
    await ask({ kind: "fit", request });
    const ended = client.until(
      ({ method, params }) => method === "$/spanfill/run" && (params as RunNews).summary.state === "done",
    );
    const run = await ask<RunSummary>({ kind: "startRun", title: "A run", request });
    await ended;
    await ask({ kind: "run", id: run.id });
    await ask({ kind: "remove", id });
    // What is kept for later is written after a moment.
    await eventually(() =>
      readdirSync(here.home, { recursive: true }).some((name) => /summaries\.json$/.test(`${name}`)),
    );
    await client.request("shutdown");
    client.notify("exit");
    await client.exited;
  }
  assert.deepEqual(traced.complaints(), []);
});

test("an agent's session opens no socket, looks up no name and writes nowhere else", {
  skip,
  timeout: 300_000,
}, async () => {
  const traced = tracedScript(here);
  const args = [traced.script, cli, "serve", "--mcp", "--model", model.directory];
  const transport = new StdioClientTransport({ command: process.execPath, args, stderr: "ignore" });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  await client.listTools();
  for (const [name, input] of [
    ["summarize_text", "The harbour was built in 1862."],
    ["fill_gaps_in_text", "The sky is ___ today."],
  ] as const)
    assert.notEqual((await client.callTool({ name, arguments: { text: input } }))["isError"], true);
  await client.close();
  await traced.ended();
  assert.deepEqual(traced.complaints(), []);
});
