/** `spanfill serve`: the language server for editors, the MCP server for agents, or a model for other machines. */
import { Command, InvalidArgumentError, Option } from "commander";
import { defined } from "../../base/defined.ts";
import { ModelError } from "../../models/errors.ts";
import type { Precision } from "../engine/engine.ts";
import { atLeast } from "./options.ts";
import { runCommand } from "./terminal.ts";

/** The command. Its action runs until the client ends it, or with --http until a signal does. */
export function serveCommand(): Command {
  return new Command("serve")
    .summary("run the language server for an editor, the tools for an agent, or a model for other machines")
    .description(
      "Run the language server (--stdio), which speaks the Language Server Protocol until the editor ends it; the tools summarize_text and fill_gaps_in_text (--mcp) over the Model Context Protocol; or a model (--http) for other programs and machines, over the Open Inference Protocol, version 2.",
    )
    .option("--stdio", "a language server over standard input and output")
    .option("--mcp", "tools for agents over standard input and output")
    .option("--http <host:port>", "a model at an address; other than this machine's own it takes a token", hostAndPort)
    .option("--grpc <host:port>", "the same over gRPC too, at another port (--http)", hostAndPort)
    .option("-m, --model <id|dir>", "the model of --mcp and --http (default: built-in); an editor's is in its settings")
    .addOption(
      new Option("--precision <precision>", "of the weights (--http)").choices(["int8", "float32"]).default("float32"),
    )
    .option("--threads <n>", "threads of one operator (--http)", atLeast(1))
    .option("--token-file <file>", "a file with the token that clients must send (--http); or SPANFILL_SERVER_TOKEN")
    .option("--tls-cert <file>", "a certificate, PEM, for https (--http)")
    .option("--tls-key <file>", "the certificate's key, PEM (--http)")
    .option("--batch <n>", "rows that run together at most (--http; default: 16)", atLeast(1))
    .option("--queue <n>", "requests that may wait; more are refused (--http; default: 256)", atLeast(1))
    .option("--clientProcessId <pid>", "end when this process ends (--stdio)")
    .addHelpText(
      "after",
      `
Examples (the command to configure in an editor, and in an agent; a model for a team):
  $ spanfill serve --stdio
  $ spanfill serve --mcp
  $ spanfill serve --http 127.0.0.1:8000 --model google-t5/t5-small
  $ spanfill serve --http 0.0.0.0:8000 --token-file token.txt --tls-cert cert.pem --tls-key key.pem`,
    )
    .action(async (options: ServeOptions, self: Command) => {
      const { stdio, mcp, http, model } = options;
      if ([stdio, mcp, http].filter((way) => way !== undefined).length !== 1)
        self.error("error: give one of --stdio, for an editor, --mcp, for an agent, and --http, for other machines", {
          exitCode: 2,
        });
      if (http === undefined && options.grpc !== undefined)
        self.error("error: --grpc is offered beside --http; give both", { exitCode: 2 });
      if (http !== undefined) await runCommand(false, ({ signal }) => serveHttp(http, options, signal), { ends: true });
      else if (mcp) await (await import("../mcp.ts")).serveMcp(model);
      else await import("../main.ts");
    });
}

interface ServeOptions {
  readonly stdio?: boolean;
  readonly mcp?: boolean;
  readonly http?: Place;
  readonly grpc?: Place;
  readonly model?: string;
  readonly precision: Precision;
  readonly threads?: number;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly batch?: number;
  readonly queue?: number;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

function hostAndPort(text: string): Place {
  const [, host = "", port = ""] = /^(\[[\da-f:]+\]|[\w.-]+):(\d{1,5})$/i.exec(text) ?? [];
  if (host === "" || Number(port) > 65_535) throw new InvalidArgumentError("Use HOST:PORT, like 127.0.0.1:8000.");
  return { host, port: Number(port) };
}

/** Serves until a signal (Ctrl+C, or SIGTERM) ends it gracefully. */
async function serveHttp(place: Place, options: ServeOptions, signal: AbortSignal) {
  const [{ serveModel }, { resolveModel }, { printNote }, { readSecrets }] = await Promise.all([
    import("../serving/serve.ts"),
    import("../catalog/installed.ts"),
    import("../output.ts"),
    import("../serving/secrets.ts"),
  ]);
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined))
    throw new ModelError("input", "Give both --tls-cert and --tls-key, or neither.");
  const { precision, threads, batch: mostRows, queue: mostWaiting, grpc } = options;
  const server = await serveModel({
    ...place,
    ...(await readSecrets(options, process.env)),
    ...{ directory: resolveModel(options.model, { workingFolder: process.cwd() }), precision },
    ...defined({ threads, mostRows, mostWaiting, grpc }),
  });
  const places = [server.address, ...(server.grpcAddress === undefined ? [] : [server.grpcAddress])].join(" and ");
  printNote(`spanfill: ${server.id} in ${precision} at ${places}: ${server.names.join(", ")}`);
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    process.once("SIGTERM", () => resolve());
  });
  printNote("spanfill: ending; what runs is answered first.");
  await server.close();
  return { text: "", json: {} };
}
