/** Where models lie on this machine: the folder that Hugging Face's tools share, and Spanfill's own for what was imported. */
import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";
import { isLocked } from "../files/lock.ts";
import { commitSchema, hubIdSchema, requireHubId } from "../files/names.ts";
import { isOwnFolder, removeOwnFolder } from "../files/removal.ts";
import { isIntact, PARTIAL } from "./hub/download.ts";

/** The folders that models are kept in; neither may exist yet. */
export interface Places {
  /** Hugging Face's cache: HF_HUB_CACHE. */
  readonly hub: string;
  /** Spanfill's own: SPANFILL_MODELS, or the system's place for data. */
  readonly own: string;
}

/** A model that is on this machine besides the built-in ones. */
export interface KeptModel {
  readonly id: string;
  /** With config.json, weights and tokenizer. */
  readonly directory: string;
  readonly place: "hub" | "own";
  /** What removing it frees. */
  readonly sizeBytes: number;
  /** Whether it was trained here. */
  readonly tuned: boolean;
  /** Whether Spanfill made its folder, and so may remove it. */
  readonly removable: boolean;
}

/** What training leaves in a model's folder. */
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
 * Where the hub's cache has a model, whether or not it is there. @see huggingface_hub's file_download.py
 * @throws ModelError "input" when the id cannot be one of the hub's
 */
export function repositoryFolder({ hub }: Places, id: string): string {
  requireHubId(id);
  return join(hub, `models--${id.replaceAll("/", "--")}`);
}

/** The folder of a model that was downloaded or imported; undefined where there is none of that name. */
export function keptDirectory(id: string, places: Places = placesOf()): string | undefined {
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(id) || /(^|\/)\.+($|\/)/.test(id)) return undefined;
  const own = join(places.own, id);
  if (!id.includes("/") && existsSync(join(own, "config.json"))) return own;
  if (!hubIdSchema.safeParse(id).success) return undefined;
  const repository = repositoryFolder(places, id);
  try {
    const commit = commitSchema.parse(readFileSync(join(repository, "refs", "main"), "utf8").trim());
    const directory = join(repository, "snapshots", commit);
    return existsSync(join(directory, "config.json")) ? directory : undefined;
  } catch {
    return undefined; // the hub's tools were not here, or what is here is not theirs
  }
}

/** What a model without a name of its own is called: the hub's id in the hub's cache, elsewhere the folder's name. */
export function nameOfFolder(directory: string): string {
  const path = resolve(directory);
  const [, repository] = /[/\\]models--([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/.exec(path) ?? [];
  return repository?.replaceAll("--", "/") ?? basename(path);
}

/** The models that were downloaded or imported, T5s with weights alone; broken ones are left out. */
export async function keptModels(places: Places = placesOf()): Promise<KeptModel[]> {
  const hub = (await names(places.hub)).flatMap((name) => {
    const id = /^models--(.+)$/.exec(name)?.[1]?.replaceAll("--", "/");
    return id === undefined ? [] : [{ id, place: "hub" as const, folder: join(places.hub, name) }];
  });
  const own = (await names(places.own)).map((id) => ({ id, place: "own" as const, folder: join(places.own, id) }));
  const found = await Promise.all(
    [...own, ...hub].map(async ({ id, place, folder }) => {
      const directory = keptDirectory(id, places);
      if (directory === undefined || !(await isT5(directory))) return [];
      // A run's state while it goes on, its curves ever after.
      const tuned = place === "own" && TRACES.some((name) => existsSync(join(directory, name)));
      const removable = await isOwnFolder(folder, places.own);
      return [{ id, place, directory, sizeBytes: await folderBytes(folder), tuned, removable }];
    }),
  );
  return found.flat();
}

/** Downloads that were stopped midway: the model's id -> bytes of the files that are not whole. */
export async function partialDownloads(places: Places = placesOf()): Promise<ReadonlyMap<string, number>> {
  const partial = new Map<string, number>();
  for (const name of await names(places.hub)) {
    const id = /^models--(.+)$/.exec(name)?.[1]?.replaceAll("--", "/");
    if (id === undefined) continue;
    const blobs = join(places.hub, name, "blobs");
    for (const blob of (await names(blobs)).filter((each) => each.endsWith(PARTIAL))) {
      partial.set(id, (partial.get(id) ?? 0) + (await stat(join(blobs, blob))).size);
    }
  }
  return partial;
}

/**
 * Removes a model that was downloaded or imported, or what a stopped download left.
 * @returns the bytes that this frees
 * @throws ModelError "config" when there is none, "storage" when it cannot be removed, or Spanfill did not make it
 */
export async function removeModel(id: string, places: Places = placesOf()): Promise<number> {
  const directory = keptDirectory(id, places);
  const own = directory !== undefined && dirname(directory) === places.own;
  const folder = own ? directory : repositoryFolder(places, id);
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

/** Says that something is left alone. */
export function notOurs(folder: string): ModelError {
  const why = "Spanfill did not make this folder, and removes only what it has made";
  return new ModelError("storage", `${folder} stays: ${why}. Remove it yourself if you do not need it.`);
}

/** A file of a model and whether its content is what it should be; undefined where nothing says what it should be. */
export interface VerifiedFile {
  readonly name: string;
  readonly intact: boolean | undefined;
}

/**
 * Reads all files of a model again: those of the hub's cache against the hashes that they are named by.
 * @param sums SHA-256 by file name, for models of other places
 */
export async function verifyFiles(
  directory: string,
  sums: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<VerifiedFile[]> {
  const checked: VerifiedFile[] = [];
  for (const name of (await readdir(directory)).toSorted()) {
    signal?.throwIfAborted();
    const path = join(directory, name);
    if (!(await stat(path).catch(() => undefined))?.isFile()) continue;
    const sum = sums[name];
    const hash = sum ?? (await hashInName(path));
    checked.push({ name, intact: hash === undefined ? undefined : await isIntact(path, hash) });
  }
  return checked;
}

/** The hash that a file of the hub's cache is named by. */
async function hashInName(path: string): Promise<string | undefined> {
  const name = basename(await realpath(path));
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(name) ? name : undefined;
}

async function isT5(directory: string): Promise<boolean> {
  try {
    const config: unknown = JSON.parse(await readFile(join(directory, "config.json"), "utf8"));
    if (typeof config !== "object" || config === null || !("model_type" in config)) return false;
    const weights = (await readdir(directory)).some((name) => /\.(safetensors|bin|msgpack|gguf|index|h5)$/.test(name));
    return weights && /^(m|um)?t5$/.test(String(config.model_type));
  } catch {
    return false; // what cannot be read is no model
  }
}

async function names(folder: string): Promise<string[]> {
  return (await readdir(resolve(folder)).catch(() => [])).filter((name) => !name.startsWith(".")).toSorted();
}

/** Bytes of the files below a folder; links count nothing. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath ?? entry.path, entry.name)).catch(() => undefined))?.size);
  return (await Promise.all(sizes)).reduce<number>((sum, size) => sum + (size ?? 0), 0);
}
