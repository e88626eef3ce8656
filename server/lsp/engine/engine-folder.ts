/** The folder of the model that the settings ask for, and keys that identify its answers and its process. */
import type { Device } from "../../../protocol/devices.ts";
import { FEATURES, type Feature } from "../../../protocol/features.ts";
import type { Settings } from "../../../protocol/settings.ts";
import { modelIdentity } from "../../catalog/folder/identity.ts";
import { resolveModel } from "../../catalog/installed.ts";
import { measurementsOf } from "../../catalog/measurements.ts";
import { placesOf } from "../../catalog/store.ts";
import type { ServerConnection } from "../../engine/wire/connection.ts";
import { chooseDevice } from "../../panel/device-choice.ts";

/** The settings that determine the engine. */
export type EngineSettings = Pick<
  Settings,
  "model" | `models.${Feature}` | "precision" | "device" | "threads" | "idleMinutes"
> & {
  readonly "server.url"?: string;
  readonly "server.certificates"?: string;
  readonly "server.features"?: readonly Feature[];
  /** The folder of a model for a long text, which summarizes it where the settings name no model. */
  readonly longText?: string;
};

/** A model's folder and the state of its files when it was checked. */
export interface Folder {
  readonly directory: string;
  readonly files: string;
  /** Whether this machine answers, though the device is a server, which gets other features only. */
  readonly stays: boolean;
}

/** A key of the loaded model: a folder may answer one feature here, and another on a server. */
export function modelKey({ directory, stays }: Folder): string {
  return stays ? `here ${directory}` : directory;
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
  const stays = settings.device === "server" && settings["server.features"]?.includes(feature) === false;
  return { directory, files: modelIdentity(directory), stays };
}

/** Whether any feature's text goes to a server. */
export function sendsText({ device, "server.features": features }: EngineSettings): boolean {
  return device === "server" && features?.length !== 0;
}

/** The device that the settings choose; "auto" uses the stored measurements. */
export async function deviceOf({ device, precision }: EngineSettings, { directory, stays }: Folder): Promise<Device> {
  if (stays) return "cpu";
  if (device !== "auto") return device;
  return chooseDevice(device, precision, await measurementsOf(placesOf(), directory)).device;
}
