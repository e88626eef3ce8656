/** Clients of `spanfill serve --http`, as load. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { seededRandom } from "../../models/random.ts";
import { createInferenceClient } from "../../server/engine/wire/client.ts";
import { type WireTensors, wholeNumbers } from "../../server/engine/wire/tensors.ts";

/** The model that is served. */
export const NAME = "t5-efficient-tiny-nl4-spanfill";

/** A server in a process. */
export interface Served {
  readonly url: string;
  readonly grpcUrl: string;
  readonly process: ChildProcess;
  metric(name: string): Promise<number>;
  residentMegabytes(): number;
  end(): Promise<void>;
}

/** Starts a server of a built-in model. */
export async function startServer(env: NodeJS.ProcessEnv, ...options: readonly string[]): Promise<Served> {
  // The last value of an option counts.
  const places = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
  const child = spawn(process.execPath, ["dist/cli.js", "serve", ...places, "--model", NAME, ...options], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const [, url = "", grpcUrl = ""] = await new Promise<RegExpExecArray>((resolve, reject) => {
    let text = "";
    child.stderr.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      const at = /at (http:\S+) and (grpc:\S+):/.exec(text);
      if (at !== null) resolve(at);
    });
    child.once("exit", (code) => reject(new Error(`serve ended with ${code}: ${text}`)));
  });
  return {
    ...{ url, grpcUrl, process: child },
    async metric(name) {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
    },
    residentMegabytes: () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024,
    async end() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** What clients saw. */
export interface Load {
  readonly answered: number;
  readonly refused: number;
  readonly lost: number;
  readonly tokens: number;
  readonly seconds: number;
  /** Of each answer, in order of size. */
  readonly ms: readonly number[];
}

/** Has clients ask one request after another for greedy tokens of texts of other lengths and words. */
export async function load(
  url: string,
  { clients, seconds, steps, width }: { clients: number; seconds: number; steps: number; width: number },
): Promise<Load> {
  const seen = { answered: 0, refused: 0, lost: 0, tokens: 0 };
  const ms: number[] = [];
  const began = performance.now();
  const one = async (seed: number) => {
    const client = await createInferenceClient({ url, deadlineMs: 120_000 });
    const random = seededRandom(seed + 1);
    await client.about();
    while (performance.now() - began < seconds * 1000) {
      const length = width + Math.floor(random() * 4);
      const ids = Array.from({ length }, () => 100 + Math.floor(random() * 20_000));
      const beganMs = performance.now();
      try {
        const { ids: produced } = await client.infer(`${NAME}-generate`, request([...ids, 1], steps), ["ids"]);
        seen.answered += 1;
        seen.tokens += produced?.values.length ?? 0;
        ms.push(performance.now() - beganMs);
      } catch (error) {
        if (/too much to do/.test(String(error))) seen.refused += 1;
        else seen.lost += 1;
      }
    }
    await client.dispose();
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => one(i)));
  return { ...seen, seconds: (performance.now() - began) / 1000, ms: ms.sort((a, b) => a - b) };
}

function request(ids: readonly number[], steps: number): WireTensors {
  return {
    input_ids: wholeNumbers([1, ids.length], ids),
    attention_mask: wholeNumbers(
      [1, ids.length],
      ids.map(() => 1),
    ),
    tokens: wholeNumbers([1, 1], [0]),
    steps: wholeNumbers([1, 1], [steps]),
    ngram: wholeNumbers([1, 1], [3]),
    banned: wholeNumbers([1, 1], [1]),
    stops: wholeNumbers([1, 1], [1]),
  };
}
