/** Makes a float64 graph runnable: replaces operators for which ONNX Runtime has no float64 kernels by plain ones. */
import { createGraphBuilder } from "./builder.ts";
import * as ops from "./ops.ts";
import type { Graph, Initializer, Node, Value } from "./types.ts";

/**
 * Returns the graph with its root-mean-square norms in plain operators. These are slow: use it only to check gradients.
 */
export function withFloat64Norms(graph: Graph): Graph {
  const initializers: Initializer[] = [...graph.initializers];
  const nodes = graph.nodes.flatMap((node) => {
    if (node.op !== "SimplifiedLayerNormalization") return [node];
    const plain = plainNorm(node);
    initializers.push(...plain.initializers);
    return plain.nodes;
  });
  return { ...graph, nodes, initializers };
}

function plainNorm(node: Node): Graph {
  const g = createGraphBuilder();
  const [x, weight] = node.inputs;
  const [normed, reciprocal] = node.outputs;
  const epsilon = node.attributes["epsilon"];
  if (x == null || weight == null || normed === undefined || reciprocal === undefined) {
    throw new RangeError("a norm has two inputs and two outputs");
  }
  if (epsilon === undefined || !("float" in epsilon)) throw new RangeError("a norm has an epsilon");
  const meanSquare = ops.reduceLast(g, "ReduceMean", ops.mul(g, x, x));
  const root = ops.unary(g, "Sqrt", ops.add(g, meanSquare, g.constant(x.dtype, [], [epsilon.float])));
  const r = ops.unary(g, "Reciprocal", root);
  const outputs = { [normed.name]: ops.mul(g, ops.mul(g, x, r), weight), [reciprocal.name]: r };
  return prefixed(g.build("norm", outputs), `${normed.name} `, new Set([x.name, weight.name, ...Object.keys(outputs)]));
}

/** The graph with a prefix on all names but the kept ones. */
function prefixed(graph: Graph, prefix: string, kept: ReadonlySet<string>): Graph {
  const rename = (value: Value): Value => (kept.has(value.name) ? value : { ...value, name: prefix + value.name });
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((value) => (value === null ? null : rename(value))),
      outputs: node.outputs.map(rename),
    })),
    initializers: graph.initializers.map(({ value, data }) => ({ value: rename(value), data })),
  };
}
