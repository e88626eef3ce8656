/** Reverse-mode differentiation: walks a graph's nodes from the last to the first and adds the nodes of their gradients. */
import type { GraphBuilder } from "./builder.ts";
import { gradientRules } from "./gradients.ts";
import { at, repeated } from "./node.ts";
import * as ops from "./ops.ts";
import type { Node, Value } from "./types.ts";

/** A value and the loss's gradient of it. */
export interface Seed {
  readonly value: Value;
  readonly gradient: Value;
}

/** A run of nodes that is computed again on the way back rather than kept. */
export interface Segment {
  /** The first of its nodes, by its place in the graph, and the one after its last. */
  readonly begin: number;
  readonly end: number;
  /** What it takes of what nodes before it made: kept. */
  readonly inputs: readonly Value[];
}

/**
 * Adds to a graph what computes a loss's gradients, as plain operators.
 * @param seeds where the walk begins: what the loss is computed from, each with its gradient
 * @param wanted whose gradients are asked for: inputs, constants, or what nodes made; there the walk ends
 * @param segments computed again from their inputs: less is kept at once. They do not overlap.
 * @returns one gradient for each wanted value, of its shape
 * @throws RangeError when an operator on the way has no rule, or the loss does not depend on a wanted value
 */
export function backward(
  g: GraphBuilder,
  seeds: readonly Seed[],
  wanted: readonly Value[],
  segments: readonly Segment[] = [],
): Value[] {
  const nodes = [...g.nodes];
  // What depends on a wanted value: nothing else needs a gradient.
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
  const kept = new Set(wanted.map((value) => value.name));
  const again = new Map<Segment, ReadonlyMap<Node, Node>>();
  for (const [i, node] of [...nodes.entries()].reverse()) {
    const [first] = node.outputs;
    const dy = first === undefined ? undefined : gradients.get(first.name);
    if (first === undefined || dy === undefined) continue;
    if (kept.has(first.name)) continue;
    gradients.delete(first.name);
    if (!node.inputs.some((value) => value !== null && active.has(value.name))) continue;
    const rule = gradientRules[node.op];
    if (rule === undefined) throw new RangeError(`${node.op} has no gradient rule; add one to gradients.ts`);
    const segment = segments.find(({ begin, end }) => begin <= i && i < end);
    if (segment !== undefined && !again.has(segment)) again.set(segment, computeAgain(g, nodes, segment, dy));
    const computed = segment === undefined ? node : (again.get(segment)?.get(node) ?? node);
    for (const [place, make] of rule(g, computed, dy).entries()) {
      const value = node.inputs[place];
      if (value != null && make !== undefined && active.has(value.name)) pass(value.name, make());
    }
  }
  return wanted.map((value) => {
    const gradient = gradients.get(value.name);
    if (gradient === undefined) throw new RangeError(`the loss does not depend on ${value.name}`);
    return gradient;
  });
}

/**
 * Adds a segment's nodes once more.
 * @param after computed before they are: the runtime would else compute them early, or take them for the same nodes twice
 * @returns each node's repetition
 */
function computeAgain(g: GraphBuilder, nodes: readonly Node[], { begin, end, inputs }: Segment, after: Value) {
  const index = g.constant("int64", [], [0]);
  let nothing = after;
  while (nothing.shape.length > 0) nothing = ops.gather(g, nothing, index, 0);
  nothing = ops.mul(g, nothing, g.constant(after.dtype, [], [0]));
  const renamed = new Map(inputs.map((value) => [value.name, ops.add(g, value, nothing)]));
  const made = new Map<Node, Node>();
  for (const node of nodes.slice(begin, end)) {
    const taken = node.inputs.map((value) => (value === null ? null : (renamed.get(value.name) ?? value)));
    const again = repeated(g, node, taken);
    for (const [i, { name }] of node.outputs.entries()) renamed.set(name, at(again.outputs, i));
    made.set(node, again);
  }
  return made;
}
