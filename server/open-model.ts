/** Loads the model that a command names, in this process; imported only when a command runs, to keep the start fast. */
import { defined } from "../base/defined.ts";
import { ModelError } from "../models/errors.ts";
import { type Device, fallbackNotice } from "../protocol/devices.ts";
import type { ModelParts } from "./catalog/adapter-base.ts";
import { isAdapterFolder } from "./catalog/folder/shape.ts";
import { resolveModel } from "./catalog/installed.ts";
import { measurementsOf } from "./catalog/measurements.ts";
import { placesOf } from "./catalog/store.ts";
import type { LoadedModel, Precision } from "./engine/engine.ts";
import { createLocalEngine } from "./engine/process/local.ts";
import { printNote } from "./output.ts";
import { chooseDevice } from "./panel/device-choice.ts";

/** Options of every command that loads a model. */
export interface ModelOptions {
  readonly model?: string;
  /** An adapter of the model; of the model that it names itself where `model` is absent. */
  readonly adapter?: string;
  readonly precision: Precision;
  /** The CPU if absent. */
  readonly device?: Device | "auto";
  readonly threads?: number;
  readonly json?: boolean;
}

/** A loaded model and how long loading took. */
export interface OpenModel extends AsyncDisposable {
  readonly model: LoadedModel;
  readonly loadMs: number;
}

/**
 * Loads the model that --model names, by default the built-in one.
 * @throws ModelError when it does not exist or cannot be loaded
 */
export async function openModel(options: ModelOptions): Promise<OpenModel> {
  const started = performance.now();
  const engine = createLocalEngine(tellFallback);
  const parts = namedParts(options);
  const model = await engine.load({
    ...parts,
    precision: options.precision,
    device: await deviceOf(options, parts.directory),
    ...defined({ threads: options.threads }),
  });
  if (model.info.slowNotice !== undefined) printNote(`spanfill: ${model.info.slowNotice}`);
  return { model, loadMs: performance.now() - started, [Symbol.asyncDispose]: () => engine.dispose() };
}

/**
 * The folders of the model and the adapter that --model and --adapter name.
 * @throws ModelError "config" when there is none of that name, or --adapter names a whole model
 */
export function namedParts({ model, adapter }: Pick<ModelOptions, "model" | "adapter">): ModelParts {
  const place = { workingFolder: process.cwd() };
  if (adapter === undefined) return { directory: resolveModel(model, place) };
  const folder = resolveModel(adapter, place);
  if (!isAdapterFolder(folder))
    throw new ModelError("config", `${adapter} is a whole model, not an adapter. Name it with --model.`);
  return model === undefined ? { directory: folder } : { directory: resolveModel(model, place), adapter: folder };
}

/** The device that --device names; for "auto", the one that measurements of this model favor. */
export async function deviceOf({ device = "cpu", precision }: ModelOptions, directory: string): Promise<Device> {
  if (device !== "auto") return device;
  return chooseDevice(device, precision, await measurementsOf(placesOf(), directory)).device;
}

/** Reports on stderr that a device failed. */
export function tellFallback(device: Device, why: string): void {
  printNote(`spanfill: ${fallbackNotice(device, why)}`);
}

/** Times rounded to a tenth of a millisecond, as printed. */
export function roundedMs(times: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, Math.round(ms * 10) / 10]));
}
