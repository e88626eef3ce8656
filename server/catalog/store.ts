/** Locations of models on this machine: the folder that Hugging Face's tools share, and Spanfill's own for imports. */
import { existsSync } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";
import { isT5Config } from "../../models/t5/config.ts";
import { isLocked } from "../files/lock.ts";
import { commitSchema, hubIdSchema, innerPathSchema, requireHubId } from "../files/names.ts";
import { readRegularText, readRegularTextSync } from "../files/regular-file.ts";
import { isOwnFolder, removeOwnFolder } from "../files/removal.ts";
import { fileKind, isGgufFile } from "./folder/model-files.ts";
import { isAdapterFolder, saysShape, shapeFile } from "./folder/shape.ts";
import { isIntact, PARTIAL } from "./hub/download.ts";

/** The folders that hold models; neither need exist. */
export interface Places {
  /** Hugging Face's cache: HF_HUB_CACHE. */
  readonly hub: string;
  /** Spanfill's own folder: SPANFILL_MODELS, or the system's folder for data. */
  readonly own: string;
}

/** A model on this machine besides the built-in ones. */
export interface KeptModel {
  readonly id: string;
  /** Folder with config.json, weights and tokenizer. */
  readonly directory: string;
  readonly place: "hub" | "own";
  /** Bytes that removing it frees. */
  readonly sizeBytes: number;
  /** Whether it was trained on this machine. */
  readonly tuned: boolean;
  /** Whether Spanfill created its folder and so may remove it. */
  readonly removable: boolean;
}

/** Names that training leaves in a model's folder. */
const TRACES = [".training", "runs"];

/** The folders that the environment names. */
export function placesOf(environment: NodeJS.ProcessEnv = process.env, platform = process.platform): Places {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, SPANFILL_MODELS, XDG_DATA_HOME, LOCALAPPDATA } = environment;
  const data =
    platform === "win32"
      ? LOCALAPPDATA || join(homedir(), "AppData", "Local")
      : platform === "darwin"
        ? join(homedir(), "Library", "Application Support")
        : XDG_DATA_HOME || join(homedir(), ".local", "share");
  return {
    hub: HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(hubHome(environment), "hub"),
    own: SPANFILL_MODELS || join(data, "spanfill", "models"),
  };
}

/** The folder that Hugging Face's tools share: HF_HOME. */
export function hubHome({ HF_HOME, XDG_CACHE_HOME }: NodeJS.ProcessEnv): string {
  return HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
}

/**
 * The folder of a model in the hub's cache, whether or not it exists.
 * @see huggingface_hub's file_download.py
 * @throws ModelError "input" when the id cannot be one of the hub's
 */
export function repositoryFolder({ hub }: Places, id: string): string {
  requireHubId(id);
  return join(hub, `models--${id.replaceAll("/", "--")}`);
}

/** The folder of a downloaded or imported model; undefined if there is none with that name. */
export function keptDirectory(id: string, places: Places = placesOf()): string | undefined {
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(id) || /(^|\/)\.+($|\/)/.test(id)) return undefined;
  const imported = join(places.own, id);
  if (!id.includes("/") && (saysShape(imported) || isAdapterFolder(imported))) return imported;
  if (!hubIdSchema.safeParse(id).success) return undefined;
  const repository = repositoryFolder(places, id);
  try {
    const commit = commitSchema.parse(readRegularTextSync(join(repository, "refs", "main")).trim());
    const directory = join(repository, "snapshots", commit);
    return saysShape(directory) ? directory : undefined;
  } catch {
    return undefined; // not a folder of the hub's tools
  }
}

/** The name of a model that declares none: the hub's id in the hub's cache, elsewhere the folder's name. */
export function nameOfFolder(directory: string): string {
  const path = resolve(directory);
  const [, repository] = /[/\\]models--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/.exec(path) ?? [];
  return repository?.replaceAll("--", "/") ?? basename(path);
}

/** The downloaded or imported models; only T5 models with weights, and not broken ones. */
export async function keptModels(places: Places = placesOf()): Promise<KeptModel[]> {
  const hub = (await names(places.hub)).flatMap((name) => {
    const id = /^models--(.+)$/.exec(name)?.[1]?.replaceAll("--", "/");
    return id === undefined ? [] : [{ id, place: "hub" as const, folder: join(places.hub, name) }];
  });
  const own = (await names(places.own)).map((id) => ({ id, place: "own" as const, folder: join(places.own, id) }));
  const models = await Promise.all(
    [...own, ...hub].map(async ({ id, place, folder }) => {
      const directory = keptDirectory(id, places);
      if (directory === undefined || !(isAdapterFolder(directory) || (await isT5(directory)))) return [];
      // A run's state exists while it goes on, its curves forever.
      const tuned = place === "own" && TRACES.some((name) => existsSync(join(directory, name)));
      const removable = await isOwnFolder(folder, places.own);
      return [{ id, place, directory, sizeBytes: await folderBytes(folder), tuned, removable }];
    }),
  );
  return models.flat();
}

/** Incomplete downloads: the model's id -> bytes of its incomplete files. */
export async function partialDownloads(places: Places = placesOf()): Promise<ReadonlyMap<string, number>> {
  const partial = new Map<string, number>();
  for (const name of await names(places.hub)) {
    const id = /^models--(.+)$/.exec(name)?.[1]?.replaceAll("--", "/");
    if (id === undefined) continue;
    const blobs = join(places.hub, name, "blobs");
    for (const blob of (await names(blobs)).filter((file) => file.endsWith(PARTIAL))) {
      partial.set(id, (partial.get(id) ?? 0) + (await stat(join(blobs, blob))).size);
    }
  }
  return partial;
}

/**
 * Removes a downloaded or imported model, or the remains of a stopped download.
 * @returns the number of bytes freed
 * @throws ModelError "config" when it does not exist, "storage" when it cannot be removed or Spanfill did not create
 * it
 */
export async function removeModel(id: string, places: Places = placesOf()): Promise<number> {
  const directory = keptDirectory(id, places);
  const isImported = directory !== undefined && dirname(directory) === places.own;
  const folder = isImported ? directory : repositoryFolder(places, id);
  if (!existsSync(folder)) {
    throw new ModelError("config", `${id} is not among the downloaded or imported models, so it cannot be removed.`);
  }
  if (await isLocked(folder)) {
    throw new ModelError("input", `${id} is being trained. Stop that run first.`);
  }
  const freed = await folderBytes(folder);
  const removed = await removeOwnFolder(folder, dirname(folder), places.own).catch((cause) => {
    throw new ModelError("storage", `${folder} cannot be removed (${reason(cause)}). Close what uses it.`, { cause });
  });
  if (!removed) throw notOurs(folder);
  return freed;
}

/** The error for a folder that Spanfill does not remove. */
export function notOurs(folder: string): ModelError {
  const why = "Spanfill did not create this folder, and removes only what it created";
  return new ModelError("storage", `${folder} stays: ${why}. Remove it yourself if you do not need it.`);
}

/** A file of a model, and whether its content is intact; undefined if no checksum is available. */
export interface VerifiedFile {
  readonly name: string;
  readonly intact: boolean | undefined;
}

/**
 * Rereads all files of a model; those in the hub's cache are compared with the hashes in their names.
 * @param sums SHA-256 by file name, for other models
 */
export async function verifyFiles(
  directory: string,
  sums: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<VerifiedFile[]> {
  const checked: VerifiedFile[] = [];
  // Arrays of T5X and Orbax lie in folders, whose files the sums name.
  const inside = Object.keys(sums).filter((name) => name.includes("/") && innerPathSchema.safeParse(name).success);
  for (const name of isGgufFile(directory) ? [""] : [...(await readdir(directory)), ...inside].toSorted()) {
    signal?.throwIfAborted();
    const path = join(directory, name);
    if (!(await stat(path).catch(() => undefined))?.isFile()) continue;
    const sum = sums[name];
    const hash = sum ?? (await hashInName(path));
    checked.push({ name: name || basename(path), intact: hash === undefined ? undefined : await isIntact(path, hash) });
  }
  return checked;
}

/** The hash that names a file in the hub's cache. */
async function hashInName(path: string): Promise<string | undefined> {
  const name = basename(await realpath(path));
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(name) ? name : undefined;
}

async function isT5(directory: string): Promise<boolean> {
  try {
    if (!(await readdir(directory)).some((name) => fileKind(name) === "weights")) return false;
    const path = shapeFile(directory);
    if (path === undefined || !path.endsWith(".json")) return true; // a gin or GGUF file, which other models lack here
    return isT5Config(JSON.parse(await readRegularText(path)));
  } catch {
    return false; // an unreadable folder is not a model
  }
}

async function names(folder: string): Promise<string[]> {
  return (await readdir(resolve(folder)).catch(() => [])).filter((name) => !name.startsWith(".")).toSorted();
}

/** Total bytes of the files below a folder; links count as zero. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath ?? entry.path, entry.name)).catch(() => undefined))?.size);
  return (await Promise.all(sizes)).reduce<number>((sum, size) => sum + (size ?? 0), 0);
}
