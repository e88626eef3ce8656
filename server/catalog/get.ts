/** Gets a model from the hub into the cache that Hugging Face's tools share, so that they find it there too. */
import { copyFile, mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ModelError } from "../../models/errors.ts";
import { downloadFile, PARTIAL, sizeOf } from "./download.ts";
import { reason, writeAtomically } from "./files.ts";
import { authorization, fileUrl, type Hub, hubModel, statusError } from "./hub.ts";
import { checkSpace } from "./space.ts";
import { type Places, repositoryFolder } from "./store.ts";

/** How far a download has come. */
export interface DownloadProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Over the last seconds; 0 at the start. */
  readonly bytesPerSecond: number;
  /** Undefined while the speed is not known. */
  readonly secondsLeft?: number;
}

/** How a download is watched and stopped. */
export interface GetOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Waits between tries. */
  readonly backoffMs?: readonly number[];
}

/**
 * Downloads a model; what is there already is not fetched again.
 * @returns its folder
 * @throws ModelError "network", "storage" or "config"; what the signal aborts with, and then what has arrived stays
 */
export async function getModel(hub: Hub, places: Places, id: string, options: GetOptions): Promise<string> {
  const { signal, onProgress, backoffMs } = options;
  const model = await hubModel(withSignal(hub, signal), id);
  const repository = repositoryFolder(places, id);
  const files = model.files.map((file) => ({ ...file, blob: join(repository, "blobs", file.hash) }));
  const there = await Promise.all(
    files.map(async ({ blob }) => (await sizeOf(blob)) ?? (await sizeOf(blob + PARTIAL)) ?? 0),
  );
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  await checkSpace(places.hub, totalBytes - there.reduce((sum, size) => sum + size, 0));

  const rate = createRate();
  let finished = 0;
  for (const { path, hash, sizeBytes, blob } of files) {
    const url = fileUrl(hub, model, path);
    const headers = authorization(hub);
    const refused = (status: number) => statusError(hub, id, status);
    const onBytes = (doneBytes: number) => {
      const bytesPerSecond = rate(finished + doneBytes);
      const secondsLeft = (totalBytes - finished - doneBytes) / bytesPerSecond;
      onProgress?.({
        doneBytes: finished + doneBytes,
        totalBytes,
        bytesPerSecond,
        ...(bytesPerSecond > 0 ? { secondsLeft } : {}),
      });
    };
    const file = { url, headers, path: blob, sizeBytes, hash, fetch: hub.fetch, refused };
    await downloadFile(file, { signal, onBytes, ...(backoffMs === undefined ? {} : { backoffMs }) });
    finished += sizeBytes;
  }
  const snapshot = join(repository, "snapshots", model.commit);
  for (const { path, blob, hash } of files) await link(join(snapshot, path), blob, join("..", "..", "blobs", hash));
  await writeAtomically(join(repository, "refs", "main"), (handle) => handle.writeFile(model.commit));
  return snapshot;
}

/**
 * A measure of speed over the last seconds.
 * @returns takes the bytes that are there, gives bytes a second
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

/** Links as Hugging Face's tools do; copies where the system has no links for everyone (Windows). */
async function link(path: string, blob: string, target: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true });
    await symlink(target, path).catch(() => copyFile(blob, path));
  } catch (cause) {
    throw new ModelError("storage", `${path} cannot be written (${reason(cause)}): mend that, and try again.`, {
      cause,
    });
  }
}

function withSignal(hub: Hub, signal: AbortSignal): Hub {
  return { ...hub, fetch: (url, init) => hub.fetch(url, { ...init, signal }) };
}
