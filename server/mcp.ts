/**
 * `spanfill serve --mcp`: the model as tools for agents, over the Model Context Protocol on standard input and
 * output.
 */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { CallToolResult, ErrorCode, ServerNotification, ServerRequest } from "@modelcontextprotocol/sdk/types.js";
import { reason } from "../base/reason.ts";
import { version } from "../package.json";
import { messageText } from "../protocol/shown-text.ts";
import { TOOLS } from "../protocol/tools.ts";
import { modelIdentity } from "./catalog/folder/identity.ts";
import { resolveModel } from "./catalog/installed.ts";
import { repeatChanged } from "./engine/changed.ts";
import type { LoadedModel } from "./engine/engine.ts";
import { createRemoteEngine } from "./engine/process/remote.ts";
import { stayUp } from "./engine/process/stay-up.ts";
import { leaveFolder } from "./files/working-folder.ts";
import { DEADLINES, within } from "./lsp/deadlines.ts";
import { boundedLines, type LongLine } from "./lsp/lines.ts";
import { printJson, printNote } from "./output.ts";
import { fillGapsInText, summarizeText, type ToolOptions } from "./tools.ts";

/**
 * Serves until standard input ends. The model is loaded on the first call and unloaded after some idle time.
 * @param model an id, or a folder relative to the working folder; undefined for the built-in model
 */
export async function serveMcp(model: string | undefined): Promise<void> {
  stayUp((line) => printNote(line));
  const workingFolder = process.cwd();
  leaveFolder();
  const engine = createRemoteEngine({ idleMs: IDLE_MS, log: (line) => printNote(line) });
  let loading = 0;
  const load = async () => {
    const directory = resolveModel(model, { workingFolder });
    loading += 1;
    try {
      return await engine.load({ directory, precision: "int8", identity: modelIdentity(directory) });
    } finally {
      loading -= 1;
    }
  };
  const host = { load, isLoading: () => loading > 0 };
  const server = new McpServer({ name: "spanfill", version });
  const { summarize_text, fill_gaps_in_text } = TOOLS;
  server.registerTool(
    "summarize_text",
    { ...described(summarize_text), inputSchema: summarize_text.input.shape },
    (input, call) =>
      answer(host, DEADLINES.reading(input.text.length), call, async (loaded, options) => {
        const { summary, notes } = await summarizeText(loaded, input, options);
        return `${summary}\n\n(${notes.join("; ")})`;
      }),
  );
  server.registerTool(
    "fill_gaps_in_text",
    { ...described(fill_gaps_in_text), inputSchema: fill_gaps_in_text.input.shape },
    (input, call) =>
      answer(host, DEADLINES.fills(input.text.split(GAP).length - 1), call, async (loaded, options) => {
        const { text, fills, left, notes } = await fillGapsInText(loaded, input, options);
        const open = `${left.length} of ${fills.length + left.length} gaps left open: not sure; fillAll fills them`;
        const said = [...(left.length === 0 ? [] : [open, `left: ${left.join(", ")}`]), ...notes];
        return said.length === 0 ? text : `${text}\n\n(${said.join("; ")})`;
      }),
  );
  server.server.onerror = (error) => printNote(`a message could not be processed: ${error.message}`);
  const ended = new Promise<void>((resolve) => {
    process.stdin.once("end", resolve).once("close", resolve).once("error", resolve);
    server.server.onclose = resolve;
  });
  const lines = boundedLines(MOST_LINE_BYTES, refuse);
  await server.connect(
    new StdioServerTransport(process.stdin.pipe(lines), process.stdout, { maxBufferSize: 2 * MOST_LINE_BYTES }),
  );
  await ended;
  await server.close();
  await engine.dispose();
}

const IDLE_MS = 5 * 60_000;
/** The mark of a gap; each gap adds to the time limit. */
const GAP = "___";
/** The longest message: more than a model can usefully read. */
const MOST_LINE_BYTES = 10 * 1024 * 1024;

/** Answers a message that exceeds the limit. */
function refuse({ bytes, id }: LongLine): void {
  const message = `The message has ${bytes} bytes; the limit is ${MOST_LINE_BYTES}. Send a shorter text.`;
  printNote(message);
  const code: ErrorCode.InvalidRequest = -32600;
  printJson({ jsonrpc: "2.0", id, error: { code, message } });
}

function described({ title, description }: { readonly title: string; readonly description: string }) {
  // The tools change nothing and contact nobody.
  return { title, description, annotations: { readOnlyHint: true, openWorldHint: false } };
}

/** The parts of a tool call that its answer needs. */
type Call = Pick<RequestHandlerExtra<ServerRequest, ServerNotification>, "signal" | "_meta" | "sendNotification">;

/**
 * The result of a tool, within a time. Errors are part of it, so that the agent can correct its input. An agent that
 * asks for it hears how far the work is.
 */
async function answer(
  { load, isLoading }: { readonly load: () => Promise<LoadedModel>; readonly isLoading: () => boolean },
  ms: number,
  { signal, _meta, sendNotification }: Call,
  work: (model: LoadedModel, options: ToolOptions) => Promise<string>,
): Promise<CallToolResult> {
  const token = _meta?.progressToken;
  const onProgress: ToolOptions["onProgress"] = ({ done, total }) => {
    if (token === undefined) return;
    const params = { progressToken: token, progress: done, total };
    sendNotification({ method: "notifications/progress", params }).catch((error) => printNote(reason(error)));
  };
  const late = () => {
    throw new Error(`This took longer than ${Math.round(ms / 1000)} s and was given up. Send a shorter text.`);
  };
  try {
    const text = await repeatChanged(async () => {
      const model = await load();
      return within({ isLoading }, ms, signal, (either) => work(model, { signal: either, onProgress }), late);
    });
    return { content: [{ type: "text", text }] };
  } catch (error) {
    return {
      isError: true,
      content: [{ type: "text", text: messageText(reason(error)) }],
    };
  }
}
