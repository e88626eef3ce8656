/** Helpers of all operators: adding a node with the types of its results, and checks of shapes. */
import { ModelError } from "../errors.ts";
import type { GraphBuilder } from "./builder.ts";
import type { Dim, DType, Node, Shape, Value } from "./types.ts";

/** Adds a node with one result. */
export function one(
  g: GraphBuilder,
  op: string,
  inputs: readonly (Value | null)[],
  dtype: DType,
  shape: Shape,
  attributes: Parameters<GraphBuilder["add"]>[3] = {},
  domain = "",
): Value {
  return at(g.add(op, inputs, [{ dtype, shape }], attributes, domain), 0);
}

/** Adds a node like another, with other inputs of the same types. */
export function repeated(g: GraphBuilder, node: Node, inputs: Node["inputs"]): Node {
  const results = node.outputs.map(({ dtype, shape }) => ({ dtype, shape }));
  return { ...node, inputs, outputs: g.add(node.op, inputs, results, node.attributes, node.domain) };
}

/** Adds a node of two inputs of one type, which are broadcast to each other; the result has their type by default. */
export function elementwise(g: GraphBuilder, op: string, a: Value, b: Value, dtype: DType = a.dtype): Value {
  requireSameType(op, a, b);
  return one(g, op, [a, b], dtype, broadcast(op, a.shape, b.shape));
}

/** The shape of two shapes broadcast to each other, as in NumPy. @throws ModelError "shape" when they cannot be */
export function broadcast(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === 1) return y;
    if (y === 1 || x === y) return x;
    throw shapeError(op, `${shapeText(a)} with ${shapeText(b)}`);
  });
}

/** Checks that two values have one type. @throws ModelError "shape" when the types differ */
export function requireSameType(op: string, a: Value, b: Value): void {
  if (a.dtype !== b.dtype) throw shapeError(op, `${a.name} is ${a.dtype} and ${b.name} is ${b.dtype}`);
}

/** Checks that x, an extent of a, equals y, one of b. @throws ModelError "shape" when they differ */
export function requireEqual(op: string, a: Value, x: Dim | undefined, b: Value, y: Dim | undefined): void {
  if (x !== y) throw shapeError(op, `${a.name} ${shapeText(a.shape)} with ${b.name} ${shapeText(b.shape)}`);
}

/** The extent of an axis; negative axes count from the end. @throws ModelError "shape" when there is no such axis */
export function dimAt(shape: Shape, axis: number): Dim {
  const dim = shape.at(axis);
  if (dim === undefined) throw shapeError("graph", `${shapeText(shape)} has no axis ${axis}`);
  return dim;
}

/** The value at an index of a node's results. @throws ModelError "shape" when there are fewer */
export function at(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw shapeError("graph", `a node has no output ${index}`);
  return value;
}

/** A shape as text, for messages. */
export function shapeText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** An error that only a mistake in the code of a graph can cause. */
export function shapeError(op: string, what: string): ModelError {
  return new ModelError("shape", `${op}: ${what}. This is a mistake in the graph's code: please report it.`);
}
