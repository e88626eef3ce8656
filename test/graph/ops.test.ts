import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ModelError } from "../../models/errors.ts";
import { createGraphBuilder } from "../../models/graph/builder.ts";
import * as ops from "../../models/graph/ops.ts";
import { encodeModel } from "../../models/graph/proto.ts";
import * as runtime from "../../models/graph/runtime-ops.ts";
import type { Shape, Value } from "../../models/graph/types.ts";
import { createSession, float32, float32Data } from "../../server/engine/runtime/session.ts";

const value = (shape: Shape, dtype: Value["dtype"] = "float32"): Value => ({ name: "x", dtype, shape });

const shapes: [string, Shape, Shape, Shape | "refused"][] = [
  ["equal extents", [2, 3], [2, 3], [2, 3]],
  ["one stretches", [2, 1], [1, 3], [2, 3]],
  ["a missing axis counts as one", ["B", 4], [4], ["B", 4]],
  ["a name meets itself", ["B", "S"], ["B", "S"], ["B", "S"]],
  ["extents that differ", [2, 3], [2, 4], "refused"],
  ["names that differ", ["B", 3], ["S", 3], "refused"],
];
for (const [name, a, b, expected] of shapes) {
  test(`element-wise shapes: ${name}`, () => {
    const g = createGraphBuilder();
    const result = () => ops.add(g, value(a), value(b)).shape;
    if (expected === "refused") assert.throws(result, isShapeError);
    else assert.deepEqual(result(), expected);
  });
}

test("nodes are added by typed functions only", () => {
  const typed = /^graph[/\\](ops|runtime-ops|sort-ops|node)\.ts$/;
  const raw = readdirSync("models", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !typed.test(file))
    .filter((file) => /\.add\(\s*(["'`]|\w+\.op\b)/.test(readFileSync(join("models", file), "utf8")));
  assert.deepEqual(raw, []);
});

const refused: [string, () => unknown][] = [
  ["a product whose inner extents differ", () => ops.matmul(createGraphBuilder(), value([2, 3]), value([4, 5]))],
  ["a sum of two types", () => ops.add(createGraphBuilder(), value([2]), value([2], "int64"))],
  ["a split that does not add up", () => ops.splitLast(createGraphBuilder(), value([2, 9]), [3, 3])],
  ["a norm of another width", () => runtime.simplifiedLayerNorm(createGraphBuilder(), value([2, 8]), value([4]), 1e-6)],
  ["a transpose of another rank", () => ops.transpose(createGraphBuilder(), value([2, 3]), [0, 2, 1])],
  ["two extents to infer", () => ops.reshape(createGraphBuilder(), value(["A", "B"]), ["C", "D"])],
  ["an extent without a name", () => ops.concat(createGraphBuilder(), [value(["P", 2]), value([1, 2])], 0)],
];
for (const [name, make] of refused) test(`refuses ${name}`, () => assert.throws(make, isShapeError));

test("a loop's body runs in ONNX Runtime: powers of two", async () => {
  const g = createGraphBuilder();
  const start = g.input("start", "float32", [1]);
  const trips = g.constant("int64", [], [5]);
  const body = g.body();
  body.input("iteration", "int64", []);
  const condition = body.input("condition", "bool", []);
  const x = body.input("x", "float32", [1]);
  const twice = ops.add(body, x, x);
  const step = body.build("double", { condition: ops.unary(body, "Identity", condition), x: twice, seen: twice });
  const { carried, stacked } = ops.loop(g, trips, step, [start], [[1]], "n");
  const [last] = carried;
  const [all] = stacked;
  assert.ok(last !== undefined && all !== undefined);
  const session = await createSession(g.build("powers", { last, all }), { folder: ".", threads: 1, spin: false });
  const made = await session.run({ start: float32(Float32Array.of(1), [1]) });
  await session.dispose();
  assert.deepEqual([...float32Data(made["last"])], [32]);
  assert.deepEqual([...float32Data(made["all"])], [2, 4, 8, 16, 32]);
});

test("equal constants are written once", () => {
  const g = createGraphBuilder();
  const x = g.input("x", "float32", [2]);
  const one = () => g.constant("float32", [2], [1, 1]);
  const graph = g.build("sum", { y: ops.add(g, ops.add(g, x, one()), one()) });
  assert.equal(graph.initializers.length, 1);
  assert.ok(encodeModel(graph).length > 0);
});

function isShapeError(error: unknown): boolean {
  return error instanceof ModelError && error.code === "shape";
}
