/** The gradient rules: one for each operator, written in plain operators. */

import { table } from "../../base/table.ts";
import type { GraphBuilder } from "./builder.ts";
import * as ops from "./ops.ts";
import { pad, padBy } from "./pad-ops.ts";
import { ascendingOrder } from "./sort-ops.ts";
import type { Node, Value } from "./types.ts";

/**
 * Takes a node and the gradient of its first output, and returns for each input a function that adds the input's
 * gradient (of its shape). Only the functions of needed gradients are called; an input that no gradient passes through
 * has none.
 */
export type GradientRule = (g: GraphBuilder, node: Node, dy: Value) => readonly ((() => Value) | undefined)[];

/**
 * The rules, by operator.
 * @see any text on reverse-mode differentiation; RMS norm and softmax as in their closed forms
 */
export const gradientRules: Readonly<Record<string, GradientRule>> = table({
  Add(g, node, dy) {
    return [() => fit(g, dy, input(node, 0)), () => fit(g, dy, input(node, 1))];
  },
  Mul(g, node, dy) {
    const [a, b] = [input(node, 0), input(node, 1)];
    return [() => fit(g, ops.mul(g, dy, b), a), () => fit(g, ops.mul(g, dy, a), b)];
  },
  /** The product of a or a^T with b or b^T. The addend has no rule, since no gradient ever passes through it. */
  Gemm(g, node, dy) {
    const [a, b] = [input(node, 0), input(node, 1)];
    const [transposedA, transposedB] = [flag(node, "transA"), flag(node, "transB")];
    return [
      () =>
        transposedA
          ? ops.gemm(g, b, dy, { transposeA: transposedB, transposeB: true })
          : ops.gemm(g, dy, b, { transposeB: !transposedB }),
      () =>
        transposedB
          ? ops.gemm(g, ops.transposedCopy(g, dy), a, { transposeB: transposedA })
          : ops.gemm(g, a, dy, { transposeA: !transposedA }),
    ];
  },
  MatMul(g, node, dy) {
    const [a, b] = [input(node, 0), input(node, 1)];
    return [() => fit(g, ops.matmul(g, dy, swapped(g, b)), a), () => fit(g, ops.matmul(g, swapped(g, a), dy), b)];
  },
  Transpose(g, node, dy) {
    const perm = node.attributes["perm"];
    const order = perm !== undefined && "ints" in perm ? perm.ints : [];
    return [
      () =>
        ops.transpose(
          g,
          dy,
          order.map((_, axis) => order.indexOf(axis)),
        ),
    ];
  },
  Reshape(g, node, dy) {
    const x = input(node, 0);
    return [() => ops.reshapeTo(g, dy, ops.shapeOf(g, x, 0, x.shape.length), x.shape)];
  },
  /** The pieces of the gradient. */
  Concat(g, node, dy) {
    const axis = integer(node, "axis");
    return node.inputs.map((_, i) => () => {
      const extent = (index: number) => ops.shapeOf(g, input(node, index), axis, axis + 1);
      let begin = g.constant("int64", [1], [0]);
      for (let before = 0; before < i; before += 1) begin = ops.add(g, begin, extent(before));
      const { shape } = input(node, i);
      return ops.slice(g, dy, axis, begin, ops.add(g, begin, extent(i)), shape[axis] ?? 1);
    });
  },
  /** Zeros where nothing was taken. The axis is the one whose extent has another name. */
  Slice(g, node, dy) {
    const [x, begin, end] = [input(node, 0), input(node, 1), input(node, 2)];
    const axis = x.shape.findIndex((dim, i) => dim !== dy.shape[i]);
    if (axis < 0) throw new RangeError("the extent of a slice needs a name that differs from the whole's");
    const after = () => ops.sub(g, ops.shapeOf(g, x, axis, axis + 1), end);
    return [() => pad(g, dy, axis, begin, after(), x.shape[axis] ?? 1)];
  },
  /** Rows in another order, each once: all that is differentiated. The gradient's rows go back to where they were. */
  Gather(g, node, dy) {
    const [x, order] = [input(node, 0), input(node, 1)];
    if (order.shape.length !== 1 || order.shape[0] !== x.shape[0])
      throw new RangeError("Gather has a gradient rule only where it puts all rows in another order");
    return [() => ops.gather(g, dy, ascendingOrder(g, order, ops.shapeOf(g, order, 0, 1)), 0)];
  },
  /** Only outcomes of comparisons are cast, through which no gradient passes. */
  Cast(_, node) {
    if (input(node, 0).dtype !== "bool") throw new RangeError("Cast has a gradient rule only for bool");
    return [];
  },
  Pad(g, node, dy) {
    return [() => padBy(g, dy, ops.unary(g, "Neg", input(node, 1)), input(node, 0).shape)];
  },
  Relu(g, node, dy) {
    return [() => ops.mul(g, dy, ops.positive(g, output(node, 0)))];
  },
  Sigmoid(g, node, dy) {
    const y = output(node, 0);
    return [() => ops.mul(g, dy, ops.mul(g, y, ops.sub(g, scalar(g, y, 1), y)))];
  },
  /** The tanh form is x * sigmoid(z) with z = x (a + b x^2). */
  Gelu(g, node, dy) {
    return [
      () => {
        const x = input(node, 0);
        const a = 2 * Math.sqrt(2 / Math.PI);
        const bSquare = ops.mul(g, ops.mul(g, x, x), scalar(g, x, a * 0.044715));
        const s = ops.unary(g, "Sigmoid", ops.mul(g, x, ops.add(g, bSquare, scalar(g, x, a))));
        const slope = ops.add(g, ops.mul(g, bSquare, scalar(g, x, 3)), scalar(g, x, a)); // dz/dx
        const rest = ops.mul(g, ops.mul(g, x, slope), ops.sub(g, scalar(g, x, 1), s));
        return ops.mul(g, dy, ops.mul(g, s, ops.add(g, rest, scalar(g, x, 1))));
      },
    ];
  },
  /** Over the last axis: (dy - sum(dy y)) y. */
  Softmax(g, node, dy) {
    const y = output(node, 0);
    const along = () => ops.reduceLast(g, "ReduceSum", ops.mul(g, dy, y));
    return [() => ops.mul(g, ops.sub(g, dy, along()), y)];
  },
  /** y = n w with n = x r, r the reciprocal root mean square, the node's second output. */
  SimplifiedLayerNormalization(g, node, dy) {
    const [x, weight] = [input(node, 0), input(node, 1)];
    const r = output(node, 1); // [.., 1]
    const n = ops.mul(g, x, r);
    const product = ops.mul(g, dy, n);
    return [
      () => {
        const width = Number(x.shape.at(-1));
        const dot = ops.matmul(g, product, ops.unsqueeze(g, weight, 1)); // [.., 1]
        const along = ops.mul(g, dot, scalar(g, x, 1 / width));
        return ops.mul(g, ops.sub(g, ops.mul(g, dy, weight), ops.mul(g, n, along)), r);
      },
      () => fit(g, product, weight),
    ];
  },
});

/** Sums a gradient over the axes along which a value was broadcast. */
function fit(g: GraphBuilder, gradient: Value, { shape }: Value): Value {
  const extra = gradient.shape.length - shape.length;
  const lead = Array.from({ length: extra }, (_, axis) => axis);
  const stretched = shape.flatMap((dim, i) => (dim === 1 && gradient.shape[extra + i] !== 1 ? [extra + i] : []));
  const dropped = lead.length === 0 ? gradient : ops.reduceSum(g, gradient, lead, false);
  if (stretched.length === 0) return dropped;
  return ops.reduceSum(
    g,
    dropped,
    stretched.map((axis) => axis - extra),
    true,
  );
}

/** x with its last two axes swapped. */
function swapped(g: GraphBuilder, x: Value): Value {
  const rank = x.shape.length;
  return ops.transpose(g, x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

function scalar(g: GraphBuilder, like: Value, value: number): Value {
  return g.constant(like.dtype, [], [value]);
}

function input(node: Node, index: number): Value {
  const value = node.inputs[index];
  if (value === undefined || value === null) throw new RangeError(`${node.op} has no input ${index}`);
  return value;
}

function output(node: Node, index: number): Value {
  const value = node.outputs[index];
  if (value === undefined) throw new RangeError(`${node.op} has no output ${index}`);
  return value;
}

function flag(node: Node, name: string): boolean {
  return integer(node, name) === 1;
}

function integer(node: Node, name: string): number {
  const attribute = node.attributes[name];
  return attribute !== undefined && "int" in attribute ? attribute.int : 0;
}
