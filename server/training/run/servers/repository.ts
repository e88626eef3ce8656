/** Writes a model as a repository for inference servers: a folder of graphs and settings for each of its operations. */
import { linkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { toHalf } from "../../../../models/checkpoint/float.ts";
import { safetensorsHeader } from "../../../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../../../models/errors.ts";
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
import { writeAtomically } from "../../../files/whole-file.ts";
import { writeBytes, writeText } from "../results/trained-model.ts";
import { unwritable } from "../state.ts";
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
  { base, out, precision }: { readonly base: string; readonly out: string; readonly precision: ServerPrecision },
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
    const graph = servedGraph({ ...config, eosTokenId }, placedTensors(config, precision), sum, which);
    const model = tensorsOf(servedName(id, which), graph);
    const folder = join(out, model.name);
    const [graphFile, weightsFile] = [join(folder, VERSION, "model.onnx"), join(folder, VERSION, WEIGHTS)];
    createFolder(dirname(graphFile));
    if (first === undefined) await writeWeights(weightsFile, config, weights, precision);
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
  await text(join(out, "README.md"), READ_ME(id, basename(out), models, precision));
  return files;
}

/** The type of the large weights and of their products; all else is in float32. */
export const SERVER_PRECISIONS = ["float32", "float16", "bfloat16"] as const;
export type ServerPrecision = (typeof SERVER_PRECISIONS)[number];

const METADATA = { format: "pt" };
const DTYPES = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const;

/** The weights' types; as in transformers, the last matrix of a feed-forward layer stays in float32. */
function specsOf(config: T5Config, precision: ServerPrecision) {
  const wide = (name: string, shape: readonly number[]) =>
    shape.length !== 2 || name.endsWith(".wo.weight") || name.endsWith("relative_attention_bias.weight");
  return [...tensorShapes(config)].map(([name, shape]) => ({
    name,
    dtype: wide(name, shape) ? "F32" : DTYPES[precision],
    shape,
  }));
}

/** Writes the weights, wider types first. @throws ModelError "checkpoint" when one is beyond the range of float16 */
async function writeWeights(
  path: string,
  config: T5Config,
  weights: ReadonlyMap<string, Float32Array>,
  precision: ServerPrecision,
): Promise<void> {
  const specs = specsOf(config, precision);
  const { bytes, tensors, fileSizeBytes } = safetensorsHeader(specs, METADATA);
  const rounded = [...tensors].map(([name, { dtype }]) => {
    const values = weights.get(name);
    if (values === undefined) throw new RangeError(`there is no weight ${name}`);
    if (dtype === "F16" && values.some((value) => Math.abs(value) >= MOST_FLOAT16))
      throw new ModelError("checkpoint", `${name} has values beyond float16's range. Export in bfloat16 or float32.`);
    return dtype === "F16" || dtype === "BF16" ? toHalf(values, dtype) : values;
  });
  try {
    await writeAtomically(path, async (handle) => {
      await handle.writeFile(bytes);
      for (const { buffer, byteOffset, byteLength } of rounded)
        await handle.writeFile(new Uint8Array(buffer, byteOffset, byteLength));
    });
  } catch (cause) {
    throw unwritable(path, fileSizeBytes, cause);
  }
}

/** The least value that rounds to infinity. */
const MOST_FLOAT16 = 65_520;

/** The weights where {@link writeWeights} puts them. */
function placedTensors(config: T5Config, precision: ServerPrecision): TensorSource {
  const types = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const;
  const { tensors } = safetensorsHeader(specsOf(config, precision), METADATA);
  return new Map(
    [...tensors].map(([name, { dtype, shape, beginOffset, endOffset }]) => [
      name,
      {
        dtype: types[dtype as keyof typeof types],
        shape,
        data: { path: WEIGHTS, offset: beginOffset, length: endOffset - beginOffset },
      },
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
