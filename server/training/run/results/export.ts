/** Writes a model as transformers, Optimum, llama.cpp or inference servers keep it. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { sizeInWords } from "../../../../base/figures.ts";
import { ALIGNMENT, ggufLayout } from "../../../../models/checkpoint/gguf/gguf-writer.ts";
import { ModelError } from "../../../../models/errors.ts";
import { encodeModel } from "../../../../models/graph/proto.ts";
import type { T5Config } from "../../../../models/t5/config.ts";
import { OPTIMUM_GRAPHS, optimumGraph, refuseForOptimum } from "../../../../models/t5/optimum.ts";
import { refuseForServers } from "../../../../models/t5/served/served.ts";
import { readManifest, resolveModel } from "../../../catalog/installed.ts";
import { writeAtomically } from "../../../files/whole-file.ts";
import { tokenizerJson } from "../../data/encode.ts";
import { readWeights } from "../../step/learner.ts";
import { type ServerPrecision, writeRepository } from "../servers/repository.ts";
import { fillFolder, freePlace, unwritable } from "./export-place.ts";
import { writeBytes, writeText, writeTrainedFolder, writeTrainedWeights } from "./trained-model.ts";

/** The targets of an export: transformers, Optimum, llama.cpp, inference servers. */
export type ExportKind = "hf" | "onnx" | "gguf" | "server";

/** The exported files. */
export interface Exported {
  readonly out: string;
  readonly files: readonly string[];
}

/** Options of an export. */
export interface ExportOptions {
  /** The type of the large weights for inference servers; float32 if absent. */
  readonly precision?: ServerPrecision;
  readonly signal?: AbortSignal;
}

/** Shows how far an export is. */
export type ExportProgress = (label: string, done: number, total: number) => void;

/** Protobuf's limit is 2 GiB for a file; the head's row of a tied model is in it once. */
const MOST_ONNX_BYTES = 1.9e9;

/**
 * Exports a model.
 * @throws ModelError "input" when the place is taken, "storage" when it cannot be written, "config" when the layout
 *   knows no such model, and what reading it throws
 */
export async function exportModel(
  idOrPath: string,
  kind: ExportKind,
  asked: string | undefined,
  progress: ExportProgress,
  options: ExportOptions = {},
): Promise<Exported> {
  const base = resolveModel(idOrPath, { workingFolder: process.cwd() });
  const name = basename(base);
  const usual = kind === "gguf" ? `${name}.gguf` : `${name}-${kind}`;
  const out = await freePlace(asked ?? usual, kind === "gguf" ? "file" : "folder");
  const using = { ...options, progress };
  if (kind !== "gguf") return fillFolder(out, () => exportTo(out, base, kind, using));
  return exportTo(out, base, kind, using).catch((error: unknown) => {
    throw unwritable(out, error);
  });
}

async function exportTo(
  out: string,
  base: string,
  kind: ExportKind,
  { progress, precision = "float32", signal }: ExportOptions & { readonly progress: ExportProgress },
): Promise<Exported> {
  const { config, weights } = await readWeights(base);
  signal?.throwIfAborted();
  if (kind === "gguf") return { out, files: [await writeGguf(base, out, config, weights)] };
  if (kind === "onnx") refuseForOptimum(config);
  if (kind === "server") {
    refuseForServers(config);
    const onGraph = (done: number, all: number) => {
      signal?.throwIfAborted();
      progress("Writing graphs", done, all);
    };
    return { out, files: await writeRepository({ base, out, precision }, config, weights, onGraph) };
  }
  const files = kind === "hf" ? [join(out, "model.safetensors")] : [];
  if (kind === "hf") await writeTrainedWeights(out, config, weights);
  else {
    const bytes = [...weights.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (bytes > MOST_ONNX_BYTES) {
      throw new ModelError(
        "memory",
        `${basename(base)} has ${sizeInWords(bytes)} of weights, more than one ONNX file holds. Export it to hf, and from there with Optimum.`,
      );
    }
    for (const [i, graph] of OPTIMUM_GRAPHS.entries()) {
      signal?.throwIfAborted();
      progress("Writing graphs", i, OPTIMUM_GRAPHS.length);
      const file = join(out, "onnx", `${graph}.onnx`);
      await writeBytes(file, encodeModel(optimumGraph(config, weights, graph)));
      files.push(file);
    }
  }
  await writeTrainedFolder({ base, out, prefixes: {} }, config);
  const names = join(out, "tokenizer_config.json");
  // transformers.js reads no tokenizer without it; Python's asks config.json.
  if (kind === "onnx" && !existsSync(names)) await writeText(names, `${JSON.stringify(TOKENIZER_CONFIG, null, 2)}\n`);
  return { out, files: [...files, join(out, "config.json"), join(out, "tokenizer.json")] };
}

const TOKENIZER_CONFIG = { tokenizer_class: "T5Tokenizer", eos_token: "</s>", pad_token: "<pad>", unk_token: "<unk>" };

const GGUF_ADVICE = "A GGUF file needs one: export to hf or onnx.";

async function writeGguf(
  base: string,
  out: string,
  config: T5Config,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<string> {
  const { header, tensors } = ggufLayout(config, await tokenizerJson(base, GGUF_ADVICE), readManifest(base).id);
  await writeAtomically(out, async (handle) => {
    await handle.writeFile(header);
    for (const name of tensors) {
      const values = weights.get(name);
      if (values === undefined) throw new RangeError(`there is no weight ${name}`);
      await handle.writeFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      await handle.writeFile(new Uint8Array((ALIGNMENT - (values.byteLength % ALIGNMENT)) % ALIGNMENT));
    }
  });
  return out;
}
