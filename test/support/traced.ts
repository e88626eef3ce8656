/**
 * Runs the product under strace in a network namespace of its own, and says what it did that PRIVACY.md does not name.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";

interface Thread {
  readonly id: number;
  readonly calls: readonly unknown[];
}
interface Allowed {
  readonly folders: readonly string[];
  readonly cwd: string;
}
const {
  tracing,
  untraceable,
  readTrace,
  programOf,
  complaints,
  unsilenced,
}: {
  tracing(prefix: string, isolated: boolean): [string, ...string[]];
  untraceable(isolated: boolean): string | undefined;
  readTrace(prefix: string): Map<number, Thread>;
  programOf(threads: Map<number, Thread>, thread: Thread): string[];
  complaints(thread: Thread, allowed: Allowed): string[];
  unsilenced(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
} = await import(pathToFileURL(resolve("scripts/trace.mjs")).href);

/** For `skip`: why nothing can be traced on this machine, or false. */
export const skip: string | false = untraceable(true) ?? false;

/** A home, a temporary folder and a folder to work in, which nothing else uses. */
export interface Place extends Disposable {
  readonly home: string;
  readonly work: string;
  /** Under which ONNX Runtime would report, did the product not switch that off. */
  readonly env: NodeJS.ProcessEnv;
}

export function place(): Place {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "spanfill-traced-")));
  const [home, work, temporary] = ["home", "work", "tmp"].map((name) => join(folder, name)) as [string, string, string];
  for (const each of [home, work, temporary]) mkdirSync(each);
  const env = { ...withTelemetryAllowed(process.env), HOME: home, TMPDIR: temporary, UV_USE_IO_URING: "0" };
  return { home, work, env, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/** What a traced program said, and what it did that it may not. */
export interface Traced {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly complaints: readonly string[];
}

/** The folders that PRIVACY.md names, in a home where no variable moves them. */
export function storageOf(home: string): readonly string[] {
  return [join(home, ".cache", "spanfill"), join(home, ".local", "share", "spanfill")];
}

/**
 * Runs Node on a script to its end.
 * @param out folders or files that it was asked to write, beside the product's own
 */
export async function traced(
  { home, work, env }: Place,
  args: readonly string[],
  { input = "", out = [], env: more = {} }: { input?: string; out?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Traced> {
  const record = traceFolder(home);
  const [command, ...prefix] = tracing(join(record, "x"), true);
  const child = spawn(command, [...prefix, process.execPath, ...args], {
    cwd: work,
    env: { ...env, ...more },
    stdio: "pipe",
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", () => undefined); // it may not read what it is given
  child.stdin.end(input);
  const code = await new Promise<number | null>((done, fail) => child.once("close", done).once("error", fail));
  return { code, stdout, stderr, complaints: complaintsIn(record, { home, work }, out) };
}

/** What a client starts in the place of a script. */
export interface TracedScript {
  readonly script: string;
  /** Resolves when the processes are gone that strace follows. */
  ended(): Promise<void>;
  complaints(): readonly string[];
}

/** A script that runs another under strace with the same standard input and output: what a client starts instead. */
export function tracedScript({ home, work, env }: Place): TracedScript {
  const record = traceFolder(home);
  const script = join(record, "run.mjs");
  const [command, ...prefix] = tracing(join(record, "x"), true);
  const options = JSON.stringify({ cwd: work, env, stdio: "inherit" });
  writeFileSync(
    script,
    `import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
const args = ${JSON.stringify([...prefix, process.execPath])};
const child = spawn(${JSON.stringify(command)}, [...args, ...process.argv.slice(2)], ${options});
process.on("SIGTERM", () => undefined);
child.once("exit", (code) => {
  writeFileSync(${JSON.stringify(join(record, "ended"))}, "");
  process.exit(code ?? 1);
});`,
  );
  return {
    script,
    complaints: () => complaintsIn(record, { home, work }, []),
    async ended() {
      for (let i = 0; i < 300 && !existsSync(join(record, "ended")); i++) await setTimeout(50);
    },
  };
}

function traceFolder(home: string): string {
  return mkdtempSync(join(dirname(home), "trace-"));
}

function complaintsIn(record: string, { home, work }: Pick<Place, "home" | "work">, out: readonly string[]): string[] {
  const threads = readTrace(join(record, "x"));
  const calls = [...threads.values()].reduce((sum, thread) => sum + thread.calls.length, 0);
  if (calls < 5) throw new Error(`strace saw ${calls} calls only`);
  const folders = [...storageOf(home), ...out.map((name) => join(work, name))];
  return [...threads.values()].flatMap((thread) =>
    complaints(thread, { folders, cwd: work }).map(
      (what) => `${programOf(threads, thread).slice(1).join(" ")}: ${what}`,
    ),
  );
}

/** Those that name other folders than the usual ones, or say that a test runs. */
const ELSEWHERE = /^(XDG_\w+|SPANFILL_\w+|HF_\w+|HUGGINGFACE_\w+|NODE_\w+)$/;

/** An environment in which ONNX Runtime would report, did the product not switch that off. */
export function withTelemetryAllowed(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(unsilenced(environment)).filter(([name]) => !ELSEWHERE.test(name)));
}
