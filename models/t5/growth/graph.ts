/** The graphs of a growth operator: the larger model's tensors, and the gradients of the operator's matrices. */
import { backward } from "../../graph/backward.ts";
import { createGraphBuilder, type GraphBuilder } from "../../graph/builder.ts";
import { at } from "../../graph/node.ts";
import * as ops from "../../graph/ops.ts";
import type { Graph, Value } from "../../graph/types.ts";
import type { GrowthKind, GrowthOperator } from "./operator.ts";

/** The extents of a kind's tensors, one after the other: [layers, ..shape]. */
export function stackedShape({ from, shape }: Pick<GrowthKind, "from" | "shape">): number[] {
  return [from.length, ...shape];
}

/**
 * Returns the graph of the larger model's tensors. Inputs: each kind's tensors by the kind's name, float32
 * [layers, ..shape]; each matrix by its name. Outputs: `grown <kind>`, float32 [layers, ..grown].
 */
export function growthGraph(operator: GrowthOperator): Graph {
  const g = createGraphBuilder();
  const { outputs } = grownTensors(g, operator);
  return g.build("growth", Object.fromEntries(outputs.map(({ kind, grown }) => [`grown ${kind.name}`, grown])));
}

/**
 * Returns the graph of the matrices' gradients. Inputs: those of growthGraph, and the gradient of each of its outputs,
 * `d <kind>`. Outputs: `d <matrix>` for each matrix.
 */
export function growthGradientGraph(operator: GrowthOperator): Graph {
  const g = createGraphBuilder();
  const { outputs, matrices } = grownTensors(g, operator);
  const seeds = outputs
    .filter(({ kind }) => grows(kind))
    .map(({ kind, grown }) => ({ value: grown, gradient: g.input(`d ${kind.name}`, "float32", grown.shape) }));
  const gradients = backward(g, seeds, [...matrices.values()]);
  return g.build(
    "growthGradient",
    Object.fromEntries([...matrices.keys()].map((name, i) => [`d ${name}`, at(gradients, i)])),
  );
}

/** Whether a matrix has a part in a kind's tensors. */
export function grows({ depth, out, inner }: GrowthKind): boolean {
  return depth !== undefined || out !== undefined || inner !== undefined;
}

function grownTensors(g: GraphBuilder, { kinds, matrices: known }: GrowthOperator) {
  const matrices = new Map([...known].map(([name, { shape }]) => [name, g.input(name, "float32", shape)]));
  const matrix = (name: string | undefined): Value | undefined => (name === undefined ? undefined : matrices.get(name));
  const outputs = kinds.map((kind) => {
    const { from, to, shape, grown, depth, out, inner } = kind;
    // Before the widths: fewer values.
    const tensors = g.input(kind.name, "float32", stackedShape(kind)); // [layers, rows, columns]
    let x = mixLayers(g, matrix(depth), tensors, [from.length, to.length], shape);
    const columns = matrix(inner);
    if (columns !== undefined) x = ops.matmul(g, x, ops.transpose(g, columns, [1, 0]));
    const rows = matrix(out);
    if (rows !== undefined && grown.length === 1) x = ops.matmul(g, x, ops.transpose(g, rows, [1, 0]));
    else if (rows !== undefined) x = ops.matmul(g, rows, x);
    return { kind, grown: x };
  });
  return { outputs, matrices };
}

/** Sums over the layers: [layers before, ..shape] -> [layers after, ..shape]. */
function mixLayers(
  g: GraphBuilder,
  depth: Value | undefined,
  tensors: Value,
  [before, after]: readonly [number, number],
  shape: readonly number[],
): Value {
  if (depth === undefined) return tensors;
  const count = shape.reduce((product, axis) => product * axis, 1);
  const mixed = ops.matmul(g, depth, ops.reshape(g, tensors, [before, count]));
  return ops.reshape(g, mixed, [after, ...shape]);
}
