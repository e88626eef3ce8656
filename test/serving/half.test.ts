/** Exports for GPUs: the large weights and their products in 16 bits, all else in float32. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseHeader } from "../../models/checkpoint/safetensors.ts";
import type { DType, Graph } from "../../models/graph/types.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { servedGraph } from "../../models/t5/served/served.ts";
import { createSession, float32Data, int32 } from "../../server/engine/runtime/session.ts";
import { exportModel } from "../../server/training/run/results/export.ts";
import { randomModelFolder } from "../support/models/random-model.ts";

const { directory, dispose } = randomModelFolder({ layers: 2, width: 48, seed: 7, spread: 0.3 });
const folder = mkdtempSync(join(tmpdir(), "spanfill-half-"));
after(() => {
  dispose();
  rmSync(folder, { recursive: true, force: true });
});
const config = parseConfig(JSON.parse(readFileSync(join(directory, "config.json"), "utf8")));

/** The folder of a graph's version, after an export. */
async function exported(precision: "float32" | "float16" | "bfloat16"): Promise<string> {
  const out = join(folder, precision);
  const { files } = await exportModel(directory, "server", out, () => undefined, { precision });
  return join(files.find((file) => file.endsWith("-step/1/model.onnx")) ?? assert.fail(), "..");
}

const types: Readonly<Record<string, DType>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

function graphIn(place: string): Graph {
  const path = join(place, "weights.safetensors");
  const bytes = readFileSync(path);
  const tensors = new Map(
    [...parseHeader(bytes, bytes.length, path).tensors].map(([name, { dtype, shape, beginOffset, endOffset }]) => {
      const data = { path: "weights.safetensors", offset: beginOffset, length: endOffset - beginOffset };
      return [name, { dtype: types[dtype] ?? assert.fail(dtype), shape, data }];
    }),
  );
  return servedGraph(config, tensors, Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8), "step");
}

async function logitsOf(place: string): Promise<Float32Array> {
  const session = await createSession(graphIn(place), { folder: place, threads: 1, spin: false });
  const whole = (shape: number[], values: number[]) => int32(values, shape);
  const { logits } = await session.run({
    input_ids: whole([1, 5], [10, 40, 60, 12, 1]),
    attention_mask: whole([1, 5], [1, 1, 1, 1, 1]),
    tokens: whole([1, 1, 4], [0, 20, 30, 70]),
    first: whole([1, 1], [0]),
    candidates: whole([1, 1], [-1]),
  });
  const values = float32Data(logits).slice();
  await session.dispose();
  return values;
}

test("float16 computes what float32 does, as nearly as it can, from half the bytes", async () => {
  const [wide, half] = [await exported("float32"), await exported("float16")];
  const [expected, actual] = [await logitsOf(wide), await logitsOf(half)];
  const most = Math.max(...expected.map(Math.abs));
  const apart = Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN))));
  assert.ok(apart > 0 && apart < most * 2 ** -7, `${apart} of ${most}`);
  const bytes = (place: string) => statSync(join(place, "weights.safetensors")).size;
  assert.ok(bytes(half) < bytes(wide) * 0.75);
});

test("norms, position biases and the last matrix of a feed-forward layer stay in float32; outputs too", async () => {
  const place = await exported("bfloat16");
  const graph = graphIn(place);
  const wide = graph.initializers.map(({ value }) => value).filter(({ name }) => /\.weight$/.test(name));
  for (const { name, dtype } of wide) {
    const isWide = /layer_norm|relative_attention_bias|\.wo\.weight$/.test(name);
    assert.equal(dtype, isWide ? "float32" : "bfloat16", name);
  }
  assert.deepEqual([...new Set(graph.outputs.map(({ dtype }) => dtype))].sort(), ["float32", "int32"]);
});
