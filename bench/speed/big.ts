/**
 * `bench big`: whether models of hundreds of millions of weights run on this machine, how fast, and with how much
 * memory. Linux only.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { seededRandom } from "../../models/random.ts";
import { resolveModel } from "../../server/catalog/installed.ts";
import type { Generation, LoadedModel } from "../../server/engine/engine.ts";
import { createRemoteEngine } from "../../server/engine/process/remote.ts";
import { defaultThreads } from "../../server/engine/runtime/ort/runner.ts";
import { configJson, type RandomShape, tensorPlans } from "../random-model.ts";
import { idSource } from "../support/fresh-ids.ts";
import { printTable } from "../support/table.ts";

const LARGE: RandomShape = {
  vocabSize: 32128,
  dModel: 1024,
  dFf: 4096,
  dKv: 64,
  numHeads: 16,
  numLayers: 24,
  numDecoderLayers: 24,
};

/** t5-large (737,668,096 parameters) and t5-3b (2,851,598,336). */
const bigShapes = {
  large: LARGE,
  "3b": { ...LARGE, dFf: 16384, dKv: 128, numHeads: 32 },
} as const satisfies Record<string, RandomShape>;

/** Options of the measurement. */
export interface BigOptions {
  readonly shape: readonly (keyof typeof bigShapes)[];
  /** Where the files are written and removed again. */
  readonly models: string;
}

/**
 * For each shape: writes seeded random weights in bfloat16, has the engine's process make them int8 and answer, and
 * again from the cache in a new process; prints a table.
 * @throws Error when the disk lacks the room
 */
export async function benchBig(options: BigOptions): Promise<void> {
  const making = ["int8 made s", "its peak GB"];
  const rows = [
    ["shape", "parameters", ...making, "load s", "first answer s", "encode ms", "ms/token", "peak GB", "resident GB"],
  ];
  for (const shape of options.shape) rows.push(await measure(shape, options.models));
  console.log(
    `\n${cpus()[0]?.model.trim()}, ${defaultThreads()} threads, int8, 512 tokens in, 32 out; quickest of three answers`,
  );
  printTable(rows);
}

async function measure(name: keyof typeof bigShapes, parent: string): Promise<string[]> {
  const shape = bigShapes[name];
  const parameters = tensorPlans(shape).reduce((sum, plan) => sum + size(plan.shape), 0);
  mkdirSync(parent, { recursive: true });
  const { bavail, bsize } = statfsSync(parent);
  const needed = 3.2 * parameters; // 2 bytes published, 1 and its scales made
  if (bavail * bsize < needed) {
    throw new Error(
      `${name} takes ${gigabytes(needed)} GB of disk for a while, and ${parent} has ${gigabytes(bavail * bsize)} GB. ` +
        "Make room, or give --models another folder.",
    );
  }
  const directory = mkdtempSync(join(resolve(parent), "big-"));
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", remove);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  // The engine's process inherits it.
  process.env["SPANFILL_CACHE"] = join(directory, "cache");
  try {
    writeFileSync(join(directory, "config.json"), JSON.stringify(configJson(shape)));
    copyFileSync(join(resolveModel(undefined), "tokenizer.json"), join(directory, "tokenizer.json"));
    await writeBfloat16(join(directory, "model.safetensors"), shape);
    const first = await inEngine(directory, async (_, memory) => memory("VmHWM"));
    const then = await inEngine(directory, answer);
    return [name, parameters.toLocaleString("en"), first.loadS, first.value, then.loadS, ...then.value];
  } finally {
    remove();
  }
}

/** Gigabytes of the engine's process: its peak, or its current use. */
type Memory = (what: "VmHWM" | "VmRSS") => string;

/** Loads a model in a new engine process and measures it there. */
async function inEngine<T>(directory: string, look: (model: LoadedModel, memory: Memory) => Promise<T>) {
  const engine = createRemoteEngine({ childPath: resolve("dist", "child.js") });
  try {
    const beganMs = performance.now();
    const model = await engine.load({ directory, precision: "int8" });
    const loadS = ((performance.now() - beganMs) / 1000).toFixed(1);
    const value = await look(model, (what) => {
      const status = readFileSync(`/proc/${engine.pid}/status`, "utf8");
      return gigabytes(1024 * Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)?.[1]));
    });
    return { loadS, value };
  } finally {
    await engine.dispose();
  }
}

/** The first answer's seconds (the runtime prepares the weights in them), then the quickest of three. */
async function answer(model: LoadedModel, memory: Memory): Promise<string[]> {
  const nextInput = idSource(5);
  const timings: Generation["timing"][] = [];
  for (let i = 0; i < 4; i++) {
    const { timing } = await model.generate({ inputs: [nextInput()], maxNewTokens: 32, bannedTokens: [1] });
    timings.push(timing);
  }
  const [first, ...later] = timings;
  const encodeMs = Math.min(...later.map((timing) => timing.encodeMs));
  const msPerToken = Math.min(...later.map((timing) => (timing.totalMs - timing.encodeMs) / timing.steps));
  const firstS = (first?.totalMs ?? Number.NaN) / 1000;
  return [firstS.toFixed(1), encodeMs.toFixed(0), msPerToken.toFixed(0), memory("VmHWM"), memory("VmRSS")];
}

/**
 * Writes the weights tensor by tensor: each the same four million random numbers over and over, scaled to T5's start.
 */
async function writeBfloat16(path: string, shape: RandomShape): Promise<void> {
  const plans = tensorPlans(shape);
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const { name, shape: dims } of plans) {
    const end = offset + 2 * size(dims);
    header[name] = { dtype: "BF16", shape: dims, data_offsets: [offset, end] };
    offset = end;
  }
  const text = JSON.stringify(header);
  const head = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, " ");
  head.writeBigUInt64LE(BigInt(head.length - 8));
  head.write(text, 8);
  const random = seededRandom(11);
  const uniform = Float32Array.from({ length: PERIOD }, () => Math.sqrt(3) * (2 * random() - 1));
  const scaled = new Map<number, Uint8Array>();
  const file = await open(path, "w");
  await file.write(head);
  for (const { shape: dims, std } of plans) {
    const bytes = scaled.get(std) ?? bfloat16(std === 0 ? uniform.map(() => 1) : uniform.map((value) => value * std));
    scaled.set(std, bytes);
    for (let left = 2 * size(dims); left > 0; left -= bytes.length) {
      await file.write(bytes.subarray(0, Math.min(left, bytes.length)));
    }
  }
  await file.close();
}

/** A prime, so that no two rows of a matrix are equal. */
const PERIOD = 4_194_301;

/** Upper halves of float32 values. */
function bfloat16(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer);
  return new Uint8Array(Uint16Array.from(bits, (value) => value >>> 16).buffer);
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(2);
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}
