/**
 * The only file that imports onnxruntime-web: the same runtime as WebAssembly, for machines that cannot load the
 * native one.
 */
import { join } from "node:path";
import { env, InferenceSession, Tensor } from "onnxruntime-web";
import { encodeModel } from "../../../models/graph/proto.ts";
import type { Graph } from "../../../models/graph/types.ts";
import { readRegularFile } from "../../files/regular-file.ts";

export { Tensor };

type Tensors = Readonly<Record<string, Tensor>>;

/** A graph that is ready to run. */
export interface WasmSession {
  run(feeds: Tensors, into?: Tensors, wanted?: readonly string[]): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/**
 * Opens a graph. The weights it names are copied into the runtime's own memory (at most 4 GB).
 * @param folder location of the graph's external data
 * @param threads per operator; the first session decides for all
 * @throws Error when the runtime refuses the graph, or a weights file cannot be read
 */
export type OpenWasm = (graph: Graph, folder: string, threads: number) => Promise<WasmSession>;

/**
 * Returns a function that opens graphs one at a time, since the files of a session being made are global to the
 * runtime.
 */
export function wasmOpener(): OpenWasm {
  let last: Promise<unknown> = Promise.resolve();
  return async (graph, folder, threads) => {
    const opening = last.then(() => create(graph, folder, threads));
    last = opening.catch(() => undefined);
    const session = await opening;
    return {
      async run(feeds, into = {}, wanted = session.outputNames) {
        const outputs = await session.run(feeds, wanted);
        for (const [name, { data }] of Object.entries(into)) copy(outputs[name]?.data, data);
        return { ...outputs, ...into };
      },
      release: () => session.release(),
    };
  };
}

async function create(graph: Graph, folder: string, threads: number): Promise<InferenceSession> {
  env.wasm.numThreads = threads;
  const weights = graph.initializers.map(({ data }) => data);
  const files = new Set(weights.flatMap((data) => (data instanceof Uint8Array ? [] : [data.path])));
  const externalData = await Promise.all(
    [...files].map(async (path) => ({ path, data: await weightsIn(join(folder, path)) })),
  );
  return InferenceSession.create(encodeModel(graph), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
    enableMemPattern: false,
    logSeverityLevel: 3,
    externalData,
  });
}

/** The bytes of a weights file; WebAssembly has 4 GB of memory in all. */
async function weightsIn(path: string): Promise<Buffer> {
  const bytes = await readRegularFile(path, 2 ** 32);
  if (bytes === undefined) throw new Error(`${path} is larger than 4 GB, which WebAssembly cannot hold`);
  return bytes;
}

/** Copies an output into the caller's memory, because the runtime allocates new memory for each output. */
function copy(from: Tensor["data"] | undefined, to: Tensor["data"]): void {
  if (from instanceof Float32Array && to instanceof Float32Array) to.set(from);
  else if (from instanceof Float64Array && to instanceof Float64Array) to.set(from);
  else throw new TypeError("an output does not have the expected type");
}
