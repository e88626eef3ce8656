/** Fetches one file by ranges: goes on where it stopped, waits when told to, and keeps nothing that is not what it should be. */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rename, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import { defined } from "../../../base/defined.ts";
import { reason } from "../../../base/reason.ts";
import { ModelError } from "../../../models/errors.ts";
import { openInside, sizeInside, unwritable } from "../../files/inside.ts";
import { isPartialDownload, removeOwn } from "../../files/removal.ts";
import { isMissing } from "../../files/whole-file.ts";
import { isSilence, LEAST_BYTES_PER_SECOND, LONGEST_WAIT_MS, retryAfterMs, SILENCE_MS } from "./lease.ts";
import type { HubFetch } from "./network.ts";

/** A file to fetch. */
export interface FileDownload {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Where it goes once it is whole; before, `.incomplete` is at its end, as Hugging Face's own tools have it. The folder is there.
   */
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256, or SHA-1 of git's blob, by its length. */
  readonly hash: string;
  readonly fetch: HubFetch;
  /** An error for a status that waiting does not help. */
  readonly refused: (status: number) => ModelError;
}

/** How patient a download is. */
export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Called with the bytes that are there, the first ones from an earlier time included. */
  readonly onBytes: (doneBytes: number) => void;
  /** Waits between tries, as long as none brings anything. Default: about a minute in all. */
  readonly backoffMs?: readonly number[];
  /** The longest wait that a server may ask for. */
  readonly longestWaitMs?: number;
}

/** End of the name of a file that is not whole. */
export const PARTIAL = ".incomplete";

/**
 * Fetches a file, unless it is there. A try that fails midway is followed by one from where it stopped.
 * @throws ModelError "network" when it cannot be had, "storage" when it cannot be written; what the signal aborts with
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
    // What an earlier time left may be of another file: once more from the start.
    if (!(await isIntact(partial, file.hash))) {
      await removePartial(partial);
      await fetchAll(file, partial, options);
      if (!(await isIntact(partial, file.hash))) {
        await removePartial(partial);
        throw new ModelError(
          "network",
          `${nameOf(file)} arrived damaged twice: its checksum is not the one that the hub gives. Something on the way changes it; try another network or mirror.`,
        );
      }
    }
  } catch (error) {
    // Nothing to go on from.
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
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), digest);
  return digest.digest("hex") === hash.toLowerCase();
}

/** A file's size; undefined when there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const BACKOFF_MS = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000];
/** Statuses that a later try may not meet. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** A try that brings less has brought nothing: a server could go on like that for years. */
const LEAST_BYTES = (LEAST_BYTES_PER_SECOND * SILENCE_MS) / 1000;

async function removePartial(partial: string): Promise<void> {
  await removeOwn(partial, dirname(partial), isPartialDownload);
}

/** Makes the partial file as large as the whole. */
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
    const useful = after - before >= LEAST_BYTES;
    idle = useful ? 0 : idle + 1;
    if (useful) waitedMs = 0;
    const pause = backoffMs[Math.max(idle - 1, 0)];
    // Who was silent all the time has had all the time there is.
    if (pause === undefined || !failure.passing || (isSilence(failure.error) && !useful)) throw failure.error;
    const pauseMs = Math.min(Math.max(pause, failure.afterMs ?? 0), longestWaitMs);
    waitedMs += pauseMs;
    if (waitedMs > longestWaitMs) throw failure.error;
    await wait(pauseMs, undefined, { signal });
  }
}

/** Why a try did not bring everything. */
interface Failure {
  readonly error: ModelError;
  /** Whether another try may do better. */
  readonly passing: boolean;
  /** What the server asked to wait. */
  readonly afterMs?: number;
}

/** One request for what is missing. */
async function fetchRest(
  file: FileDownload,
  partial: string,
  from: number,
  { signal, onBytes }: DownloadOptions,
): Promise<Failure> {
  const { url, fetch, headers, sizeBytes } = file;
  const start = from < sizeBytes ? from : 0; // larger than the whole: of another file
  const name = nameOf(file);
  try {
    const range = start === 0 ? {} : { range: `bytes=${start}-` };
    // As it is, byte for byte: a coding would make ranges and sizes those of something else.
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
    const whole = status === 206 ? Number(total) : Number(answer.headers.get("content-length") ?? sizeBytes);
    if (whole !== sizeBytes || (status === 206 && !resumed)) {
      answer.discard();
      const what = `${name} should have ${sizeBytes} bytes, and the server offers ${whole}`;
      return { error: new ModelError("network", `${what}. Try again, or another mirror.`), passing: status === 206 };
    }
    if (!(await writeFrom(partial, resumed ? start : 0, sizeBytes, body, onBytes))) {
      await removePartial(partial);
      const words = `${name} should have ${sizeBytes} bytes, and the server sends more. Nothing of it is kept: try another mirror.`;
      return { error: new ModelError("network", words), passing: false };
    }
    return {
      error: new ModelError("network", `The connection ended before ${name} was whole. Try again.`),
      passing: true,
    };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ModelError) return { error, passing: error.code === "network" && isConnection(error) };
    const words = `The connection broke while ${name} was fetched (${reason(error)}). What has arrived is kept: try again to go on.`;
    return { error: new ModelError("network", words, { cause: error }), passing: true };
  }
}

/**
 * Writes a body at a position, no further than the whole; what is behind the position is cut off first.
 * @returns false when the body goes on behind the whole
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
      // The server need not end it, and is not waited for.
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

/** Whether the connection failed, rather than somebody answering in the hub's place. */
function isConnection({ cause }: ModelError): boolean {
  return cause !== undefined;
}
