/** Opens a model folder: its configuration, and weights that were checked against it. */
import { join } from "node:path";
import { INT8_HEAD, tensorPlan } from "../../../models/checkpoint/plan.ts";
import type { TensorSpec } from "../../../models/checkpoint/safetensors.ts";
import type { TensorMap } from "../../../models/checkpoint/tensor.ts";
import { ModelError } from "../../../models/errors.ts";
import type { T5Config } from "../../../models/t5/config.ts";
import { checkTensors, EMBEDDING_ALIASES, LM_HEAD } from "../../../models/t5/weights.ts";
import { type Checkpoint, openCheckpoint, openSafetensors, sameTensor } from "./checkpoint.ts";
import { findWeights, INT8_FILE, listFolder } from "./find.ts";
import { declaredShape } from "./shape.ts";

/** A model on disk: what it is and where its tensors lie. */
export interface OpenedModel {
  readonly directory: string;
  /** With `tieWordEmbeddings` settled by the tensors. */
  readonly config: T5Config;
  /** `float`: published tensors under Hugging Face's names; `int8`: the stored tensors of {@link tensorPlan}. */
  readonly form: "float" | "int8";
  readonly checkpoint: Checkpoint;
}

/**
 * Opens and checks a model folder.
 * @param prefer which weights to take where the folder has both published and quantized ones
 * @throws ModelError "config" or "checkpoint"
 */
export async function openModel(directory: string, prefer: "float" | "int8"): Promise<OpenedModel> {
  const names = await listFolder(directory);
  const declared = await declaredShape(directory);
  if (names.includes(INT8_FILE) && (prefer === "int8" || (await findWeights(directory)) === undefined)) {
    const checkpoint = await openSafetensors(join(directory, INT8_FILE));
    const config = { ...declared(checkpoint.tensors), tieWordEmbeddings: !checkpoint.tensors.has(INT8_HEAD) };
    checkPlanned(config, checkpoint, join(directory, INT8_FILE));
    return { directory, config, form: "int8", checkpoint };
  }
  const checkpoint = withEmbedding(await openCheckpoint(directory));
  const config = await settleHead(declared(checkpoint.tensors), checkpoint.tensors);
  checkTensors(config, checkpoint.tensors);
  return { directory, config, form: "float", checkpoint };
}

/** The first of the expected tensors that a file lacks or holds with another type or shape; undefined when all agree. */
export function disagreement(expected: readonly TensorSpec[], found: TensorMap): string | undefined {
  for (const { name, dtype, shape } of expected) {
    const tensor = found.get(name);
    if (tensor === undefined) return `lacks ${name}`;
    if (tensor.dtype !== dtype || tensor.shape.join() !== shape.join()) {
      return `has ${name} as ${tensor.dtype} [${tensor.shape.join(",")}], where ${dtype} [${shape.join(",")}] is needed`;
    }
  }
  return found.size > expected.length ? `holds ${found.size} tensors, where ${expected.length} are needed` : undefined;
}

function checkPlanned(config: T5Config, checkpoint: Checkpoint, path: string): void {
  const expected = tensorPlan(config).flatMap((tensor) => tensor.stored);
  const wrong = disagreement(expected, checkpoint.tensors);
  if (wrong === undefined) return;
  throw new ModelError(
    "checkpoint",
    `${path} ${wrong}: it does not belong to the config.json beside it, or another version of Spanfill made it. Get the model again.`,
  );
}

/** The checkpoint with its embedding under the name `shared.weight`, whichever alias the file uses. */
function withEmbedding(checkpoint: Checkpoint): Checkpoint {
  const alias = EMBEDDING_ALIASES.find((name) => checkpoint.tensors.has(name));
  const embedding = alias === undefined ? undefined : checkpoint.tensors.get(alias);
  if (embedding === undefined || checkpoint.tensors.has("shared.weight")) return checkpoint;
  return { ...checkpoint, tensors: new Map([...checkpoint.tensors, ["shared.weight", embedding]]) };
}

/**
 * Settles whether the LM head is the embedding. Files may hold a head that config.json calls tied; as transformers 5 does,
 * it is used when it differs from the embedding.
 */
async function settleHead(config: T5Config, tensors: TensorMap): Promise<T5Config> {
  const head = tensors.get(LM_HEAD);
  const embedding = tensors.get("shared.weight");
  if (!config.tieWordEmbeddings || head === undefined || embedding === undefined) return config;
  return (await sameTensor(head, embedding)) ? config : { ...config, tieWordEmbeddings: false };
}
