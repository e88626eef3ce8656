/** The folder of the model that settings ask for, and the keys under which its answers and its process are known. */
import type { Device } from "../../../protocol/devices.ts";
import { FEATURES, type Feature } from "../../../protocol/panel.ts";
import type { Settings } from "../../../protocol/settings.ts";
import { modelIdentity } from "../../catalog/folder/identity.ts";
import { resolveModel } from "../../catalog/installed.ts";
import { measurementsOf } from "../../catalog/measurements.ts";
import { placesOf } from "../../catalog/store.ts";
import { chooseDevice } from "../../panel/devices.ts";

/** The settings that say which engine it is. */
export type EngineSettings = Pick<
  Settings,
  "model" | `models.${Feature}` | "precision" | "device" | "threads" | "idleMinutes"
>;

/** A model's folder as it was looked at. */
export interface Folder {
  readonly directory: string;
  readonly files: string;
}

/** A key for what a model answers. */
export function identityOf(device: string, precision: string, { files }: Folder): string {
  return `${device} ${precision} ${files}`;
}

/** What settings must have in common to be served by the same process. */
export function keyOf(settings: EngineSettings): string {
  const { precision, device, threads, idleMinutes } = settings;
  const named = [settings.model, ...FEATURES.map((feature) => settings[`models.${feature}`])];
  return JSON.stringify([named, precision, device, threads, idleMinutes]);
}

/** The folder as it is now. @throws ModelError where there is none */
export function folderOf(settings: EngineSettings, feature: Feature): Folder {
  const directory = resolveModel(settings[`models.${feature}`] || settings.model || undefined);
  return { directory, files: modelIdentity(directory) };
}

/** What the settings say that a model runs on: where they leave it open, what was measured is read. */
export async function deviceOf({ device, precision }: EngineSettings, directory: string): Promise<Device> {
  if (device !== "auto") return device;
  return chooseDevice(device, precision, await measurementsOf(placesOf(), directory)).device;
}
