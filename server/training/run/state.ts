/** A run's state on disk: all that the next step depends on, whole or not at all, in two files that take turns. */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import * as z from "zod";
import { sizeInWords } from "../../../base/figures.ts";
import { reason } from "../../../base/reason.ts";
import { safetensorsHeader } from "../../../models/checkpoint/safetensors.ts";
import type { TensorMap } from "../../../models/checkpoint/tensor.ts";
import { ModelError } from "../../../models/errors.ts";
import { type Evaluation, evaluationSchema } from "../../../protocol/training.ts";
import { openSafetensors, readTensorBytes } from "../../catalog/folder/checkpoint.ts";
import { placesOf } from "../../catalog/store.ts";
import { removeOwnFolder } from "../../files/removal.ts";
import { isMissing, writeAtomically } from "../../files/whole-file.ts";
import type { Weights } from "../step/step.ts";

/** A named tensor to be written. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A step's values for the run's curves. */
export interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
}

/** The learning rate's factor after each roll back. */
export const ROLLBACK_FACTOR = 1 / 3;

/** How far a run is. */
export interface Progress {
  /** Steps done. */
  readonly step: number;
  /** Sum of the training losses since the last evaluation, and of how many steps. */
  readonly lossSum: number;
  readonly lossCount: number;
  readonly evaluations: readonly Evaluation[];
  readonly curve: readonly CurvePoint[];
  /** The factor of the learning rate since the loss was not a number; 1 before. */
  readonly rateFactor: number;
  readonly rollbacks: number;
}

/** Writes float32 tensors as a safetensors file. @throws ModelError "checkpoint" when it cannot be written */
export async function writeTensors(
  path: string,
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const specs = tensors.map(({ name, shape }) => ({ name, dtype: "F32" as const, shape }));
  const { bytes, fileSizeBytes } = safetensorsHeader(specs, metadata);
  try {
    await writeAtomically(path, async (handle) => {
      await handle.writeFile(bytes);
      for (const { values } of tensors) await handle.writeFile(bytesOf(values));
    });
  } catch (cause) {
    throw unwritable(path, fileSizeBytes, cause);
  }
}

/** The error for a file of a run that cannot be written. */
export function unwritable(path: string, sizeBytes: number, cause: unknown): ModelError {
  return new ModelError(
    "checkpoint",
    `${path} cannot be written (${reason(cause)}). It takes ${sizeInWords(sizeBytes)}: free some space; the same command then goes on where the run stopped.`,
    { cause },
  );
}

/**
 * Saves a run's state beside the one before, over the one before that.
 * @param folder the run's own
 * @param key what the run was started with
 */
export async function saveState(
  folder: string,
  key: string,
  progress: Progress,
  tensors: readonly NamedTensor[],
): Promise<void> {
  const { step: newest = -1, slot = 1 } = (await readHeaders(folder))[0] ?? {};
  const place = progress.step === newest ? slot : 1 - slot;
  const hash = createHash("sha256");
  for (const { values } of tensors) hash.update(bytesOf(values));
  const metadata = {
    ...{ spanfill: "training", version: String(VERSION), key },
    ...{ progress: JSON.stringify(progress), sha256: hash.digest("hex") },
  };
  await writeTensors(stateFile(folder, place), tensors, metadata);
}

/**
 * The layout of a state. Version 1, which has no number, has a key of another formula, so that only the tensors' sizes
 * tell whether it belongs to a run.
 */
const VERSION = 2;

/** A state that was loaded, and what a person should know of it. */
export interface LoadedState {
  readonly progress: Progress;
  readonly notes: readonly string[];
}

const UNCHECKED =
  "An earlier version of Spanfill began this run, so whether settings and data are still the same was not checked.";

/**
 * Loads the newest whole state into the tensors given.
 * @returns undefined where there is none
 * @throws ModelError "input" when the run was started with something else, or by a newer version
 */
export async function loadState(
  folder: string,
  key: string,
  tensors: readonly NamedTensor[],
): Promise<LoadedState | undefined> {
  for (const state of await readHeaders(folder)) {
    if (state.version > VERSION) {
      throw new ModelError(
        "input",
        `${folder} holds an unfinished run of a newer version of Spanfill. Go on with it there, or take another --out.`,
      );
    }
    const isUnchecked = state.version < VERSION && fits(state.tensors, tensors);
    if (state.key !== key && !isUnchecked) {
      throw new ModelError(
        "input",
        `${folder} holds an unfinished run with other settings or data. Give the same ones to go on with it, --restart to begin anew, or another --out.`,
      );
    }
    const parts = await Promise.all(
      tensors.map(async ({ name }) => {
        const tensor = state.tensors.get(name);
        return tensor === undefined ? new Uint8Array() : readTensorBytes(tensor);
      }),
    );
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    if (hash.digest("hex") !== state.sha256) continue; // damaged: the one before it serves
    for (const [i, { values }] of tensors.entries()) bytesOf(values).set(parts[i] ?? []);
    return { progress: state.progress, notes: isUnchecked ? [UNCHECKED] : [] };
  }
  return undefined;
}

/** Whether tensors of a state have the names and sizes of a run's. */
function fits(stored: TensorMap, tensors: readonly NamedTensor[]): boolean {
  const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
  return tensors.every(({ name, values }) => sizeOf(stored.get(name)?.shape ?? [0]) === values.length);
}

/** Removes a run's state, if the folder is one that a run has made. */
export async function removeState(folder: string): Promise<void> {
  await removeOwnFolder(folder, dirname(folder), placesOf().own);
}

/** Whether a folder holds the state of a run, by what the files say of themselves. */
export async function hasState(folder: string): Promise<boolean> {
  return (await readHeaders(folder)).length > 0;
}

/** The tensors of a map of weights. */
export function namedTensors(
  weights: Weights | ReadonlyMap<string, Float32Array>,
  shapes?: ReadonlyMap<string, readonly number[]>,
): NamedTensor[] {
  return [...weights].map(([name, values]) => {
    if (!(values instanceof Float32Array)) throw new RangeError(`${name} is not in float32`);
    return { name, shape: shapes?.get(name) ?? [values.length], values };
  });
}

const progressSchema: z.ZodType<Progress> = z.object({
  step: z.int().min(0),
  lossSum: z.number(),
  lossCount: z.int().min(0),
  evaluations: z.array(evaluationSchema),
  curve: z.array(z.object({ step: z.int(), loss: z.number(), learningRate: z.number(), gradientNorm: z.number() })),
  rateFactor: z.number(),
  rollbacks: z.int(),
});
const metadataSchema = z.object({
  spanfill: z.literal("training"),
  version: z.coerce.number().int().default(1),
  key: z.string(),
  progress: z.string(),
  sha256: z.string(),
});

/** The readable states, the newest first. */
async function readHeaders(folder: string) {
  const found = await Promise.all(
    [0, 1].map(async (slot) => {
      try {
        const { tensors, metadata } = await openSafetensors(stateFile(folder, slot));
        const { version, key, progress: text, sha256 } = metadataSchema.parse(metadata);
        const progress = progressSchema.parse(JSON.parse(text));
        return [{ slot, step: progress.step, version, key, sha256, progress, tensors }];
      } catch (error) {
        if (error instanceof ModelError || error instanceof z.ZodError || isMissing(error)) return [];
        throw error;
      }
    }),
  );
  return found.flat().sort((a, b) => b.step - a.step);
}

function stateFile(folder: string, slot: number): string {
  return join(folder, `state-${slot}.safetensors`);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
