/** The readers of messages: of language clients and of agents, from the bytes on the wire to checked parameters. */
import { PassThrough, Readable } from "node:stream";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node";
import * as z from "zod";
import { COMMAND_NAMES } from "../../protocol/commands.ts";
import { PANEL_REQUEST, serverQuestionSchema } from "../../protocol/panel.ts";
import { TOOLS } from "../../protocol/tools.ts";
import { gapsOf } from "../../server/features/write/gaps.ts";
import { ARGUMENTS } from "../../server/lsp/commands/arguments.ts";
import { messageFrames } from "../../server/lsp/frames.ts";
import { codeActionParams, codeLensParams, hoverParams, inlineCompletionParams } from "../../server/lsp/handlers.ts";
import { initializeParams } from "../../server/lsp/initialize.ts";
import { boundedLines } from "../../server/lsp/lines.ts";
import type { Reader } from "./checkpoints.ts";

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  initialize: initializeParams,
  "textDocument/hover": hoverParams,
  "textDocument/inlineCompletion": inlineCompletionParams,
  "textDocument/codeLens": codeLensParams,
  "textDocument/codeAction": codeActionParams,
  [PANEL_REQUEST]: serverQuestionSchema,
};
const command = z.object({ command: z.string(), arguments: z.array(z.unknown()).optional() });

const frame = (message: unknown) => {
  const body = JSON.stringify(message);
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
};
const bytes = (value: string) => new TextEncoder().encode(value);
const position = { line: 0, character: 1 };
const textDocument = { uri: "file:///a.md" };
const call = (method: string, params: unknown, id: number | string = 1) => ({ jsonrpc: "2.0", id, method, params });

/** The readers of messages. */
export function messageReaders(): Reader[] {
  const range = { start: position, end: position };
  const requests = [
    call("textDocument/hover", { textDocument, position }),
    call("textDocument/codeAction", { textDocument, range, context: { only: ["source"], triggerKind: 1 } }),
    call("textDocument/inlineCompletion", { textDocument, position, context: { triggerKind: 1 } }, "a"),
    ...COMMAND_NAMES.slice(0, 8).map((name) =>
      call("workspace/executeCommand", { command: name, arguments: [{ uri: "file:///a.md", version: 1, range }] }),
    ),
  ];
  const cancel = { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } };
  const fill = call("tools/call", { name: "fill_gaps_in_text", arguments: { text: "a ___ b" } });
  return [
    {
      name: "lsp-messages",
      seeds: [...requests.map((one) => bytes(frame(one))), bytes([requests[0], cancel].map(frame).join(""))],
      read: readClient,
    },
    {
      name: "mcp-messages",
      seeds: [
        fill,
        call("tools/list", {}),
        call("initialize", { protocolVersion: "2025-06-18", capabilities: {} }),
      ].map((one) => bytes(`${JSON.stringify(one)}\n`)),
      read: readAgent,
    },
  ];
}

/** As the server: frames, messages, parameters by the schema of their method; each request is answered. */
async function readClient(given: Uint8Array): Promise<void> {
  const input = Readable.from([Buffer.from(given)]).pipe(messageFrames(() => undefined));
  const output = new PassThrough().resume();
  const reader = new StreamMessageReader(input);
  reader.partialMessageTimeout = 0; // its timer outlives the connection
  const connection = createMessageConnection(reader, new StreamMessageWriter(output));
  connection.onRequest((method, params) => {
    if (method === "workspace/executeCommand") {
      const { data } = command.safeParse(params);
      const name = COMMAND_NAMES.find((one) => data?.command.endsWith(one));
      if (name !== undefined) ARGUMENTS[name].safeParse(data?.arguments?.[0]);
    } else if (Object.hasOwn(SCHEMAS, method)) SCHEMAS[method]?.safeParse(params);
    return null;
  });
  connection.onNotification(() => undefined);
  connection.onError(() => undefined);
  const ended = new Promise<void>((resolve) => connection.onClose(resolve));
  connection.listen();
  await ended;
  connection.dispose();
}

/** As `serve --mcp`: lines, messages, and calls of the tools with checked input. */
async function readAgent(given: Uint8Array): Promise<void> {
  const server = new McpServer({ name: "spanfill", version: "0" });
  const { summarize_text: summarize, fill_gaps_in_text: fill } = TOOLS;
  const answer = (text: string) => ({ content: [{ type: "text" as const, text }] });
  server.registerTool("summarize_text", { inputSchema: summarize.input.shape }, ({ text }) => answer(text));
  server.registerTool("fill_gaps_in_text", { inputSchema: fill.input.shape }, async ({ text }) => {
    const gaps = await gapsOf({ text, languageId: "markdown" }, "___");
    return answer(JSON.stringify(gaps));
  });
  server.server.onerror = () => undefined;
  const lines = boundedLines(10_000, () => undefined);
  const ended = new Promise((resolve) => lines.once("end", resolve));
  await server.connect(
    new StdioServerTransport(Readable.from([Buffer.from(given)]).pipe(lines), new PassThrough().resume()),
  );
  await ended;
  await server.close();
}
