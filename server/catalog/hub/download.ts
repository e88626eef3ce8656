/** Downloads one file by ranges: resumes, waits when asked to, and keeps nothing that fails its checksum. */
import { createHash, type Hash } from "node:crypto";
import { rename, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import { defined } from "../../../base/defined.ts";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { openInside, sizeInside, unwritable } from "../../files/inside.ts";
import { regularFileChunks } from "../../files/regular-file.ts";
import { isPartialDownload, removeOwn } from "../../files/removal.ts";
import { isMissing } from "../../files/whole-file.ts";
import { isSilence, LEAST_BYTES_PER_SECOND, LONGEST_WAIT_MS, retryAfterMs, SILENCE_MS } from "./lease.ts";
import type { HubFetch } from "./network.ts";

/** A file to download. */
export interface FileDownload {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Destination of the complete file; until then `.incomplete` is appended, like Hugging Face's own tools do. The
   * folder must exist.
   */
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256, or SHA-1 of git's blob; the length decides. */
  readonly hash: string;
  readonly fetch: HubFetch;
  /** Creates the error for a status that waiting does not help. */
  readonly refused: (status: number) => ModelError;
}

/** Limits of a download's patience. */
export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Called with the number of bytes present, including those from an earlier attempt. */
  readonly onBytes: (doneBytes: number) => void;
  /** Pauses between attempts, as long as none makes progress. Default: about a minute in total. */
  readonly backoffMs?: readonly number[];
  /** The longest pause that a server may request. */
  readonly longestWaitMs?: number;
}

/** Suffix of incomplete files. */
export const PARTIAL = ".incomplete";

/**
 * Downloads a file unless it is already there. An attempt that fails midway is followed by one that resumes.
 * @throws ModelError "network" when it cannot be downloaded, "storage" when it cannot be written; the signal's reason
 */
export async function downloadFile(file: FileDownload, options: DownloadOptions): Promise<void> {
  const { path, sizeBytes } = file;
  if ((await sizeInside(path)) === sizeBytes) {
    options.onBytes(sizeBytes);
    return;
  }
  const partial = path + PARTIAL;
  try {
    await fetchAll(file, partial, options);
    // An earlier attempt may have left part of another file: start over once.
    if (!(await isIntact(partial, file.hash))) {
      await removePartial(partial);
      await fetchAll(file, partial, options);
      if (!(await isIntact(partial, file.hash))) {
        await removePartial(partial);
        throw new ModelError(
          "network",
          `${nameOf(file)} arrived damaged twice: its checksum differs from the hub's. Something on the way changes it; try another network or mirror.`,
        );
      }
    }
  } catch (error) {
    // There is nothing to resume from.
    if ((await sizeInside(partial)) === 0) await removePartial(partial);
    throw error;
  }
  await rename(partial, path).catch((cause) => {
    throw unwritable(path, cause);
  });
}

/**
 * Whether a file's content has a hash.
 * @param hash SHA-256 (64 digits), or SHA-1 of git's blob (40 digits); hexadecimal
 */
export async function isIntact(path: string, hash: string): Promise<boolean> {
  const size = await sizeOf(path);
  if (size === undefined) return false;
  const digest: Hash = hash.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
  await pipeline(regularFileChunks(path), digest);
  return digest.digest("hex") === hash.toLowerCase();
}

/** A file's size; undefined if it does not exist. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const BACKOFF_MS = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000];
/** Statuses that a later attempt may not get. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Fewer bytes than this do not count as progress, or a slow server could go on for years. */
const LEAST_BYTES = (LEAST_BYTES_PER_SECOND * SILENCE_MS) / 1000;

async function removePartial(partial: string): Promise<void> {
  await removeOwn(partial, dirname(partial), isPartialDownload);
}

/** Downloads until the partial file is as large as the complete one. */
async function fetchAll(file: FileDownload, partial: string, options: DownloadOptions): Promise<void> {
  const { signal, onBytes, backoffMs = BACKOFF_MS, longestWaitMs = LONGEST_WAIT_MS } = options;
  let waitedMs = 0;
  for (let idle = 0; ; ) {
    const before = (await sizeInside(partial)) ?? 0;
    onBytes(Math.min(before, file.sizeBytes));
    if (before === file.sizeBytes) return;
    const failure = await fetchRest(file, partial, before, options);
    const after = (await sizeInside(partial)) ?? 0;
    if (after === file.sizeBytes) continue;
    signal.throwIfAborted();
    const progressed = after - before >= LEAST_BYTES;
    idle = progressed ? 0 : idle + 1;
    if (progressed) waitedMs = 0;
    const pause = backoffMs[Math.max(idle - 1, 0)];
    // A server that was silent throughout has used up its time.
    if (pause === undefined || !failure.passing || (isSilence(failure.error) && !progressed)) throw failure.error;
    const pauseMs = Math.min(Math.max(pause, failure.afterMs ?? 0), longestWaitMs);
    waitedMs += pauseMs;
    if (waitedMs > longestWaitMs) throw failure.error;
    await wait(pauseMs, undefined, { signal });
  }
}

/** Why an attempt did not complete the file. */
interface Failure {
  readonly error: ModelError;
  /** Whether another attempt may succeed. */
  readonly passing: boolean;
  /** The pause that the server asked for. */
  readonly afterMs?: number;
}

/** Makes one request for the missing bytes. */
async function fetchRest(
  file: FileDownload,
  partial: string,
  from: number,
  { signal, onBytes }: DownloadOptions,
): Promise<Failure> {
  const { url, fetch, headers, sizeBytes } = file;
  const start = from < sizeBytes ? from : 0; // a larger partial file belongs to another file
  const name = nameOf(file);
  try {
    const range = start === 0 ? {} : { range: `bytes=${start}-` };
    // Without content encoding, which would change ranges and sizes.
    const answer = await fetch(url, { headers: { ...headers, ...range, "accept-encoding": "identity" }, signal });
    const { status, body } = answer;
    if (status === 416) await removePartial(partial);
    if (status !== 200 && status !== 206) {
      answer.discard();
      const passing = PASSING.has(status) || status === 416;
      const afterMs = retryAfterMs(answer.headers.get("retry-after"));
      return { error: file.refused(status), passing, ...defined({ afterMs }) };
    }
    const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers.get("content-range") ?? "") ?? [];
    const resumed = status === 206 && Number(first) === start;
    if (status === 206 && !resumed) await removePartial(partial);
    const offered = status === 206 ? Number(total) : Number(answer.headers.get("content-length") ?? sizeBytes);
    if (offered !== sizeBytes || (status === 206 && !resumed)) {
      answer.discard();
      const what = `${name} should have ${sizeBytes} bytes, but the server offers ${offered}`;
      return { error: new ModelError("network", `${what}. Try again, or another mirror.`), passing: status === 206 };
    }
    if (!(await writeFrom(partial, resumed ? start : 0, sizeBytes, body, onBytes))) {
      await removePartial(partial);
      const words = `${name} should have ${sizeBytes} bytes, but the server sends more. Nothing of it is kept: try another mirror.`;
      return { error: new ModelError("network", words), passing: false };
    }
    return {
      error: new ModelError("network", `The connection ended before ${name} was whole. Try again.`),
      passing: true,
    };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ModelError) return { error, passing: error.code === "network" && isConnection(error) };
    const words = `The connection broke while ${name} was downloaded (${reason(error)}). What has arrived is kept: try again to resume.`;
    return { error: new ModelError("network", words, { cause: error }), passing: true };
  }
}

/**
 * Writes a body at an offset, up to the complete size; the file is truncated to the offset first.
 * @returns false when the body is longer
 */
async function writeFrom(
  path: string,
  start: number,
  wholeBytes: number,
  body: AsyncIterable<Uint8Array>,
  onBytes: (doneBytes: number) => void,
): Promise<boolean> {
  const handle = await openInside(path, start === 0);
  try {
    let position = start;
    for await (const chunk of body) {
      if (position + chunk.length > wholeBytes) return false;
      await handle.write(chunk, 0, chunk.length, position).catch((cause) => {
        throw unwritable(path, cause);
      });
      position += chunk.length;
      onBytes(position);
      // The server need not end the body; we do not wait for it.
      if (position === wholeBytes) break;
    }
    await handle.sync();
    return true;
  } finally {
    await handle.close();
  }
}

function nameOf({ url }: FileDownload): string {
  return basename(new URL(url).pathname);
}

/** Whether the connection failed, as opposed to something else answering in the hub's place. */
function isConnection({ cause }: ModelError): boolean {
  return cause !== undefined;
}
