/**
 * The command line as it was built. What a command answers is tested in one process for all tests of a file
 * (`command-host.mjs`); what concerns the process itself, such as signals and pipes, in a process of its own.
 */
import assert from "node:assert/strict";
import { type ChildProcess, type ChildProcessWithoutNullStreams, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { after } from "node:test";
import { built } from "./built.ts";

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command's run in the shared process, with what it started. */
export interface WatchedRun extends Run {
  /** ONNX Runtime's sessions that it opened. */
  readonly sessions: readonly { readonly threads: number; readonly quantized: boolean }[];
  /** How many other processes it started. */
  readonly processes: number;
  /** Messages that it sent to them, as JSON. */
  readonly sent: readonly string[];
}

/** Commands in one folder and environment. */
export interface CommandLine {
  /** Runs a command in the process that all commands of a file share. */
  readonly run: (args: readonly string[], input?: string | Buffer) => Promise<Run>;
  /** Does the same, and tells what the command started. */
  readonly watch: (args: readonly string[], input?: string | Buffer) => Promise<WatchedRun>;
  /** Starts a process for a command. */
  readonly start: (args: readonly string[]) => ChildProcessWithoutNullStreams;
}

/** The command line in a folder, with these variables beside those of this process; ended after the file's tests. */
export function commandLine(cwd: string, variables: NodeJS.ProcessEnv = {}): CommandLine {
  const env = { ...process.env, ...variables };
  let host: ChildProcess | undefined;
  let previous: Promise<unknown> = Promise.resolve();
  after(() => host?.disconnect());
  const answer = async (args: readonly string[], input: string | Buffer): Promise<WatchedRun> => {
    host ??= fork(resolve("test/support/command-host.mjs"), [built("cli.js")], { cwd, env, serialization: "advanced" });
    const answered = new AbortController();
    const { signal } = answered;
    const lost = once(host, "exit", { signal }).then(([code]) =>
      assert.fail(`ended with ${code} at ${args.join(" ")}`),
    );
    host.send({ args, input });
    const [run] = await Promise.race([once(host, "message", { signal }), lost]);
    answered.abort();
    return run;
  };
  const watch = (args: readonly string[], input: string | Buffer = "") => {
    const next = previous.then(() => answer(args, input));
    previous = next.catch(() => undefined);
    return next;
  };
  return {
    async run(args, input) {
      const { code, stdout, stderr } = await watch(args, input);
      return { code, stdout, stderr };
    },
    watch,
    start: (args) => spawn(process.execPath, [built("cli.js"), ...args], { cwd, env, stdio: "pipe" }),
  };
}

/** Waits for the end of a process. @returns its exit code and all that it printed */
export async function ended(child: ChildProcessWithoutNullStreams, input: string | Buffer = ""): Promise<Run> {
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // A command that fails before it has read everything closes its end.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}
