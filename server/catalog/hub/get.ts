/** Downloads a model from the hub into the cache that Hugging Face's tools share, so that they find it there too. */
import { constants } from "node:fs";
import { lstat, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { defined } from "../../../base/defined.ts";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { folderInside, removeEmpty, sizeInside, unwritable } from "../../files/inside.ts";
import { copyRegularFile } from "../../files/regular-file.ts";
import { forgetFolder, isBlobLink, isSame, makeOwnFolder, removeOwn } from "../../files/removal.ts";
import { checkSpace } from "../../files/space.ts";
import { writeAtomically } from "../../files/whole-file.ts";
import { isSmall } from "../folder/model-files.ts";
import { type Places, repositoryFolder } from "../store.ts";
import { downloadFile, PARTIAL } from "./download.ts";
import { fileUrl, type Hub, type HubModel, hubModel, statusError } from "./hub.ts";
import { refuseUnusable } from "./usable.ts";

/** The progress of a download. */
export interface DownloadProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Average of the last seconds; 0 at the start. */
  readonly bytesPerSecond: number;
  /** Undefined until the speed is known. */
  readonly secondsLeft?: number;
}

/** How a download is observed and stopped. */
export interface GetOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /**
   * Pauses between attempts.
   * @see DownloadOptions
   */
  readonly backoffMs?: readonly number[];
  readonly longestWaitMs?: number;
}

/**
 * Downloads a model; files that are already there are not downloaded again.
 * @returns its folder
 * @throws ModelError "network", "storage", "config" or "input"; before the weights are downloaded, what
 * {@link refuseUnusable} throws; the signal's reason, and then the part that has arrived stays
 */
export async function getModel(hub: Hub, places: Places, id: string, options: GetOptions): Promise<string> {
  const model = await hubModel(hub, id, options.signal);
  const name = basename(repositoryFolder(places, id));
  await makeOwnFolder(join(places.hub, name), places.own).catch((cause) => {
    throw unwritable(join(places.hub, name), cause);
  });
  // All folders before the download, so that their errors are reported first.
  const blobs = await folderInside(places.hub, name, "blobs");
  const snapshot = await folderInside(places.hub, name, "snapshots", model.commit);
  const refs = await folderInside(places.hub, name, "refs");
  try {
    await fetchFiles(hub, model, places, blobs, options);
    // The configuration comes last: its presence marks the model as complete.
    const ordered = model.files.toSorted((a, b) => Number(a.path === "config.json") - Number(b.path === "config.json"));
    for (const { path, hash } of ordered) {
      await link(join(snapshot, path), join(blobs, hash), join("..", "..", "blobs", hash));
    }
    await writeAtomically(join(refs, "main"), (handle) => handle.writeFile(model.commit));
    return snapshot;
  } catch (error) {
    // If nothing was downloaded, nothing is left.
    await removeEmpty(snapshot, dirname(snapshot), refs, blobs, dirname(blobs));
    await forgetFolder(dirname(blobs), places.own);
    throw error;
  }
}

/** Downloads a model's files into the folder of blobs. */
async function fetchFiles(
  hub: Hub,
  model: HubModel,
  places: Places,
  blobs: string,
  options: GetOptions,
): Promise<void> {
  const { onProgress, ...patience } = options;
  const files = model.files.map((file) => ({ ...file, blob: join(blobs, file.hash) }));
  const whole = await Promise.all(files.map(({ blob }) => sizeInside(blob)));
  const presentBytes = await Promise.all(
    files.map(async ({ blob }, i) => whole[i] ?? (await sizeInside(blob + PARTIAL)) ?? 0),
  );
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  await checkSpace(places.hub, totalBytes - presentBytes.reduce((sum, size) => sum + size, 0));

  const rate = createRate();
  let finished = 0;
  const firstWeights = files.findIndex(({ path }) => !isSmall(path));
  for (const [i, { path, hash, sizeBytes, blob }] of files.entries()) {
    if (i === firstWeights) {
      const fresh = files.slice(0, i).filter((_, at) => whole[at] === undefined);
      await refuseUnusable(model.id, files, (file) => join(blobs, file.hash), places.own).catch(async (error) => {
        for (const one of fresh) await removeOwn(one.blob, blobs, isSame(await lstat(one.blob, { bigint: true })));
        throw error;
      });
    }
    const url = fileUrl(hub, model, path);
    const headers = hub.authorization(url);
    const refused = (status: number) => statusError(hub, model.id, status);
    const onBytes = (doneBytes: number) => {
      const bytesPerSecond = rate(finished + doneBytes);
      const secondsLeft = (totalBytes - finished - doneBytes) / bytesPerSecond;
      onProgress?.({
        doneBytes: finished + doneBytes,
        totalBytes,
        bytesPerSecond,
        ...defined({ secondsLeft: bytesPerSecond > 0 ? secondsLeft : undefined }),
      });
    };
    const file = { url, headers, path: blob, sizeBytes, hash, fetch: hub.fetch, refused };
    await downloadFile(file, { ...patience, onBytes });
    finished += sizeBytes;
  }
}

/**
 * Measures speed over the last seconds.
 * @returns a function from the number of bytes present to bytes per second
 */
export function createRate(now: () => number = () => performance.now()): (doneBytes: number) => number {
  const marks: { readonly at: number; readonly doneBytes: number }[] = [];
  return (doneBytes) => {
    const at = now();
    const last = marks.at(-1);
    if (last === undefined || at - last.at >= 250) marks.push({ at, doneBytes });
    while (marks.length > 2 && at - (marks[0]?.at ?? at) > 5000) marks.shift();
    const [first] = marks;
    return first === undefined || at === first.at
      ? 0
      : Math.max(0, (1000 * (doneBytes - first.doneBytes)) / (at - first.at));
  };
}

/** Links like Hugging Face's tools do; copies on systems where links need privileges (Windows). */
async function link(path: string, blob: string, target: string): Promise<void> {
  try {
    await removeOwn(path, dirname(path), isBlobLink);
    await symlink(target, path).catch(() => copyRegularFile(blob, path, constants.COPYFILE_EXCL));
  } catch (cause) {
    throw new ModelError("storage", `${path} cannot be written (${reason(cause)}). Fix that and try again.`, {
      cause,
    });
  }
}
