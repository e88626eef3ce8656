/**
 * Imports a model from a folder, a zip file or a weights file into Spanfill's own folder, for machines without a
 * network.
 */

import { createWriteStream, existsSync } from "node:fs";
import { lstat, mkdir, readdir, rename, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import crc32 from "crc-32";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { defined } from "../../base/defined.ts";
import { reason } from "../../base/reason.ts";
import { systemReason } from "../../base/system-error.ts";
import { ModelError } from "../../models/errors.ts";
import { createFolder } from "../files/create-folder.ts";
import { makeDraftFolder } from "../files/draft.ts";
import { fileNameSchema, ownNameSchema, quoted } from "../files/names.ts";
import { copyInPieces, NotRegularError } from "../files/regular-file.ts";
import { isSame, noteFolder, removeOwn } from "../files/removal.ts";
import { checkSpace } from "../files/space.ts";
import { isMissing } from "../files/whole-file.ts";
import { declare } from "./declare.ts";
import { findWeights, listFolder } from "./folder/find.ts";
import { ADAPTER_CONFIG, fileKind, folderNotes, isGgufFile } from "./folder/model-files.ts";
import { shapeFile } from "./folder/shape.ts";
import { type ImportTask, notImported, type OpenedImport } from "./import-task.ts";
import { readManifest } from "./installed.ts";
import type { Places } from "./store.ts";

/** How an import is observed and stopped. */
export interface ImportOptions {
  /** The model's name; by default the folder's or file's. */
  readonly id?: string;
  /** The model that an adapter belongs to, if not the one that it names. */
  readonly base?: string;
  /** Whether a LoRA stays apart from its base instead of being merged. */
  readonly apart?: boolean;
  readonly signal: AbortSignal;
  readonly onBytes?: (doneBytes: number, totalBytes: number) => void;
  /** Opens the copy; by default this process does. */
  readonly open?: (task: ImportTask, signal: AbortSignal) => Promise<OpenedImport>;
}

/** An imported model. */
export interface ImportedModel {
  readonly id: string;
  readonly directory: string;
  /** Notes on the files that are not plain, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Copies a model and checks that it can be opened; keeps nothing of one that cannot.
 * @param from a folder with config.json, weights and tokenizer; a zip file of one; the weights file in such a folder;
 * or the folder of an adapter, which is merged with its base or, if it cannot be, stays apart
 * @throws ModelError "input" when the path does not exist or the name is taken, "config" or "checkpoint" when it is
 * not a model
 */
export async function importModel(from: string, places: Places, options: ImportOptions): Promise<ImportedModel> {
  const path = resolve(from);
  const status = await stat(path).catch((cause) => {
    const what = isMissing(cause) ? `${path} does not exist` : (systemReason(cause) ?? reason(cause));
    throw new ModelError("input", `${what}. Name a folder, a zip file or a weights file.`, { cause });
  });
  const zipped = status.isFile() && /\.zip$/i.test(path);
  const namesItself = zipped || (isGgufFile(path) && !saysShapeBeside(path));
  const folder = status.isFile() ? dirname(path) : path;
  const id = options.id ?? (namesItself ? basename(path, extname(path)) : basename(folder));
  if (!ownNameSchema.safeParse(id).success) {
    throw new ModelError(
      "input",
      `${quoted(id)} cannot be a model's name: use letters, digits, dots and hyphens (--name NAME).`,
    );
  }
  const directory = join(places.own, id);
  if (existsSync(directory)) {
    throw new ModelError(
      "input",
      `There already is a model "${id}". Remove it first, or choose another name (--name).`,
    );
  }
  createFolder(places.own);
  // The leading dot hides the unfinished copy from those that list models.
  const unfinished = await makeDraftFolder(places.own, "importing");
  const created = await lstat(unfinished, { bigint: true });
  let notes: string[];
  try {
    const hasAdapter = !zipped && existsSync(join(folder, ADAPTER_CONFIG));
    const isAside = hasAdapter && (await findWeights(folder)) !== undefined;
    const isAdapter = hasAdapter && !isAside;
    if (zipped) await unzip(path, unfinished, options);
    else if (!isAdapter) await copyFolder(status.isFile() ? path : undefined, folder, unfinished, options);
    const { base, apart, open = (await import("./open-imported.ts")).openImported } = options;
    const adapter = { folder, id, ...defined({ base, apart }) };
    const { prefix } = await open({ to: unfinished, ...(isAdapter && { adapter }) }, options.signal);
    notes = folderNotes(prefix, isAside ? [ADAPTER_CONFIG] : []);
    if (!existsSync(join(unfinished, "spanfill.json"))) await declare(unfinished, id);
    options.signal.throwIfAborted();
    await rename(unfinished, directory);
    await noteFolder(directory, places.own);
  } catch (error) {
    await removeOwn(unfinished, places.own, isSame(created));
    throw concerningSource(error, unfinished, path);
  }
  return { id: readManifest(directory).id, directory, notes };
}

/** Whether a file that states a shape lies beside a weights file. */
function saysShapeBeside(path: string): boolean {
  return shapeFile(dirname(path)) !== undefined;
}

/** Maximum number of files in a zip; a larger directory would fill the memory. */
const MOST_ENTRIES = 10_000;

/** Whether a file is part of a model; others, such as a training state, can be large. */
function isPart(name: string): boolean {
  const kind = fileKind(name);
  return kind !== undefined && kind !== "adapter" && fileNameSchema.safeParse(name).success;
}

/**
 * Copies the useful files of a folder.
 * @param only the weights file to copy from a folder with several
 */
async function copyFolder(
  only: string | undefined,
  folder: string,
  to: string,
  { signal, onBytes }: ImportOptions,
): Promise<void> {
  if (only !== undefined && fileKind(basename(only)) !== "weights") {
    throw new ModelError("input", `${only} is not a weights file. Name one, or a zip file, or a model's folder.`);
  }
  const all = await listFolder(folder);
  const names = all.filter(isPart);
  // An index brings its shards, and a checkpoint's index its data.
  const isSet = only !== undefined && /\.index(\.json)?$/.test(only);
  const files = names.filter(
    (name) => only === undefined || isSet || name === basename(only) || fileKind(name) !== "weights",
  );
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  await checkSpace(to, totalBytes);
  let done = 0;
  for (const name of files) {
    signal.throwIfAborted();
    if (!(await stat(join(folder, name))).isFile()) continue;
    await copyInPieces(join(folder, name), join(to, name), signal, (bytes) => {
      done += bytes;
      onBytes?.(done, totalBytes);
    });
  }
  // T5X keeps each tensor in a folder, and may keep its configuration one folder up.
  for (const name of all.filter((each) => ARRAYS.test(each))) {
    await copyArrays(join(folder, name), join(to, name), signal, 0);
  }
  const shape = shapeFile(folder);
  if (shape !== undefined && dirname(shape) !== folder) await copyInPieces(shape, join(to, basename(shape)), signal);
}

/** Copies an array or a folder of arrays. These are not deep; a link to a folder above would never end. */
async function copyArrays(from: string, to: string, signal: AbortSignal, depth: number): Promise<void> {
  signal.throwIfAborted();
  if (depth > MOST_DEPTH) throw new ModelError("checkpoint", `${from} lies deeper than any array does. Remove it.`);
  if (!(await stat(from)).isDirectory()) return copyInPieces(from, to, signal);
  await mkdir(to);
  for (const name of await readdir(from)) await copyArrays(join(from, name), join(to, name), signal, depth + 1);
}

const MOST_DEPTH = 4;

/** Folders of T5X's and Orbax's parameters; those of the optimizer's state are not needed. */
const ARRAYS = /^(target|params)\.|^d$|^ocdbt\.process_\d+$/;

/** The folder in an archive that holds a model: that of the first file that states a shape. */
function innerFolder(names: readonly string[]): string | undefined {
  for (const isShape of [(name: string) => fileKind(name) === "shape", (name: string) => /\.gguf$/i.test(name)]) {
    const found = names.find((name) => isShape(name.replace(/^.*\//s, "")));
    if (found !== undefined) return found.slice(0, found.lastIndexOf("/") + 1);
  }
  return undefined;
}

/** Extracts the files next to the archive's config.json, wherever that is. */
async function unzip(path: string, to: string, { signal, onBytes }: ImportOptions): Promise<void> {
  const malformed = (cause: unknown) =>
    new ModelError("input", `${path} is not a readable zip file (${reason(cause)}). Create it again.`, { cause });
  let zip: ZipFile | undefined;
  const entries: Entry[] = [];
  try {
    zip = await openPromise(path, { autoClose: false, lazyEntries: true });
    if (zip.entryCount > MOST_ENTRIES) throw new Error(`it contains more than ${MOST_ENTRIES} files`);
    for await (const entry of zip.eachEntry()) {
      if (entries.length === MOST_ENTRIES) throw new Error(`it contains more than ${MOST_ENTRIES} files`);
      if (/\p{Cc}/u.test(entry.fileName)) throw new Error("a file's name has control characters");
      entries.push(entry);
    }
  } catch (cause) {
    zip?.close();
    throw malformed(cause);
  }
  try {
    const folder = innerFolder(entries.map(({ fileName }) => fileName));
    if (folder === undefined)
      throw new ModelError("input", `${path} contains no config.json and no GGUF file, so it is not a model's folder.`);
    const files = entries.filter(
      ({ fileName }) => fileName.startsWith(folder) && isPart(fileName.slice(folder.length)),
    );
    const totalBytes = files.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
    await checkSpace(to, totalBytes);
    let done = 0;
    for (const entry of files) {
      const stream: Readable = await zip.openReadStreamPromise(entry);
      let sum = 0;
      stream.on("data", (bytes: Buffer) => {
        sum = crc32.buf(bytes, sum);
        done += bytes.length;
        onBytes?.(done, totalBytes);
      });
      const name = entry.fileName.slice(folder.length); // has no slash, since no part's name has one
      await pipeline(stream, createWriteStream(join(to, basename(name)), { flags: "wx" }), { signal });
      if (sum >>> 0 !== entry.crc32) throw new Error(`the checksum of ${name} is wrong`);
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw cause instanceof ModelError ? cause : malformed(cause);
  } finally {
    zip.close();
  }
}

/** The error with the path that the person named instead of its copy; of a file that cannot be read, in words. */
function concerningSource(error: unknown, copy: string, from: string): unknown {
  if (error instanceof ModelError) {
    return new ModelError(error.code, error.message.replaceAll(copy, from), { cause: error });
  }
  if (!(error instanceof NotRegularError || (error instanceof Error && "syscall" in error))) return error;
  return notImported(from, error);
}
