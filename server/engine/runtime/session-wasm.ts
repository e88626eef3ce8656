/** The only file that knows onnxruntime-web: the same runtime as WebAssembly, for machines where the native one cannot be loaded. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { env, InferenceSession, Tensor } from "onnxruntime-web";
import { encodeModel } from "../../../models/graph/proto.ts";
import type { Graph } from "../../../models/graph/types.ts";

export { Tensor };

type Tensors = Readonly<Record<string, Tensor>>;

let last: Promise<unknown> = Promise.resolve();

/**
 * Returns what runs a graph, and what frees it. The weights it names are copied into the runtime's own memory (at most 4 GB).
 * @param folder where the graph's external data lies
 * @param threads of one operator; the first session decides for all
 * @throws Error when the runtime refuses the graph, or a file of weights cannot be read
 */
export async function openWasm(graph: Graph, folder: string, threads: number) {
  // One at a time: the files of a session that is being made are known to the whole module.
  const opening = last.then(() => create(graph, folder, threads));
  last = opening.catch(() => undefined);
  const session = await opening;
  return {
    async run(feeds: Tensors, into: Tensors = {}): Promise<Record<string, Tensor>> {
      const made = await session.run(feeds);
      for (const [name, { data }] of Object.entries(into)) copy(made[name]?.data, data);
      return { ...made, ...into };
    },
    release: () => session.release(),
  };
}

async function create(graph: Graph, folder: string, threads: number): Promise<InferenceSession> {
  env.wasm.numThreads = threads;
  const weights = graph.initializers.map(({ data }) => data);
  const files = new Set(weights.flatMap((data) => (data instanceof Uint8Array ? [] : [data.path])));
  const externalData = await Promise.all(
    [...files].map(async (path) => ({ path, data: await readFile(join(folder, path)) })),
  );
  return InferenceSession.create(encodeModel(graph), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
    enableMemPattern: false,
    logSeverityLevel: 3,
    externalData,
  });
}

/** The runtime gives new memory for each output; what was to be written into stays the caller's. */
function copy(from: Tensor["data"] | undefined, to: Tensor["data"]): void {
  if (from instanceof Float32Array && to instanceof Float32Array) to.set(from);
  else if (from instanceof Float64Array && to instanceof Float64Array) to.set(from);
  else throw new TypeError("an output is not of the type that it was to be written as");
}
