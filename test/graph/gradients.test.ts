/** Every gradient rule beside finite differences, in float64, and what the reverse walk itself does. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backward } from "../../models/graph/backward.ts";
import { createGraphBuilder, type GraphBuilder } from "../../models/graph/builder.ts";
import { withFloat64Norms } from "../../models/graph/float64.ts";
import { gradientRules } from "../../models/graph/gradients.ts";
import * as ops from "../../models/graph/ops.ts";
import { shift } from "../../models/graph/pad-ops.ts";
import * as runtime from "../../models/graph/runtime-ops.ts";
import type { Graph, Value } from "../../models/graph/types.ts";
import { seededRandom } from "../../models/random.ts";
import { createSession, floats, floatsData } from "../../server/engine/runtime/session.ts";

/** Inputs' shapes, and what is made of them. */
interface Case {
  readonly name: string;
  readonly op: string;
  readonly shapes: readonly (readonly number[])[];
  readonly make: (g: GraphBuilder, inputs: readonly Value[]) => Value;
}

const first = ([value]: readonly Value[]): Value => value ?? assert.fail("no input");
const two = ([a, b]: readonly Value[]): [Value, Value] => [a ?? assert.fail("no input"), b ?? assert.fail("one input")];

const cases: Case[] = [
  {
    name: "sum",
    op: "Add",
    shapes: [
      [2, 3],
      [2, 3],
    ],
    make: (g, x) => ops.add(g, ...two(x)),
  },
  {
    name: "sum, broadcast",
    op: "Add",
    shapes: [
      [2, 1, 4],
      [3, 1],
    ],
    make: (g, x) => ops.add(g, ...two(x)),
  },
  {
    name: "product",
    op: "Mul",
    shapes: [
      [2, 3],
      [2, 3],
    ],
    make: (g, x) => ops.mul(g, ...two(x)),
  },
  {
    name: "product, broadcast",
    op: "Mul",
    shapes: [
      [2, 3, 4],
      [2, 1, 4],
    ],
    make: (g, x) => ops.mul(g, ...two(x)),
  },
  { name: "product by a vector", op: "Mul", shapes: [[3], [2, 3]], make: (g, x) => ops.mul(g, ...two(x)) },
  { name: "square, one value twice", op: "Mul", shapes: [[2, 3]], make: (g, x) => ops.mul(g, first(x), first(x)) },
  ...[
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ].map(([transposeA = false, transposeB = false]) => ({
    name: `matrices${transposeA ? ", first transposed" : ""}${transposeB ? ", second transposed" : ""}`,
    op: "Gemm",
    shapes: [transposeA ? [4, 2] : [2, 4], transposeB ? [3, 4] : [4, 3]],
    make: (g: GraphBuilder, x: readonly Value[]) => ops.gemm(g, ...two(x), { transposeA, transposeB }),
  })),
  {
    name: "batched matrices",
    op: "MatMul",
    shapes: [
      [2, 3, 2, 4],
      [2, 3, 4, 5],
    ],
    make: (g, x) => ops.matmul(g, ...two(x)),
  },
  {
    name: "batch by one matrix",
    op: "MatMul",
    shapes: [
      [3, 2, 4],
      [4, 5],
    ],
    make: (g, x) => ops.matmul(g, ...two(x)),
  },
  { name: "axes swapped", op: "Transpose", shapes: [[2, 3, 4]], make: (g, x) => ops.transpose(g, first(x), [2, 0, 1]) },
  { name: "other shape", op: "Reshape", shapes: [[2, 3, 4]], make: (g, x) => ops.reshape(g, first(x), [6, 4]) },
  {
    name: "joined",
    op: "Concat",
    shapes: [
      [2, 3, 2],
      [2, 1, 2],
    ],
    make: (g, x) => ops.concat(g, [...x, first(x)], 1),
  },
  {
    name: "a part",
    op: "Slice",
    shapes: [[2, 5, 3]],
    make: (g, x) => ops.slice(g, first(x), 1, g.constant("int64", [1], [1]), g.constant("int64", [1], [4]), 3),
  },
  { name: "shifted", op: "Pad", shapes: [[2, 4, 3]], make: (g, x) => shift(g, first(x), 1, 1) },
  { name: "shifted out of one", op: "Pad", shapes: [[2, 1, 3]], make: (g, x) => shift(g, first(x), 1, -1) },
  {
    name: "rows in another order",
    op: "Gather",
    shapes: [[4, 3]],
    make: (g, x) => ops.gather(g, first(x), g.constant("int64", [4], [2, 0, 3, 1]), 0),
  },
  {
    name: "by the outcome of a comparison",
    op: "Cast",
    shapes: [[3, 4]],
    make: (g, x) => ops.mul(g, first(x), ops.cast(g, ops.less(g, g.constant("float64", [], [0]), first(x)), "float64")),
  },
  { name: "relu", op: "Relu", shapes: [[3, 4]], make: (g, x) => ops.unary(g, "Relu", first(x)) },
  { name: "sigmoid", op: "Sigmoid", shapes: [[3, 4]], make: (g, x) => ops.unary(g, "Sigmoid", first(x)) },
  { name: "gelu", op: "Gelu", shapes: [[3, 4]], make: (g, x) => ops.geluTanh(g, first(x)) },
  { name: "softmax", op: "Softmax", shapes: [[2, 3, 5]], make: (g, x) => ops.softmax(g, first(x)) },
  {
    name: "norm",
    op: "SimplifiedLayerNormalization",
    shapes: [[2, 3, 4], [4]],
    make: (g, x) => runtime.rootMeanSquareNorm(g, ...two(x), 1e-6).normed,
  },
];

/** Runs a float64 graph on inputs named x0, x1, ... */
async function run(graph: Graph, inputs: readonly Float64Array<ArrayBuffer>[], shapes: Case["shapes"]) {
  const session = await createSession(withFloat64Norms(graph), { folder: ".", threads: 1, spin: false });
  const outputs = await session.run(
    Object.fromEntries(inputs.map((values, i) => [`x${i}`, floats(values, shapes[i] ?? [])])),
  );
  await session.dispose();
  return outputs;
}

const weightsOf = (count: number) => Float64Array.from({ length: count }, (_, i) => Math.cos(3 * i + 1));

describe("gradient rules beside finite differences", () => {
  for (const { name, shapes, make } of cases) {
    it(name, async () => {
      const random = seededRandom(7);
      const inputs = shapes.map((shape) =>
        Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1 + 0.01),
      );
      const declare = () => {
        const g = createGraphBuilder();
        const values = shapes.map((shape, i) => g.input(`x${i}`, "float64", shape));
        return { g, values, y: make(g, values) };
      };
      // The loss is a weighted sum of what the operator makes.
      const { g, values, y } = declare();
      const count = y.shape.map(Number).reduce((a, b) => a * b, 1);
      const seed = g.constant("float64", y.shape.map(Number), weightsOf(count));
      const made = backward(g, [{ value: y, gradient: seed }], values);
      const graph = g.build("gradients", Object.fromEntries(made.map((value, i) => [`d${i}`, value])));
      const gradients = await run(graph, inputs, shapes);
      const plain = declare();
      const forward = plain.g.build("forward", { y: plain.y });
      const loss = async () => {
        const output = floatsData((await run(forward, inputs, shapes))["y"]);
        return weightsOf(count).reduce((sum, weight, i) => sum + weight * (output[i] ?? 0), 0);
      };
      for (const [i, values] of inputs.entries()) {
        const gradient = floatsData(gradients[`d${i}`]);
        assert.equal(gradient.length, values.length);
        for (const [at, value] of values.entries()) {
          const step = 1e-5;
          values[at] = value + step;
          const above = await loss();
          values[at] = value - step;
          const below = await loss();
          values[at] = value;
          const expected = (above - below) / (2 * step);
          const error = Math.abs((gradient[at] ?? Number.NaN) - expected);
          assert.ok(error < 1e-6 * Math.max(1, Math.abs(expected)), `x${i}[${at}]: ${gradient[at]}, not ${expected}`);
        }
      }
    });
  }

  it("covers every rule", () => {
    assert.deepEqual([...new Set(cases.map(({ op }) => op))].sort(), Object.keys(gradientRules).sort());
  });
});

describe("the reverse walk", () => {
  it("adds up the gradients of a value that is used several times", async () => {
    const g = createGraphBuilder();
    const x = g.input("x0", "float64", [1]);
    const y = ops.mul(g, ops.add(g, x, x), x); // 2 x^2
    const [gradient = x] = backward(g, [{ value: y, gradient: g.constant("float64", [1], [1]) }], [x]);
    const made = await run(g.build("square", { d: gradient }), [Float64Array.of(3)], [[1]]);
    assert.equal(floatsData(made["d"])[0], 12);
  });

  it("ends at what is asked for, and leaves out what nothing is learned through", () => {
    const g = createGraphBuilder();
    const ids = g.input("ids", "int32", [2]);
    const rows = ops.gather(g, g.input("table", "float64", [4, 3]), ids, 0);
    const y = ops.mul(g, rows, g.constant("float64", [], [2]));
    const before = g.nodes.length;
    const [gradient] = backward(g, [{ value: y, gradient: y }], [rows]);
    assert.deepEqual(gradient?.shape, [2, 3]);
    assert.deepEqual(
      g.nodes.slice(before).map(({ op }) => op),
      ["Mul"],
    );
  });

  it("names an operator without a rule, and a value the loss does not depend on", () => {
    const g = createGraphBuilder();
    const x = g.input("x0", "float64", [2]);
    const y = ops.unary(g, "Log", x);
    assert.throws(() => backward(g, [{ value: y, gradient: y }], [x]), /Log has no gradient rule/);
    assert.throws(() => backward(g, [], [x]), /does not depend on x0/);
  });
});
