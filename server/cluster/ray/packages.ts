/** Packages that a cluster unpacks for each worker: the Python package with a job's files, and large files in parts. */
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ModelError } from "../../../models/errors.ts";
import { openRegular, readRegularFile } from "../../files/regular-file.ts";
import { clusterPackage } from "../torchrun.ts";
import type { RayClient } from "./client.ts";
import { storedZip, type ZipEntry } from "./zip.ts";

/** Largest part of files in one package: the dashboard takes 100 MB. */
const PART_BYTES = 64 * 1024 * 1024;
const MOST_SMALL_BYTES = 90 * 1024 * 1024;

/** Stores Spanfill's Python package with the files of a job. @returns its URI */
export async function storeProgram(client: RayClient, files: readonly ZipEntry[] = []): Promise<string> {
  const folder = join(clusterPackage(), "spanfill_cluster");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".py")).sort();
  const program = names.map(async (name) => ({
    name: `spanfill_cluster/${name}`,
    content: await smallFile(join(folder, name)),
  }));
  return store(client, [...(await Promise.all(program)), ...files]);
}

/**
 * Stores files, one after another, in parts of a limited size.
 * @returns the URIs of the parts
 * @see cluster/spanfill_cluster/parts.py
 */
export async function storeParts(client: RayClient, paths: readonly string[]): Promise<string[]> {
  const uris: string[] = [];
  let part = Buffer.alloc(0);
  const flush = async () => {
    uris.push(await store(client, [{ name: `spanfill-part-${uris.length}.bin`, content: part }]));
    part = Buffer.alloc(0);
  };
  for (const path of paths) {
    await using handle = await openRegular(path);
    const { size } = await handle.stat();
    for (let at = 0; at < size; ) {
      const content = Buffer.alloc(Math.min(PART_BYTES - part.length, size - at));
      await handle.read(content, 0, content.length, at);
      at += content.length;
      part = Buffer.concat([part, content]);
      if (part.length === PART_BYTES) await flush();
    }
  }
  if (part.length > 0) await flush();
  return uris;
}

/** The bytes of a file that travels as a whole. @throws ModelError "input" when it is too large for that */
export async function smallFile(path: string): Promise<Uint8Array> {
  const bytes = await readRegularFile(path, MOST_SMALL_BYTES);
  if (bytes !== undefined) return bytes;
  throw new ModelError("input", `${path} is larger than a cluster takes at once. Give fewer --epochs, or less data.`);
}

/** The bytes of files together. */
export async function sizeOf(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Stores an archive under the sum of its content. */
async function store(client: RayClient, entries: readonly ZipEntry[]): Promise<string> {
  const zip = storedZip(entries);
  if (zip.length > PART_BYTES + MOST_SMALL_BYTES)
    throw new ModelError("input", "The examples are too many for one job. Give fewer --epochs, or less data.");
  const sum = createHash("sha256").update(zip).digest("hex").slice(0, 32);
  return client.upload(`_ray_pkg_${sum}.zip`, async () => zip);
}
