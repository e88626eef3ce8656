/** Starts the engine's process, reads what it reports, and says how it ended. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { neutralFolder } from "../../files/working-folder.ts";
import { environmentOf, type ServerConnection } from "../wire/connection.ts";

/** How the process is started and observed. */
export interface ForkOptions {
  /** The process's script; by default child.js next to this bundle. */
  readonly childPath?: string;
  /** The server that a model may run on; that of this process's environment if absent. */
  readonly server?: ServerConnection;
  /** Receives the process's stderr, line by line. */
  readonly log?: (line: string) => void;
  readonly onMessage: (message: unknown) => void;
  /** Called once when the process has ended or could not be started; completes "The engine process ...". */
  readonly onLost: (how: string) => void;
}

/** The environment variable by which an engine's process names the one that started it. */
export const STARTED_BY = "SPANFILL_FORKED";

const STDERR_KEPT = 1000;

const running = new Set<ChildProcess>();

/** Where this process exits under work: an engine deep in native code would hear of it late. */
function endAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Starts a process. */
export function forkEngine({ childPath, server, log, onMessage, onLost }: ForkOptions): ChildProcess {
  const path = childPath ?? fileURLToPath(new URL("./child.js", import.meta.url));
  // Without this process's arguments: a debugger's port or a test runner's flags are not for the child.
  const child = fork(path, [], {
    serialization: "advanced",
    // A small nursery: tensors live outside the heap, so a large one costs 12 MB without benefit.
    execArgv: ["--max-semi-space-size=2"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    cwd: neutralFolder(),
    env: {
      ...process.env,
      ...(server === undefined ? {} : environmentOf(server)),
      [STARTED_BY]: String(process.pid),
    },
  });
  if (running.size === 0) process.on("exit", endAll);
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", endAll);
  });
  let lastWords = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    lastWords = (lastWords + text).slice(-STDERR_KEPT);
    for (const line of text.split("\n")) if (line.trim() !== "") log?.(line);
  });
  const lost = (how: string) => {
    const lastOutput = lastWords.trim() === "" ? "" : ` Its last output: ${lastWords.trim()}`;
    onLost(`${how}. The next request starts it again.${lastOutput}`);
  };
  child.once("error", (error) => {
    if (child.pid === undefined) lost(`could not be started: ${error.message}`);
    else log?.(`engine process: ${error.message}`);
  });
  // Not "close", which never comes if the parent disconnects. Remaining output is read first.
  child.once("exit", (code, signal) => {
    const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
    if (child.stderr === null || child.stderr.readableEnded) lost(how);
    else child.stderr.once("close", () => lost(how));
  });
  child.on("message", onMessage);
  return child;
}
