/** The order in which the runtime computes a training graph's gradients, and where it writes them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGraphBuilder } from "../../models/graph/builder.ts";
import * as ops from "../../models/graph/ops.ts";
import { inReleaseOrder } from "../../models/graph/release-order.ts";
import type { Graph } from "../../models/graph/types.ts";
import { parseConfig } from "../../models/t5/config.ts";
import { trainingGraph } from "../../models/t5/training.ts";
import { createSession, float32, float32Data } from "../../server/engine/runtime/session.ts";

/** The outputs in the order in which Graph::ReverseDFSFrom of ONNX Runtime comes to them. */
function computed({ nodes, outputs }: Graph): string[] {
  const maker = new Map(nodes.flatMap((node, i) => node.outputs.map(({ name }) => [name, i] as const)));
  const needs = nodes.map(({ inputs }) => inputs.flatMap((value) => maker.get(value?.name ?? "") ?? []));
  const taken = new Set(needs.flat());
  const stack = nodes.flatMap((_, i) => (taken.has(i) ? [] : [{ i, leaves: false }]));
  const [order, seen]: [number[], Set<number>] = [[], new Set()];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top.leaves) order.push(top.i);
    if (top.leaves || seen.has(top.i)) continue;
    seen.add(top.i);
    stack.push({ i: top.i, leaves: true });
    for (const i of [...(needs[top.i] ?? [])].sort((a, b) => a - b)) if (!seen.has(i)) stack.push({ i, leaves: false });
  }
  const wanted = new Set(outputs.map(({ name }) => name));
  return order.flatMap((i) => (nodes[i]?.outputs ?? []).flatMap(({ name }) => (wanted.has(name) ? [name] : [])));
}

test("gradients of the last layers are computed first, so that what they need is not kept to the end", () => {
  const config = parseConfig({
    ...{ model_type: "t5", vocab_size: 30, d_model: 8, d_ff: 16, d_kv: 4, num_heads: 2, num_layers: 2 },
    feed_forward_proj: "relu",
  });
  const method = { kind: "full", freezeEmbedding: false } as const;
  const { graph } = trainingGraph(config, { dropout: false, gradients: true, labelSmoothing: 0, zLoss: 0, method });
  const order = computed(graph);
  assert.equal(order.length, graph.outputs.length);
  const at = (name: string) => order.indexOf(`d ${name}.weight`);
  const backwards = [
    "decoder.block.1.layer.2.DenseReluDense.wo",
    "decoder.block.1.layer.0.SelfAttention.q",
    "decoder.block.0.layer.2.DenseReluDense.wi",
    "encoder.block.1.layer.1.DenseReluDense.wo",
    "encoder.block.0.layer.1.DenseReluDense.wi",
    "encoder.block.0.layer.0.SelfAttention.q",
  ].map(at);
  assert.ok(!backwards.includes(-1), `${backwards}`);
  assert.deepEqual(
    backwards,
    backwards.toSorted((a, b) => a - b),
  );
});

test("an output that another node or output takes too keeps its value", async () => {
  const g = createGraphBuilder();
  const x = g.input("x", "float32", [2]);
  const twice = ops.add(g, x, x);
  const graph = inReleaseOrder(g.build("shared", { twice, again: twice, more: ops.add(g, twice, x), x2: x }));
  const session = await createSession(graph, { folder: ".", threads: 1, spin: false });
  const outputs = await session.run({ x: float32(Float32Array.of(1, 2), [2]) });
  await session.dispose();
  const values = Object.entries(outputs).map(([name, tensor]) => [name, ...float32Data(tensor)]);
  assert.deepEqual(values, [
    ["twice", 2, 4],
    ["again", 2, 4],
    ["more", 3, 6],
    ["x2", 1, 2],
  ]);
});

test("outputs whose memory is given are written there, and nowhere else", async () => {
  const g = createGraphBuilder();
  const length = 1 << 20;
  const x = g.input("x", "float32", [length]);
  const graph = g.build("given", { twice: ops.add(g, x, x), square: ops.mul(g, x, x) });
  const session = await createSession(graph, { folder: ".", threads: 1, spin: false, givenOutputs: true });
  const feeds = { x: float32(new Float32Array(length).fill(3), [length]) };
  const room = () => float32(new Float32Array(length), [length]);
  const into = { twice: room(), square: room() };
  const before = process.memoryUsage().arrayBuffers;
  const outputs = await session.run(feeds, into);
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 * length);
  assert.deepEqual(Object.keys(outputs), ["twice", "square"]);
  assert.equal(outputs["twice"], into.twice);
  assert.deepEqual([float32Data(into.twice).at(-1), float32Data(into.square).at(-1)], [6, 9]);
  // What fails for another reason is told.
  await assert.rejects(session.run({}, into), /failed in the given graph/);
  await session.dispose();
});
