/** Opens a model folder: its configuration, and weights checked against it. */
import { join } from "node:path";
import { INT8_HEAD, slowerFormsOf, tensorPlan } from "../../../models/checkpoint/plan.ts";
import type { TensorSpec } from "../../../models/checkpoint/safetensors.ts";
import type { StoredTensor, TensorMap } from "../../../models/checkpoint/tensor.ts";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { withExpertNames } from "../../../models/t5/experts/shapes.ts";
import { withLongNames } from "../../../models/t5/long/config.ts";
import { refuseOtherHeads } from "../../../models/t5/refusals.ts";
import { checkTensors, EMBEDDING_ALIASES, encoderShapes, isEncoderOnly, LM_HEAD } from "../../../models/t5/weights.ts";
import { unwrapped, wrapperPrefix } from "../../../models/t5/wrappers.ts";
import { type Checkpoint, openCheckpoint, openSafetensors, readTensor, sameTensor } from "./checkpoint.ts";
import { findWeights, listFolder } from "./find.ts";
import { INT8_FILE } from "./model-files.ts";
import { declaredShape, isAdapterFolder, namingShapeFile } from "./shape.ts";

/** A model on disk: its configuration and the locations of its tensors. */
export interface OpenedModel {
  readonly directory: string;
  /** `tieWordEmbeddings` is determined from the tensors. */
  readonly config: T5Config;
  /** `float`: published tensors under Hugging Face's names; `int8`: the stored tensors of {@link tensorPlan}. */
  readonly form: "float" | "int8";
  readonly checkpoint: Checkpoint;
  /** The prefix of the stored tensors' names, which a wrapper wrote and which was removed; empty if none. */
  readonly prefix: string;
}

/**
 * Opens and checks a model folder.
 * @param prefer which weights to use if the folder has both published and quantized ones
 * @throws ModelError "config" or "checkpoint"
 */
export async function openModel(directory: string, prefer: "float" | "int8"): Promise<OpenedModel> {
  if (isAdapterFolder(directory)) await (await import("./missing-weights.ts")).refuseAdapter(directory);
  const names = await listFolder(directory);
  const declared = await declaredShape(directory);
  if (names.includes(INT8_FILE) && (prefer === "int8" || (await findWeights(directory)) === undefined)) {
    const checkpoint = await openSafetensors(join(directory, INT8_FILE));
    const config = { ...(await declared(checkpoint.tensors)), tieWordEmbeddings: !checkpoint.tensors.has(INT8_HEAD) };
    checkPlanned(config, checkpoint, join(directory, INT8_FILE));
    return { directory, config, form: "int8", checkpoint, prefix: "" };
  }
  const opened = await openCheckpoint(directory);
  const prefix = wrapperPrefix(opened.tensors);
  const tensors = unwrapped(opened.tensors, prefix);
  refuseOtherHeads(tensors.keys());
  const shape = await declared(tensors);
  const named = { ...opened, tensors: withExpertNames(shape, withLongNames(shape.longAttention, tensors)) };
  const checkpoint = withEmbedding(named, shape.tieWordEmbeddings);
  await refuseOwnEmbeddings(checkpoint.tensors);
  const config = await settleHead(shape, checkpoint.tensors);
  await namingShapeFile(directory, async () => checkTensors(config, checkpoint.tensors));
  return { directory, config, form: "float", checkpoint, prefix };
}

/**
 * Opens a folder whose weights hold just an encoder.
 * @returns undefined for others
 * @throws ModelError "config" or "checkpoint"
 */
export async function openEncoderOnly(directory: string): Promise<OpenedModel | undefined> {
  if (isAdapterFolder(directory)) await (await import("./missing-weights.ts")).refuseAdapter(directory);
  if ((await findWeights(directory)) === undefined) return undefined;
  const opened = await openCheckpoint(directory);
  const prefix = wrapperPrefix(opened.tensors);
  const tensors = unwrapped(opened.tensors, prefix);
  if (!isEncoderOnly(tensors)) return undefined;
  const config = await (await declaredShape(directory))(tensors);
  const checkpoint = withEmbedding({ ...opened, tensors }, config.tieWordEmbeddings);
  await namingShapeFile(directory, async () => checkTensors(config, checkpoint.tensors, encoderShapes(config)));
  return { directory, config, form: "float", checkpoint, prefix };
}

/** Describes the first expected tensor that is missing or has another type or shape; undefined if all agree. */
export function disagreement(expected: readonly TensorSpec[], tensors: TensorMap): string | undefined {
  for (const { name, dtype, shape } of expected) {
    const tensor = tensors.get(name);
    if (tensor === undefined) return `lacks ${name}`;
    if (tensor.dtype !== dtype || tensor.shape.join() !== shape.join()) {
      return `has ${name} as ${tensor.dtype} [${tensor.shape.join(",")}], where ${dtype} [${shape.join(",")}] is needed`;
    }
  }
  return tensors.size > expected.length
    ? `contains ${tensors.size} tensors, where ${expected.length} are needed`
    : undefined;
}

function checkPlanned(config: T5Config, checkpoint: Checkpoint, path: string): void {
  const expected = tensorPlan(config, slowerFormsOf(checkpoint.metadata)).flatMap((tensor) => tensor.stored);
  const wrong = disagreement(expected, checkpoint.tensors);
  if (wrong === undefined) return;
  throw new ModelError(
    "checkpoint",
    `${path} ${wrong}: it does not match the config.json next to it, or another version of Spanfill wrote it. Download the model again.`,
  );
}

/** The checkpoint with its embedding named `shared.weight`, whichever alias the file uses. */
function withEmbedding(checkpoint: Checkpoint, tied: boolean): Checkpoint {
  // The head of a tied model is its embedding.
  const alias = [...EMBEDDING_ALIASES, ...(tied ? [LM_HEAD] : [])].find((name) => checkpoint.tensors.has(name));
  const embedding = alias === undefined ? undefined : checkpoint.tensors.get(alias);
  if (embedding === undefined || checkpoint.tensors.has("shared.weight")) return checkpoint;
  return { ...checkpoint, tensors: new Map([...checkpoint.tensors, ["shared.weight", embedding]]) };
}

/** Whether two tensors have the same values, up to the rounding of their types. */
async function sameValues(name: string, a: StoredTensor, b: StoredTensor): Promise<boolean> {
  if (await sameTensor(a, b)) return true;
  if (a.dtype === b.dtype && a.offset !== undefined && b.offset !== undefined) return false;
  if (a.shape.join() !== b.shape.join()) return false;
  const [x, y] = await Promise.all([readTensor(name, a), readTensor(name, b)]);
  return x.every((value, i) => Math.abs(value - (y[i] ?? 0)) <= 0.01 * Math.abs(value) + 1e-6);
}

/**
 * Refuses stacks with separate embeddings, which transformers 5 would use and no published T5 has.
 * @throws ModelError "checkpoint"
 */
async function refuseOwnEmbeddings(tensors: TensorMap): Promise<void> {
  const shared = tensors.get("shared.weight");
  for (const name of EMBEDDING_ALIASES) {
    const own = tensors.get(name);
    if (own === undefined || shared === undefined || (await sameValues(name, own, shared))) continue;
    throw new ModelError(
      "checkpoint",
      `${name} differs from shared.weight, but encoder and decoder of a T5 share one embedding. Save the model with tied embeddings, or choose another.`,
    );
  }
}

/**
 * Determines whether the LM head is the embedding. A file may contain a head although config.json says they are tied;
 * like transformers 5, we use it if it differs from the embedding.
 */
async function settleHead(config: T5Config, tensors: TensorMap): Promise<T5Config> {
  const head = tensors.get(LM_HEAD);
  const embedding = tensors.get("shared.weight");
  if (!config.tieWordEmbeddings || head === undefined || embedding === undefined) return config;
  return (await sameTensor(head, embedding)) ? config : { ...config, tieWordEmbeddings: false };
}
