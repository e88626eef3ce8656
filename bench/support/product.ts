/**
 * Measures the product as people experience it: starting the command, the engine's memory, how soon a cancelled
 * engine is free.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { seededRandom } from "../../models/random.ts";
import { createRemoteEngine } from "../../server/engine/process/remote.ts";
import { summarize } from "../../server/features/read/summarize.ts";
import { infill } from "../../server/features/write/infill.ts";
import { median, quantile } from "./statistics.ts";

/**
 * Wall time of `spanfill infill` with the built-in model, from the start of the process to its end.
 * @throws Error when the command fails or prints nothing
 */
export async function measureColdStart(runs: number): Promise<{ medianMs: number; bestMs: number }> {
  const times: number[] = [];
  for (let i = -1; i < runs; i++) {
    const started = performance.now();
    const child = spawn(process.execPath, [join("dist", "cli.js"), "infill", "-", "--fill-all"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.end(sample);
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0 || printed.trim() === "" || printed.includes("___")) {
      throw new Error(`spanfill infill ended with ${code} and printed ${JSON.stringify(printed)}`);
    }
    if (i >= 0) times.push(performance.now() - started);
  }
  return { medianMs: median(times), bestMs: Math.min(...times) };
}

/**
 * Peak resident bytes of the engine's process after it loaded a model, filled a gap and summarized 512 tokens. Linux
 * only.
 */
export async function measureEngineMemory(directory: string): Promise<number | undefined> {
  if (!existsSync("/proc/self/status")) return undefined;
  const engine = createRemoteEngine({ childPath: resolve("dist", "child.js") });
  try {
    const model = await engine.load({ directory, precision: "int8" });
    await infill({ model }, { text: sample });
    await summarize({ model }, { text: sample.repeat(12), style: "sentence" });
    const status = readFileSync(`/proc/${engine.pid}/status`, "utf8");
    return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]);
  } finally {
    await engine.dispose();
  }
}

/**
 * How long after a cancellation the engine's process is free again: it is cancelled at seeded random moments of a
 * generation, and the time is until it has ended and the next call, which is tokenizing one word, is answered.
 * @param nextInput the next generation's input: the encoder, too, is to be cancelled
 */
export async function measureCancel(
  directory: string,
  nextInput: () => readonly number[],
  runs: number,
): Promise<{ medianMs: number; p95Ms: number; worstMs: number }> {
  const engine = createRemoteEngine({ childPath: resolve("dist", "child.js") });
  try {
    const model = await engine.load({ directory, precision: "int8" });
    const request = () => ({
      inputs: [nextInput()],
      maxNewTokens: 128,
      bannedTokens: [model.info.config.eosTokenId],
    });
    await model.generate(request());
    const { timing } = await model.generate(request());
    const random = seededRandom(3);
    const times: number[] = [];
    while (times.length < runs) {
      const abort = new AbortController();
      const running = model.generate(request(), { signal: abort.signal });
      await new Promise((resolve) => setTimeout(resolve, random() * timing.totalMs * 0.95));
      const started = performance.now();
      abort.abort();
      const { cancelled } = await running;
      await model.encodeAll(["word"]);
      // One that ended by itself just before says nothing.
      if (cancelled) times.push(performance.now() - started);
    }
    return { medianMs: median(times), p95Ms: quantile(times, 0.95), worstMs: Math.max(...times) };
  } finally {
    await engine.dispose();
  }
}

const sample =
  "Documentation tells people how a program is used. Good pages are short, name every ___ that can be set, and show an " +
  "example that can be copied. When a setting changes, the page changes with it.\n";
