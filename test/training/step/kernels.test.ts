/**
 * Each vectorised loop beside the same loop in plain JavaScript, at lengths that end inside a chunk, at its end and
 * beyond it.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "../../../models/random.ts";
import { createKernels } from "../../../server/training/step/kernels.ts";
import { copyToMemory, type View } from "../../../server/training/step/parameter-memory.ts";

const random = seededRandom(3);
const kernels = createKernels();
const values = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);

function near(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < actual.length; i += 1) {
    const [a = Number.NaN, b = Number.NaN] = [actual[i], expected[i]];
    assert.ok(Math.abs(a - b) <= 1e-6 * Math.max(0.5, Math.abs(b)), `${what} ${i}: ${a}, not ${b}`);
  }
}

describe("kernels", () => {
  for (const count of [1, 3, 4, 1000, 16_384, 16_385, 40_001]) {
    it(`of ${count} values`, () => {
      const [w, g, m] = [values(count), values(count), values(count)];
      const v = values(count).map(Math.abs);
      near([kernels.sumOfSquares(w)], [w.reduce((sum, x) => sum + x * x, 0)], "sum of squares");
      const sums = w.slice();
      kernels.add(sums, g);
      near(
        sums,
        w.map((x, i) => x + (g[i] ?? 0)),
        "sum",
      );
      const by = { scale: 0.5, beta1: 0.9, beta2: 0.99, stepSize: 0.1, root: 1.5, epsilon: 1e-8, keep: 0.98 };
      const firsts = m.map((x, i) => 0.9 * x + 0.1 * 0.5 * (g[i] ?? 0));
      const seconds = v.map((x, i) => 0.99 * x + 0.01 * (0.5 * (g[i] ?? 0)) ** 2);
      const moved = w.map((x, i) => x * 0.98 - (0.1 * (firsts[i] ?? 0)) / (Math.sqrt(seconds[i] ?? 0) * 1.5 + 1e-8));
      kernels.adamw(w, g, m, v, by);
      near(m, firsts, "first moment");
      near(v, seconds, "second moment");
      near(w, moved, "weight");
    });
  }

  for (const [R, C] of [
    [1, 5],
    [7, 3],
    [3, 16_384],
    [2, 20_001],
    [300, 64],
  ] as const) {
    it(`of a matrix [${R}, ${C}]`, () => {
      const [w, g] = [values(R * C), values(R * C)];
      const columns = values(C);
      const row = (r: number) => g.subarray(r * C, (r + 1) * C);
      const each = <T>(make: (r: number) => T): T[] => Array.from({ length: R }, (_, r) => make(r));
      const [rowSums, columnSums] = [new Float64Array(R).fill(9), new Float64Array(C).fill(1)];
      kernels.squares(g, rowSums, columnSums);
      near(
        rowSums,
        each((r) => row(r).reduce((sum, x) => sum + x * x, 0)),
        "row",
      );
      near(
        columnSums,
        Float64Array.from({ length: C }, (_, c) => each((r) => (row(r)[c] ?? 0) ** 2).reduce((a, b) => a + b, 1)),
        "column",
      );
      kernels.scaledSquares(g, columns, rowSums);
      near(
        rowSums,
        each((r) => row(r).reduce((sum, x, c) => sum + (x * (columns[c] ?? 0)) ** 2, 0)),
        "scaled row",
      );
      const rows = Float64Array.from({ length: R }, (_, r) => r - 1);
      const moved = w.map((x, i) => x * 0.9 - (g[i] ?? 0) * (rows[Math.floor(i / C)] ?? 0) * (columns[i % C] ?? 0));
      kernels.apply(w, g, rows, columns, 0.9);
      near(w, moved, "weight");
    });
  }
});

it("a parameter memory works on its views where they lie, to the same bits as on copies", () => {
  const tensors = new Map([
    ["even", values(40_000)],
    ["odd", values(5)],
    ["small", values(8)],
  ]);
  const memory = copyToMemory(tensors);
  const by = { scale: 0.5, beta1: 0.9, beta2: 0.99, stepSize: 0.1, root: 1.5, epsilon: 1e-8, keep: 0.98 };
  assert.deepEqual(memory.tensors, tensors);
  assert.equal(
    memory.tensors.get("odd"),
    tensors.get("odd"),
    "a length that is not a multiple of four stays where it is",
  );
  const arrays: Float32Array[] = [];
  for (const name of tensors.keys()) {
    const view = (kind: View | "weight") => {
      const array = kind === "weight" ? memory.tensors.get(name) : memory.view(name, kind);
      return array instanceof Float32Array ? array : assert.fail(kind);
    };
    const [w, g, s, m, v] = [
      view("weight"),
      view("gradient"),
      view("scratch"),
      view("firstMoment"),
      view("secondMoment"),
    ];
    assert.equal(view("gradient").byteOffset, g.byteOffset, "the same at each call");
    assert.equal(name === "odd" || [g, s, m, v].every(({ buffer }) => buffer === w.buffer), true);
    g.set(values(g.length));
    const [w1, g1, m1, v1] = [w.slice(), g.slice(), m.slice(), v.slice()];
    const inPlace = memory.kernels(name);
    inPlace.adamw(w, g, m, v, by);
    kernels.adamw(w1, g1, m1, v1, by);
    assert.deepEqual([w, m, v], [w1, m1, v1]);
    assert.equal(inPlace.sumOfSquares(g), kernels.sumOfSquares(g1));
    arrays.push(w, g, s, m, v);
    if (name === "odd") continue;
    const [rows, columns] = [new Float64Array(g.length / 4).fill(0.1), values(4)];
    inPlace.apply(w, g, rows, columns, 0.9);
    kernels.apply(w1, g1, rows, columns, 0.9);
    assert.deepEqual([w, g], [w1, g1], "and the gradient beside it stays");
  }
  for (const [i, array] of arrays.entries()) array.fill(i);
  for (const [i, array] of arrays.entries())
    assert.ok(
      array.every((value) => value === i),
      `no view overlaps another: ${i}`,
    );
});
