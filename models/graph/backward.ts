/** Reverse-mode differentiation: walks a graph's nodes from the last to the first and adds the nodes of their gradients. */
import type { GraphBuilder } from "./builder.ts";
import { gradientRules } from "./gradients.ts";
import * as ops from "./ops.ts";
import type { Value } from "./types.ts";

/** A value and the loss's gradient of it. */
export interface Seed {
  readonly value: Value;
  readonly gradient: Value;
}

/**
 * Adds to a graph what computes a loss's gradients, as plain operators.
 * @param seeds where the walk begins: what the loss is computed from, each with its gradient
 * @param wanted whose gradients are asked for: inputs, constants, or what nodes made; there the walk ends
 * @returns one gradient for each wanted value, of its shape
 * @throws RangeError when an operator on the way has no rule, or the loss does not depend on a wanted value
 */
export function backward(g: GraphBuilder, seeds: readonly Seed[], wanted: readonly Value[]): Value[] {
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
  for (const node of nodes.reverse()) {
    const [first] = node.outputs;
    const dy = first === undefined ? undefined : gradients.get(first.name);
    if (first === undefined || dy === undefined) continue;
    if (kept.has(first.name)) continue;
    gradients.delete(first.name);
    if (!node.inputs.some((value) => value !== null && active.has(value.name))) continue;
    const rule = gradientRules[node.op];
    if (rule === undefined) throw new RangeError(`${node.op} has no gradient rule; add one to gradients.ts`);
    for (const [i, make] of rule(g, node, dy).entries()) {
      const value = node.inputs[i];
      if (value != null && make !== undefined && active.has(value.name)) pass(value.name, make());
    }
  }
  return wanted.map((value) => {
    const gradient = gradients.get(value.name);
    if (gradient === undefined) throw new RangeError(`the loss does not depend on ${value.name}`);
    return gradient;
  });
}
