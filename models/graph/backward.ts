/** Reverse-mode differentiation: walks a graph's nodes from last to first and adds the nodes of their gradients. */
import type { GraphBuilder } from "./builder.ts";
import { gradientRules } from "./gradients.ts";
import { at, repeated } from "./node.ts";
import * as ops from "./ops.ts";
import type { Node, Value } from "./types.ts";

/** A value and the gradient of the loss with respect to it. */
export interface Seed {
  readonly value: Value;
  readonly gradient: Value;
}

/** Consecutive nodes whose values the backward pass computes again instead of keeping them. */
export interface Segment {
  /** The index of its first node in the graph, and of the node after its last. */
  readonly begin: number;
  readonly end: number;
  /** The values of earlier nodes that it takes, which are kept. */
  readonly inputs: readonly Value[];
}

/**
 * Adds the nodes that compute a loss's gradients, as plain operators.
 * @param seeds the values that the loss is computed from, each with its gradient: the walk begins there
 * @param wanted the values whose gradients are returned, inputs, constants or results of nodes: the walk ends there
 * @param segments nodes that are computed again from their inputs, so that less is kept at once; they do not overlap
 * @returns one gradient for each wanted value, of its shape
 * @throws RangeError when an operator between them has no rule, or the loss does not depend on a wanted value
 */
export function backward(
  g: GraphBuilder,
  seeds: readonly Seed[],
  wanted: readonly Value[],
  segments: readonly Segment[] = [],
): Value[] {
  const nodes = [...g.nodes];
  // Values that depend on a wanted one: no other needs a gradient.
  const active = new Set(wanted.map((value) => value.name));
  for (const node of nodes) {
    if (!node.inputs.some((value) => value !== null && active.has(value.name))) continue;
    for (const value of node.outputs) active.add(value.name);
  }
  const gradients = new Map<string, Value>();
  const pass = (name: string, gradient: Value) => {
    const known = gradients.get(name);
    gradients.set(name, known === undefined ? gradient : ops.add(g, known, gradient));
  };
  for (const { value, gradient } of seeds) pass(value.name, gradient);
  const ends = new Set(wanted.map((value) => value.name));
  const repetitions = new Map<Segment, ReadonlyMap<Node, Node>>();
  for (const [i, node] of [...nodes.entries()].reverse()) {
    const [first] = node.outputs;
    const dy = first === undefined ? undefined : gradients.get(first.name);
    if (first === undefined || dy === undefined || ends.has(first.name)) continue;
    gradients.delete(first.name);
    if (!node.inputs.some((value) => value !== null && active.has(value.name))) continue;
    const rule = gradientRules[node.op];
    if (rule === undefined) throw new RangeError(`${node.op} has no gradient rule; add one to gradients.ts`);
    const segment = segments.find(({ begin, end }) => begin <= i && i < end);
    if (segment !== undefined && !repetitions.has(segment)) {
      repetitions.set(segment, computeAgain(g, nodes, segment, dy));
    }
    const computed = segment === undefined ? node : (repetitions.get(segment)?.get(node) ?? node);
    for (const [index, gradientOf] of rule(g, computed, dy).entries()) {
      const value = node.inputs[index];
      if (value != null && gradientOf !== undefined && active.has(value.name)) pass(value.name, gradientOf());
    }
  }
  return wanted.map((value) => {
    const gradient = gradients.get(value.name);
    if (gradient === undefined) throw new RangeError(`the loss does not depend on ${value.name}`);
    return gradient;
  });
}

/**
 * Adds a segment's nodes again.
 * @param after a value that is computed before them; else the runtime would compute them early, or merge them with the
 *   first ones
 * @returns the repetition of each node
 */
function computeAgain(g: GraphBuilder, nodes: readonly Node[], { begin, end, inputs }: Segment, after: Value) {
  const index = g.constant("int64", [], [0]);
  let zero = after;
  while (zero.shape.length > 0) zero = ops.gather(g, zero, index, 0);
  zero = ops.mul(g, zero, g.constant(after.dtype, [], [0]));
  const renamed = new Map(inputs.map((value) => [value.name, ops.add(g, value, zero)]));
  const repetitions = new Map<Node, Node>();
  for (const node of nodes.slice(begin, end)) {
    const renamedInputs = node.inputs.map((value) => (value === null ? null : (renamed.get(value.name) ?? value)));
    const again = repeated(g, node, renamedInputs);
    for (const [i, { name }] of node.outputs.entries()) renamed.set(name, at(again.outputs, i));
    repetitions.set(node, again);
  }
  return repetitions;
}
