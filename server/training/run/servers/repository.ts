/** Writes a model as a repository for inference servers: a folder of graphs and settings for each of its operations. */
import { linkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { safetensorsHeader } from "../../../../models/checkpoint/safetensors.ts";
import { encodeModel } from "../../../../models/graph/proto.ts";
import type { DType, Graph } from "../../../../models/graph/types.ts";
import type { T5Config } from "../../../../models/t5/config.ts";
import type { TensorSource } from "../../../../models/t5/lowering/lowering.ts";
import { SERVED_GRAPHS, servedGraph } from "../../../../models/t5/served/served.ts";
import { tensorShapes } from "../../../../models/t5/weights.ts";
import { endTokenOf, readGenerationSettings } from "../../../catalog/folder/generation.ts";
import { readTokenizer } from "../../../catalog/folder/tokenizer.ts";
import { readManifest } from "../../../catalog/installed.ts";
import { modelSum, servedName, VERSION } from "../../../engine/wire/operations.ts";
import { createFolder } from "../../../files/create-folder.ts";
import { copyRegularFile } from "../../../files/regular-file.ts";
import { writeBytes, writeText } from "../results/trained-model.ts";
import { namedTensors, writeTensors } from "../state.ts";
import { MLSERVER_RUNTIME } from "./mlserver-runtime.ts";
import {
  type GraphTensors,
  mlserverSettings,
  ovmsSettings,
  READ_ME,
  serverSettings,
  tritonConfig,
} from "./settings.ts";

/** The name of the weights' file, which is the same in each version's folder. */
const WEIGHTS = "weights.safetensors";

/**
 * Writes the repository of a model to an empty folder.
 * @param onGraph called before each graph is written, with the number of those written
 * @returns the files written
 * @throws ModelError "config" for a shape that has no such graphs, and what writing throws
 */
export async function writeRepository(
  { base, out }: { readonly base: string; readonly out: string },
  config: T5Config,
  weights: ReadonlyMap<string, Float32Array>,
  onGraph: (done: number, all: number) => void,
): Promise<string[]> {
  const tokenizer = await readTokenizer(base);
  const eosTokenId = endTokenOf(await readGenerationSettings(base), tokenizer, config);
  const sum = modelSum(tokenizer, config);
  const { id } = readManifest(base);
  const files: string[] = [];
  const text = async (path: string, content: string) => {
    await writeText(path, content);
    files.push(path);
  };
  const models: GraphTensors[] = [];
  let first: string | undefined;
  for (const [i, which] of SERVED_GRAPHS.entries()) {
    onGraph(i, SERVED_GRAPHS.length);
    const graph = servedGraph({ ...config, eosTokenId }, placedTensors(config), sum, which);
    const model = tensorsOf(servedName(id, which), graph);
    const folder = join(out, model.name);
    const [graphFile, weightsFile] = [join(folder, VERSION, "model.onnx"), join(folder, VERSION, WEIGHTS)];
    createFolder(dirname(graphFile));
    if (first === undefined) await writeTensors(weightsFile, namedTensors(weights, tensorShapes(config)), METADATA);
    else await sameFile(first, weightsFile);
    first ??= weightsFile;
    await writeBytes(graphFile, encodeModel(graph));
    files.push(weightsFile, graphFile);
    await text(join(folder, "config.pbtxt"), tritonConfig(model));
    await text(join(folder, "model-settings.json"), mlserverSettings(model));
    models.push(model);
  }
  await text(join(out, "spanfill_runtime.py"), MLSERVER_RUNTIME);
  await text(join(out, "settings.json"), serverSettings());
  await text(join(out, "config.json"), ovmsSettings(models.filter(({ name }) => name !== servedName(id, "generate"))));
  await text(join(out, "README.md"), READ_ME(id, basename(out), models));
  return files;
}

const METADATA = { format: "pt" };

/** The weights where {@link writeTensors} puts them. */
function placedTensors(config: T5Config): TensorSource {
  const specs = [...tensorShapes(config)].map(([name, shape]) => ({ name, dtype: "F32" as const, shape }));
  const { tensors } = safetensorsHeader(specs, METADATA);
  return new Map(
    [...tensors].map(([name, { shape, beginOffset, endOffset }]) => [
      name,
      { dtype: "float32", shape, data: { path: WEIGHTS, offset: beginOffset, length: endOffset - beginOffset } },
    ]),
  );
}

/** The same file under another name, or a copy where the file system has no such links. */
async function sameFile(from: string, to: string): Promise<void> {
  try {
    linkSync(from, to);
  } catch {
    await copyRegularFile(from, to);
  }
}

const DATATYPES: Readonly<Partial<Record<DType, "INT32" | "FP32">>> = { int32: "INT32", float32: "FP32" };

function tensorsOf(name: string, { inputs, outputs }: Graph): GraphTensors {
  const listed = (values: Graph["inputs"]) =>
    values.map(({ name: tensor, dtype, shape }) => {
      const datatype = DATATYPES[dtype];
      if (datatype === undefined) throw new RangeError(`${tensor} is ${dtype}`);
      return { name: tensor, datatype, shape: shape.map((extent) => (typeof extent === "number" ? extent : -1)) };
    });
  return { name, inputs: listed(inputs), outputs: listed(outputs) };
}
