/** Converts a model's tensors to the stored form of a precision, in one safetensors file. */
import { stat } from "node:fs/promises";
import { reason } from "../../../base/reason.ts";
import type { PlannedTensor } from "../../../models/checkpoint/plan.ts";
import { dequantizeBlocks, dequantizeColumns } from "../../../models/checkpoint/quantize.ts";
import { safetensorsHeader, type TensorSpec } from "../../../models/checkpoint/safetensors.ts";
import { ModelError } from "../../../models/errors.ts";
import { writeAtomically } from "../../files/whole-file.ts";
import { type Checkpoint, readTensor, readTensorBytes, storedTensor } from "./checkpoint.ts";
import { fileState } from "./file-state.ts";
import { createQuantizer, type Put } from "./int8/quantizer.ts";
import type { OpenedModel } from "./open.ts";

/** Options of a conversion. */
export interface ConversionOptions {
  /** Stops between two tensors; the promise then rejects with the signal's reason, and no file is left. */
  readonly signal?: AbortSignal;
  /** Called after each converted tensor. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Writes a model's tensors as `specs` declare them, with one tensor in memory at a time.
 * @param plan each tensor's form in int8
 * @throws ModelError "checkpoint" when the file cannot be written, "changed" when a source file changes meanwhile
 */
export async function convertWeights(
  path: string,
  model: OpenedModel,
  plan: readonly PlannedTensor[],
  specs: readonly TensorSpec[],
  metadata: Readonly<Record<string, string>>,
  options: ConversionOptions,
): Promise<void> {
  const layout = safetensorsHeader(specs, metadata);
  const toInt8 = specs.some((spec) => spec.dtype !== "F32");
  try {
    await writeAtomically(path, async (handle) => {
      const missing = new Set(layout.tensors.keys());
      let doneBytes = layout.bytes.length;
      const writeAt = async (bytes: Uint8Array, position: number) => {
        for (let done = 0; done < bytes.length; ) {
          done += (await handle.write(bytes, done, Math.min(bytes.length - done, 1 << 30), position + done))
            .bytesWritten;
        }
      };
      const put: Put = async (name, data) => {
        const range = layout.tensors.get(name);
        if (range?.endOffset !== (range?.beginOffset ?? 0) + data.byteLength)
          throw new Error(`${name} has another size`);
        await writeAt(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), range.beginOffset);
        missing.delete(name);
        doneBytes += data.byteLength;
        options.onProgress?.(doneBytes, layout.fileSizeBytes);
      };
      await writeAt(layout.bytes, 0);
      const reader = {
        stacked: (planned: PlannedTensor) => stacked(planned, model.checkpoint),
        published: (name: string) => readTensor(name, storedTensor(name, model.checkpoint)),
      };
      const quantize = createQuantizer(model.config, plan, reader, put);
      const [matrices, vectors] = [
        plan.filter(({ form }) => form !== "float"),
        plan.filter(({ form }) => form === "float"),
      ];
      for (const tensor of [...matrices, ...vectors]) {
        options.signal?.throwIfAborted();
        if (model.form === "int8") await dequantize(tensor, model.checkpoint, put);
        else if (toInt8) await quantize(tensor);
        else await copy(tensor, model.checkpoint, put);
      }
      if (missing.size > 0) throw new Error(`${[...missing].join(", ")} were not written`);
      await checkUnchanged(model.checkpoint);
    });
  } catch (cause) {
    if (cause instanceof ModelError || options.signal?.aborted) throw cause;
    throw new ModelError(
      "checkpoint",
      `${path} cannot be written (${reason(cause)}). It needs ${layout.fileSizeBytes} bytes: free some space, or name another folder in SPANFILL_CACHE.`,
      { cause },
    );
  }
}

/**
 * Checks that the source files have not changed since they were opened, so that the bytes read belong to one state.
 * @throws ModelError "changed" when one has
 */
async function checkUnchanged({ files }: Checkpoint): Promise<void> {
  for (const { path, state } of files) {
    const now = await stat(path).catch(() => undefined);
    if (now !== undefined && fileState(now).join() === state.join()) continue;
    throw new ModelError("changed", `${path} was changed while it was converted. Try again once that is done.`);
  }
}

async function dequantize(planned: PlannedTensor, checkpoint: Checkpoint, put: Put): Promise<void> {
  for (const [name, values] of await dequantizedSources(planned, checkpoint)) await put(name, values);
}

/** Published tensors as an int8 file's rounding left them, by name, float32. @param planned one that holds them */
export async function dequantizedSources(
  planned: PlannedTensor,
  checkpoint: Checkpoint,
): Promise<(readonly [name: string, values: Float32Array])[]> {
  const weight = await dequantized(planned, checkpoint);
  const [, K = 1] = planned.shape;
  let row = 0;
  return planned.sources.map(({ name, shape: [rows = 0] }) => {
    const values = weight.subarray(row * K, (row + rows) * K);
    row += rows;
    return [name, values];
  });
}

/** A planned tensor's values from an int8 file, float32 [N, K]. */
async function dequantized({ name, form, shape, stored }: PlannedTensor, checkpoint: Checkpoint) {
  const [N = 0, K = 0] = shape;
  const [first, second] = stored.map((spec) => storedTensor(spec.name, checkpoint));
  if (first === undefined) throw new Error(`${name} stores nothing`);
  if (form === "float" || second === undefined) return readTensor(name, first);
  const scales = await readTensor(name, second);
  const values = await readTensorBytes(first);
  return form === "block"
    ? dequantizeBlocks({ values, scales }, N, K)
    : dequantizeColumns({ values: new Int8Array(values.buffer), scales }, N, K);
}

async function copy(planned: PlannedTensor, checkpoint: Checkpoint, put: Put): Promise<void> {
  for (const { name } of planned.sources) await put(name, await readTensor(name, storedTensor(name, checkpoint)));
}

/** The source tensors, concatenated along the rows, float32. */
export async function stacked(planned: PlannedTensor, checkpoint: Checkpoint): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (const { name } of planned.sources) parts.push(await readTensor(name, storedTensor(name, checkpoint)));
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
