/** An output that the runtime's binding for Node.js cannot read, which ends its copying of the others. */
import type { Graph, Value } from "./types.ts";

/** The name of the output that {@link withUnreadOutput} adds. */
export const UNREAD = "not to be read";

/**
 * Returns the graph with an empty sequence as its first output. The binding reads outputs in their order after a run.
 * @see InferenceSessionWrap::Run, inference_session_wrap.cc, and OrtValueToNapiValue, tensor_helper.cc of
 *   onnxruntime-node
 */
export function withUnreadOutput(graph: Graph): Graph {
  const empty: Value = { name: UNREAD, dtype: "float32", shape: [], sequence: true };
  const node = { op: "SequenceEmpty", domain: "", inputs: [], outputs: [empty], attributes: {} };
  return { ...graph, outputs: [empty, ...graph.outputs], nodes: [node, ...graph.nodes] };
}
