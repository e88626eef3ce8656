/**
 * `bench load`: time to load and use a tokenizer; seconds and memory to prepare a large published PyTorch file in int8,
 * the first time and from the cache.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { sizeInWords } from "../../base/figures.ts";
import { prepareWeights } from "../../server/catalog/folder/int8/prepare.ts";
import { configJson, type RandomShape, tensorPlans } from "../random-model.ts";
import { benchTokenizing } from "./tokenizing.ts";

/** t5-base: 222,903,552 parameters, 892 MB of float32. */
const BASE: RandomShape = {
  vocabSize: 32128,
  dModel: 768,
  dFf: 3072,
  dKv: 64,
  numHeads: 12,
  numLayers: 12,
  numDecoderLayers: 12,
};

/**
 * Writes a pytorch_model.bin of t5-base's shape with random weights into a folder under `parent`, measures, and removes
 * it.
 */
export async function benchLoad(parent: string): Promise<void> {
  benchTokenizing();
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "load-"));
  try {
    writeFileSync(join(folder, "config.json"), JSON.stringify(configJson(BASE)));
    const sizeBytes = writeTorchFile(join(folder, "pytorch_model.bin"), BASE);
    const beforeBytes = process.resourceUsage().maxRSS * 1024;
    const options = { cacheFolder: join(folder, "cache") };
    for (const what of ["made from the PyTorch file", "found in the cache"]) {
      const [beganMs, used] = [performance.now(), process.cpuUsage()];
      await prepareWeights(folder, "int8", options);
      const seconds = (performance.now() - beganMs) / 1000;
      const { user, system } = process.cpuUsage(used);
      const processor = `${((user + system) / 1e6).toFixed(2)} s of processor time`;
      console.log(`int8 weights ${what} (${sizeInWords(sizeBytes)}): ${seconds.toFixed(2)} s, ${processor}`);
    }
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    console.log(`peak memory ${sizeInWords(peakBytes)}, ${sizeInWords(beforeBytes)} of it before loading`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The zip layout of torch.save, a storage of float32 for each tensor, aligned to 64 bytes. */
function writeTorchFile(path: string, shape: RandomShape): number {
  const file = openSync(path, "w");
  const directory: Buffer[] = [];
  let at = 0;
  const put = (bytes: Uint8Array) => {
    writeSync(file, bytes);
    at += bytes.length;
  };
  const random = new Uint8Array(Float32Array.from({ length: 1 << 18 }, () => (Math.random() - 0.5) / 8).buffer);
  const entry = (name: string, sizeBytes: number, content?: Uint8Array) => {
    const padding = (64 - ((at + 30 + name.length) % 64)) % 64;
    const header = Buffer.alloc(46);
    header.writeUInt32LE(0x02014b50, 0);
    for (const place of [20, 24]) header.writeUInt32LE(sizeBytes, place);
    header.writeUInt16LE(name.length, 28);
    header.writeUInt32LE(at, 42);
    directory.push(header, Buffer.from(name));
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(padding, 28);
    put(Buffer.concat([local, Buffer.from(name), Buffer.alloc(padding)]));
    if (content !== undefined) return put(content);
    for (let left = sizeBytes; left > 0; left -= random.length) put(random.subarray(0, Math.min(left, random.length)));
  };
  const plans = tensorPlans(shape);
  entry("archive/data.pkl", pickle(plans).length, pickle(plans));
  for (const [i, plan] of plans.entries()) entry(`archive/data/${i}`, 4 * size(plan.shape));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  for (const place of [8, 10]) end.writeUInt16LE(plans.length + 1, place);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(at, 16);
  put(Buffer.concat([...directory, end]));
  closeSync(file);
  return at;
}

/** A pickle of {name: tensor} in protocol 2. */
function pickle(plans: readonly { readonly name: string; readonly shape: readonly number[] }[]): Buffer {
  const integer = (value: number) => {
    const bytes = Buffer.alloc(5, "J");
    bytes.writeInt32LE(value, 1);
    return bytes.toString("latin1");
  };
  const text = (value: string) => `X${integer(value.length).slice(1)}${value}`;
  const tensors = plans.map(({ name, shape }, i) => {
    const storage = `(${text("storage")}ctorch\nFloatStorage\n${text(String(i))}${text("cpu")}${integer(size(shape))}tQ`;
    const strides = shape.map((_, axis) => size(shape.slice(axis + 1)));
    const tuple = (list: readonly number[]) => `(${list.map(integer).join("")}t`;
    const call = `ctorch._utils\n_rebuild_tensor_v2\n(${storage}K\x00${tuple(shape)}${tuple(strides)}\x89}tR`;
    return `${text(name)}${call}`;
  });
  return Buffer.from(`\x80\x02}(${tensors.join("")}u.`, "latin1");
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}
