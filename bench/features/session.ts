/** A language server as an editor without a window would use it, timed. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { EngineStatus } from "../../protocol/requests.ts";
import { RpcClient } from "../../test/support/json-rpc.ts";

/** A position as the protocol has it. */
export interface At {
  readonly line: number;
  readonly character: number;
}

/** A process's memory after a garbage collection, in bytes. */
export interface Heap {
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
}

/** A server that answers. */
export interface TimedSession {
  /** @param languageId Markdown when absent */
  open(uri: string, text: string, languageId?: string): void;
  /** Inserts a text. @param end where the text ends that it replaces; none when absent */
  change(uri: string, version: number, at: At, text: string, end?: At): void;
  close(uri: string): void;
  request(method: string, params: object): Promise<unknown>;
  command(command: string, argument?: object): Promise<unknown>;
  /** Lines of the server's log since the last request was sent. */
  logged(): string[];
  /** Milliseconds until an empty request is answered, the baseline of every feature. */
  constant(): Promise<number>;
  /** The heaps of the server and the engine. */
  heaps(): Promise<{ readonly server: Heap; readonly engine: Heap }>;
  dispose(): Promise<void>;
}

/**
 * Starts the built server.
 * @param settings the section `spanfill`
 * @param script the command line's bundle, of another build if wished
 */
export async function timedSession(settings: object, script = "dist/cli.js"): Promise<TimedSession> {
  const folder = mkdtempSync(join(tmpdir(), "spanfill-bench-"));
  process.env["SPANFILL_BENCH_HEAP"] = folder;
  process.env["NODE_OPTIONS"] = `--require ${JSON.stringify(resolve("bench/features/heap.cjs"))}`;
  const client = new RpcClient(resolve(script), ["serve", "--stdio"]);
  client.answers.set("workspace/configuration", (params) => (params as { items: unknown[] }).items.map(() => settings));
  const workspace = { configuration: true };
  await client.request("initialize", {
    ...{ processId: process.pid, rootUri: null, capabilities: { workspace } },
    initializationOptions: { waitsForModel: true },
  });
  client.notify("initialized");
  const command = (name: string, argument?: object) =>
    client.request("workspace/executeCommand", { command: name, arguments: argument === undefined ? [] : [argument] });
  const heapOf = async (pid: number): Promise<Heap> => {
    const file = join(folder, String(pid));
    rmSync(file, { force: true });
    process.kill(pid, "SIGUSR2");
    while (!existsSync(file)) await new Promise((done) => setTimeout(done, 20));
    return JSON.parse(readFileSync(file, "utf8"));
  };
  return {
    open: (uri, text, languageId = "markdown") =>
      client.notify("textDocument/didOpen", { textDocument: { uri, languageId, version: 1, text } }),
    change: (uri, version, at, text, end = at) =>
      client.notify("textDocument/didChange", {
        textDocument: { uri, version },
        contentChanges: [{ range: { start: at, end }, text }],
      }),
    close: (uri) => client.notify("textDocument/didClose", { textDocument: { uri } }),
    // What was received is not to be searched again and again.
    request: (method, params) => {
      client.received.length = 0;
      return client.request(method, params);
    },
    command: (name, argument) => {
      client.received.length = 0;
      return command(name, argument);
    },
    logged: () =>
      client.received.flatMap(({ method, params }) =>
        method === "window/logMessage" ? [(params as { message: string }).message] : [],
      ),
    async constant() {
      const began = performance.now();
      await command("spanfill.status");
      return performance.now() - began;
    },
    async heaps() {
      const { pid: engine } = (await command("spanfill.status")) as EngineStatus;
      const server = client.process.pid;
      if (engine === undefined || server === undefined) throw new Error("There is no engine.");
      return { server: await heapOf(server), engine: await heapOf(engine) };
    },
    async dispose() {
      await client[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
