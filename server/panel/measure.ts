/** Times a model on this machine in a separate process, for the panel's table and chart. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { defined } from "../../base/defined.ts";
import { ModelError } from "../../models/errors.ts";
import { seededRandom } from "../../models/random.ts";
import { DEVICE_NAMES } from "../../protocol/devices.ts";
import type { Measurement } from "../../protocol/panel/models.ts";
import type { Engine, ModelReference } from "../engine/engine.ts";
import { createRemoteEngine } from "../engine/process/remote.ts";
import type { ServerConnection } from "../engine/wire/connection.ts";

/** An engine whose process can be observed. */
export interface MeasuredEngine extends Engine {
  readonly pid: number | undefined;
}

/** The lengths that are timed: T5's own window, and a paragraph. */
const SOURCE_TOKENS = 512;
const TARGET_TOKENS = 64;
const ROUNDS = 3;
const SEED = 1;

/**
 * Times a model in a process that ends afterwards.
 * @param server for the device "server"; the environment's if absent
 * @throws ModelError, also "runtime" when the device failed and the CPU took its place; or the signal's reason
 */
export async function measureApart(
  id: string,
  reference: ModelReference,
  signal: AbortSignal,
  server?: ServerConnection,
): Promise<Measurement> {
  let failure: string | undefined;
  const engine = createRemoteEngine({
    ...defined({ server }),
    onFallback(device, why) {
      failure = `${DEVICE_NAMES[device]} could not be measured: ${why}.`;
      void engine.dispose();
    },
  });
  const end = () => void engine.dispose();
  signal.addEventListener("abort", end, { once: true });
  try {
    return await measureModel(engine, id, reference, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw failure === undefined ? error : new ModelError("runtime", failure, { cause: error });
  } finally {
    signal.removeEventListener("abort", end);
    await engine.dispose();
  }
}

/**
 * Loads a model and times it: the median of three runs after a warm-up. Each run has a different input, because the
 * engine caches its latest encodings; the inputs are the same for every device and precision.
 * @param engine an engine that has not loaded anything yet
 * @throws ModelError, or the signal's reason
 */
export async function measureModel(
  engine: MeasuredEngine,
  id: string,
  reference: ModelReference,
  signal: AbortSignal,
): Promise<Measurement> {
  const started = performance.now();
  const model = await engine.load(reference);
  const loadMs = performance.now() - started;
  const { eosTokenId } = model.info.config;
  const [words = []] = await model.encodeAll([SENTENCE]);
  const random = seededRandom(SEED);
  const drawInput = () => [
    ...Array.from({ length: SOURCE_TOKENS - 1 }, () => words[Math.floor(random() * words.length)] ?? eosTokenId),
    eosTokenId,
  ];
  const first: number[] = [];
  const speed: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    signal.throwIfAborted();
    // Always to the full length: the end token is banned.
    const request = { inputs: [drawInput()], maxNewTokens: TARGET_TOKENS, bannedTokens: [eosTokenId] };
    // With a listener, the first token is delivered separately; without one, several arrive at once.
    const { timing } = await model.generate(request, { signal, onTokens: () => undefined });
    signal.throwIfAborted();
    if (round === 0) continue;
    first.push(timing.firstTokenMs);
    speed.push((1000 * timing.steps) / Math.max(timing.totalMs - timing.encodeMs, 1e-3));
  }
  const memoryBytes = await residentBytes(engine.pid);
  return {
    id,
    precision: model.info.precision,
    device: reference.device ?? "cpu",
    loadMs: rounded(loadMs),
    firstTokenMs: rounded(median(first)),
    tokensPerSecond: rounded(median(speed)),
    ...defined({ memoryBytes }),
    at: new Date().toISOString(),
  };
}

const SENTENCE =
  "The harbor was built when the railway reached the coast, and merchants needed a place to load coal before the winter storms. ";

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function rounded(value: number): number {
  return Math.round(10 * value) / 10;
}

/** A process's memory; undefined if the system does not report it. */
async function residentBytes(pid: number | undefined): Promise<number | undefined> {
  if (pid === undefined) return undefined;
  try {
    if (process.platform === "linux") {
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
      return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
    }
    if (process.platform === "win32") return undefined;
    const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
    return 1024 * Number(stdout);
  } catch {
    return undefined; // it is only informative
  }
}
