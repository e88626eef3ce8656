/** The order of a graph's nodes that lets the runtime free memory early. */
import type { Graph, Node } from "./types.ts";

/**
 * Returns a graph of the same nodes in an order in which the runtime computes its outputs as soon as it can. The
 * runtime goes back from the nodes whose values no other takes, the last one first, and computes all that one needs
 * before it takes up the next. So gradients of weights, as they were added, would come at the end, and everything that
 * they need would be kept until then.
 * @see GraphViewer and Graph::ReverseDFSFrom, graph.cc of ONNX Runtime
 */
export function inReleaseOrder(graph: Graph): Graph {
  const nodes = withoutCopies(graph);
  const taken = new Set(nodes.flatMap(({ inputs }) => inputs.flatMap((value) => value?.name ?? [])));
  const isLast = ({ outputs }: Node) => outputs.every(({ name }) => !taken.has(name));
  return { ...graph, nodes: [...nodes.filter((node) => !isLast(node)), ...nodes.filter(isLast).toReversed()] };
}

/** The nodes without those that only name an output, where no other node takes the value so named. */
function withoutCopies({ nodes }: Graph): readonly Node[] {
  const takers = new Map<string, number>();
  for (const value of nodes.flatMap(({ inputs }) => inputs))
    if (value !== null) takers.set(value.name, (takers.get(value.name) ?? 0) + 1);
  const made = new Set(nodes.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
  const renamed = new Map<string, string>();
  const kept = nodes.filter(({ op, inputs: [input], outputs: [output] }) => {
    if (op !== "Identity" || input == null || output === undefined) return true;
    if (takers.get(input.name) !== 1 || !made.has(input.name)) return true;
    renamed.set(input.name, output.name);
    return false;
  });
  return kept.map((node) => ({
    ...node,
    outputs: node.outputs.map((value) => ({ ...value, name: renamed.get(value.name) ?? value.name })),
  }));
}
