/** The agents' tools, used by the protocol's own client over standard input and output. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { fillGapsInText } from "../../server/tools.ts";
import { lives } from "../lsp/session.ts";
import { built } from "../support/built.ts";
import { fakeModel } from "../support/models/fake-model.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { eventually } from "../support/waiting.ts";

const folder = randomModelFolder();
after(() => folder.dispose());

async function connected() {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [built("cli.js"), "serve", "--mcp", "--model", folder.directory],
    stderr: "ignore",
  });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  const call = async (name: string, input: Record<string, unknown>) => {
    const { content, isError = false } = await client.callTool({ name, arguments: input });
    const [part] = content as { type: string; text: string }[];
    return { text: part?.text ?? "", isError };
  };
  return { client, transport, call };
}

test("an agent finds the tools, and that they change nothing and speak to nobody", async () => {
  const { client } = await connected();
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint, annotations?.openWorldHint]),
    [
      ["summarize_text", true, false],
      ["fill_gaps_in_text", true, false],
    ],
  );
  assert.deepEqual(tools[0]?.inputSchema.required, ["text"]);
  await client.close();
});

test("summaries and fills come back; what cannot be done is said; the process ends with its client", async () => {
  const { client, transport, call } = await connected();
  const { pid } = transport;
  assert.ok(pid);
  const summary = await call("summarize_text", { text: "The harbour was built in 1862.", style: "title" });
  assert.equal(summary.isError, false);
  assert.match(summary.text, /\(.*\)$/);
  const filled = await call("fill_gaps_in_text", { text: "The sky is ___ today.\r\n" });
  assert.match(filled.text, /^The sky is [\s\S]* ?today\.\r\n$/);
  assert.doesNotMatch(filled.text, /___/);
  assert.deepEqual(await call("fill_gaps_in_text", { text: "no gap" }), {
    text: 'There is no gap to fill: "___" does not occur in the text. Mark each gap, for example: The sky is ___.',
    isError: true,
  });
  assert.equal((await call("summarize_text", { text: "a", style: "poem" })).isError, true);
  await client.close();
  await eventually(() => !lives(pid));
});

test("an agent hears how far the work is, and can cancel it", { timeout: 300_000 }, async () => {
  const { client, call } = await connected();
  const text = "The sky is ___ today and the sea is calm.\n\n".repeat(500);
  const begun: number[] = [];
  const cancel = new AbortController();
  const cancelled = client.callTool({ name: "fill_gaps_in_text", arguments: { text, fillAll: true } }, undefined, {
    signal: cancel.signal,
    timeout: 300_000,
    onprogress: ({ progress, total }) => {
      assert.equal(total, 500);
      begun.push(progress);
      if (begun.length === 2) cancel.abort("enough");
    },
  });
  await assert.rejects(cancelled, /enough/);
  assert.ok((begun[0] ?? 0) < (begun[1] ?? 0) && (begun[1] ?? 0) < 500, begun.join());
  assert.match((await call("fill_gaps_in_text", { text: "The sky is ___ today." })).text, /^The sky is .*today\.$/);
  await client.close();
});

test("a cancelled tool runs the model no more", async () => {
  const cancel = new AbortController();
  const model = fakeModel(() => {
    cancel.abort(new Error("enough"));
    return " blue";
  });
  const text = "The sky is ___ today.\n".repeat(1000);
  await assert.rejects(fillGapsInText(model, { text, fillAll: true }, { signal: cancel.signal }), /enough/);
  assert.equal(model.requests.length, 1);
});

test("after a cancel the next call is answered; more than 1000 gaps are refused", { timeout: 300_000 }, async () => {
  const { client, call } = await connected();
  const sentence = "The sky is ___ today and the sea is calm.\n\n";
  await call("fill_gaps_in_text", { text: sentence });
  const began = performance.now();
  await call("fill_gaps_in_text", { text: sentence.repeat(64), fillAll: true });
  const pair = performance.now() - began; // two runs of the model
  const cancel = new AbortController();
  const cancelled = client.callTool(
    { name: "fill_gaps_in_text", arguments: { text: sentence.repeat(1000), fillAll: true } },
    undefined,
    { signal: cancel.signal, timeout: 300_000, onprogress: () => cancel.abort("enough") },
  );
  await assert.rejects(cancelled, /enough/);
  const asked = performance.now();
  await call("fill_gaps_in_text", { text: sentence });
  const waited = performance.now() - asked;
  assert.ok(waited < 2 * pair, `${waited} ms after the cancel; two of 32 runs take ${pair} ms`);
  const refused = await call("fill_gaps_in_text", { text: "___ a ".repeat(100_000) });
  assert.deepEqual(refused, {
    text: "There are more than 1000 gaps, and at most 1000 are filled at once. Fill the text part by part: select a part, or split the text.",
    isError: true,
  });
  await client.close();
});

test("a message above 10 MB is answered with an error, and the next one is heard", { timeout: 300_000 }, async (t) => {
  const child = spawn(process.execPath, [built("cli.js"), "serve", "--mcp", "--model", folder.directory], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  t.after(() => child.kill());
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value ?? "{}");
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ ...message, jsonrpc: "2.0" })}\n`);
  const clientInfo = { name: "test", version: "1" };
  send({ id: 1, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo } });
  assert.equal((await next()).id, 1);
  send({ id: 2, method: "tools/call", params: { name: "summarize_text", arguments: { text: "a".repeat(11e6) } } });
  const refused = await next();
  assert.deepEqual([refused.id, refused.error?.code], [2, -32600]);
  assert.match(refused.error.message, /the limit is 10485760/);
  child.stdin.write("not JSON\n");
  send({ id: 3, method: "tools/list" });
  assert.equal((await next()).id, 3);
  child.stdin.end();
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
});
