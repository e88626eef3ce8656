/** The folder of the model that the settings ask for, and keys that identify its answers and its process. */
import type { Device } from "../../../protocol/devices.ts";
import { FEATURES, type Feature } from "../../../protocol/panel.ts";
import type { Settings } from "../../../protocol/settings.ts";
import { modelIdentity } from "../../catalog/folder/identity.ts";
import { resolveModel } from "../../catalog/installed.ts";
import { measurementsOf } from "../../catalog/measurements.ts";
import { placesOf } from "../../catalog/store.ts";
import type { ServerConnection } from "../../engine/wire/connection.ts";
import { chooseDevice } from "../../panel/devices.ts";

/** The settings that determine the engine. */
export type EngineSettings = Pick<
  Settings,
  "model" | `models.${Feature}` | "precision" | "device" | "threads" | "idleMinutes"
> & {
  readonly "server.url"?: string;
  readonly "server.certificates"?: string;
  /** The folder of a model for a long text, which summarizes it where the settings name no model. */
  readonly longText?: string;
};

/** A model's folder and the state of its files when it was checked. */
export interface Folder {
  readonly directory: string;
  readonly files: string;
}

/** A key that identifies the model's answers. */
export function identityOf(device: string, precision: string, { files }: Folder): string {
  return `${device} ${precision} ${files}`;
}

/** A key of settings that the same process can serve. */
export function keyOf(settings: EngineSettings, server: ServerConnection | undefined): string {
  const { precision, device, threads, idleMinutes } = settings;
  const named = [settings.model, ...FEATURES.map((feature) => settings[`models.${feature}`])];
  return JSON.stringify([named, precision, device, threads, idleMinutes, device === "server" ? server : null]);
}

/**
 * The folder in its current state.
 * @throws ModelError when it does not exist
 */
export function folderOf(settings: EngineSettings, feature: Feature): Folder {
  const longText = feature === "summarize" ? settings.longText : undefined;
  const directory = resolveModel(settings[`models.${feature}`] || settings.model || longText);
  return { directory, files: modelIdentity(directory) };
}

/** The device that the settings choose; "auto" uses the stored measurements. */
export async function deviceOf({ device, precision }: EngineSettings, directory: string): Promise<Device> {
  if (device !== "auto") return device;
  return chooseDevice(device, precision, await measurementsOf(placesOf(), directory)).device;
}
