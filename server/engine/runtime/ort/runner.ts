/** One loaded model on ONNX Runtime: its weights, and the graphs that its shape needs. */
import { availableParallelism } from "node:os";
import { table } from "../../../../base/table.ts";
import { ModelError } from "../../../../models/errors.ts";
import type { DType } from "../../../../models/graph/types.ts";
import type { GraphAdapter } from "../../../../models/t5/adapters/adapters.ts";
import type { T5Config } from "../../../../models/t5/config.ts";
import { encoderStages } from "../../../../models/t5/encoder.ts";
import { fusedLowering, weightOf } from "../../../../models/t5/lowering/fused.ts";
import type { StoredTensor, TensorSource } from "../../../../models/t5/lowering/lowering.ts";
import { plainLowering } from "../../../../models/t5/lowering/plain.ts";
import { type PreparedWeights, prepareWeights } from "../../../catalog/folder/int8/prepare.ts";
import type { Device } from "../../device.ts";
import type { Precision } from "../../engine.ts";
import type { Runner } from "../../search/runner.ts";
import { readEncoderBiases } from "../encoder-biases.ts";
import { checkFits } from "../fit.ts";
import { int8ProductsSaturate } from "../saturation.ts";
import { encode, type OrtEncoded } from "./encode.ts";
import { createOrtModel } from "./model.ts";

/**
 * Weights in one stage of the encoder: about 40 ms of work for 512 tokens on two cores in int8, so that a cancel is
 * soon noticed. Each stage keeps its memory for the next run, some 20 MB; else pages are cleared every time.
 */
const STAGE_PARAMETERS = 24e6;

/** A runner, and the facts of its model. */
export interface OrtRunner extends Runner {
  readonly config: T5Config;
  /** Notes for a person on how the weights were read. */
  readonly notes: readonly string[];
  encode(inputs: readonly (readonly number[])[], signal?: AbortSignal, adapter?: GraphAdapter): Promise<OrtEncoded>;
}

/**
 * Returns a runner of the model in a folder.
 * @param stageParameters weights that the encoder runs in one go
 * @param device another one than the CPU takes float32 weights
 * @param check throws when the weights on the disk are no longer those of the folder: graphs that are made later would
 *   mix them
 * @throws ModelError "config", "checkpoint" or "runtime"
 */
export async function openRunner(
  directory: string,
  precision: Precision,
  threads = defaultThreads(),
  stageParameters = STAGE_PARAMETERS,
  device: Device = "cpu",
  check: () => void = () => undefined,
): Promise<OrtRunner> {
  const unsignedColumns = precision === "int8" && (await int8ProductsSaturate());
  const weights = await prepareWeights(directory, precision, {
    accept: (config) => checkFits(config, precision),
    async tooFar(draft) {
      const { columnsTooFar } = await import("../column-check.ts"); // needed once for a model
      const stages = encoderStages(draft.config, stageParameters);
      return columnsTooFar(directory, draft, tensorSource(draft), stages, threads, unsignedColumns);
    },
  });
  const { config, folder, notes } = weights;
  const biases = await readEncoderBiases(weights);
  const stages = encoderStages(config, stageParameters);
  const tensors = tensorSource(weights);
  // Plain operators are what every device has kernels for.
  const lowering =
    device === "cpu" ? fusedLowering(config, tensors, unsignedColumns) : plainLowering(config, weightOf(tensors));
  const rowsShareScales = [...weights.tensors.keys()].some((name) => name.endsWith(".s8t"));
  const layout = { folder, threads, stages, device, rowsShareScales };
  const model = createOrtModel(config, lowering, biases, layout, check);
  return {
    config,
    notes,
    vocabSize: config.vocabSize,
    timing: {},
    encode: (inputs, signal, adapter) => encode(model, inputs, signal, adapter),
    dispose: () => model.dispose(),
  };
}

/** Threads that serve a small model best: every core of a small machine, half the logical ones of a larger. */
export function defaultThreads(): number {
  const cores = availableParallelism();
  return cores <= 4 ? cores : Math.floor(cores / 2);
}

const elementTypes: Readonly<Record<string, DType>> = table({ F32: "float32", U8: "uint8", I8: "int8" });

/** The prepared weights as the graphs refer to them. */
export function tensorSource(weights: PreparedWeights): TensorSource {
  const source = new Map<string, StoredTensor>();
  for (const [name, { file, dtype, shape, offset, length }] of weights.tensors) {
    const type = elementTypes[dtype];
    if (type === undefined)
      throw new ModelError("checkpoint", `${name} in ${file} is ${dtype}, which the engine cannot run.`);
    source.set(name, { dtype: type, shape, data: { path: file, offset, length } });
  }
  return source;
}
