/**
 * Switches off ONNX Runtime's telemetry, which reports to Microsoft by default, and removes files that it left
 * behind.
 */
import { lstatSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { createFolder } from "../../files/create-folder.ts";
import { readRegularTextSync } from "../../files/regular-file.ts";
import { removeOwnFileSync } from "../../files/removal.ts";

/**
 * Environment variables that make ONNX Runtime send and record nothing. It reads them when its library is loaded. The
 * Linux and macOS builds send events unless ORT_DISABLE_TELEMETRY is set. The Windows build writes events to Event
 * Tracing for Windows and has no such variable; it omits them if ORT_RUNNING_UNIT_TESTS is set, which has no other
 * effect.
 * @see onnxruntime/core/platform/posix/telemetry.cc, windows/telemetry.cc, telemetry_environment.h
 */
export const NO_TELEMETRY = { ORT_DISABLE_TELEMETRY: "1", ORT_RUNNING_UNIT_TESTS: "1" } as const;

/**
 * Sets NO_TELEMETRY in this process, over any other values. Must be called before onnxruntime-node is loaded.
 * @throws Error in a worker thread whose process has not set them: native code does not see a thread's copy of
 * process.env
 */
export function switchOffTelemetry(environment: NodeJS.ProcessEnv = process.env, ofProcess = isMainThread): void {
  const isOff = Object.entries(NO_TELEMETRY).every(([name, value]) => environment[name] === value);
  if (!ofProcess && !isOff) throw new Error("a worker thread cannot switch off its telemetry");
  Object.assign(environment, NO_TELEMETRY);
}

/**
 * Removes the empty logs and the session file that ONNX Runtime's telemetry left in the temporary folder before the
 * first call for this cache folder. Later files belong to other programs.
 * @returns the number of files removed
 */
export function removeTelemetryLogs(cacheFolder: string, temporaryFolder: string = tmpdir()): number {
  if (process.getuid === undefined) return 0; // the Windows build leaves no files
  try {
    const beforeMs = firstCallMs(cacheFolder);
    const removed = readdirSync(temporaryFolder).filter((name) =>
      removeOwnFileSync(join(temporaryFolder, name), () => isLeftover(temporaryFolder, name, beforeMs)),
    );
    return removed.length;
  } catch {
    return 0; // a read-only folder; nothing depends on it
  }
}

/** The time of the first call for a cache folder, which a file there records. */
function firstCallMs(cacheFolder: string): number {
  const mark = join(cacheFolder, MARK);
  const existing = lstatSync(mark, { throwIfNoEntry: false });
  if (existing !== undefined) return existing.mtimeMs;
  createFolder(cacheFolder);
  writeFileSync(mark, "ONNX Runtime's logs from before this file are removed. See TELEMETRY.md.\n");
  return lstatSync(mark).mtimeMs;
}

const MARK = "telemetry-off-since";
const LOG = /^mat-debug-(\d{1,7})\.log$/;
const SESSION = /^\d{13}\n[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/;
const SESSION_BYTES = 51;

/**
 * Whether a file belongs to this user, is older than a time, and is an empty log of an ended process or exactly a
 * session file.
 */
function isLeftover(folder: string, name: string, beforeMs: number): boolean {
  const pid = LOG.exec(name)?.[1];
  if (pid === undefined && name !== ".ses") return false;
  const path = join(folder, name);
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status?.isFile() || status.nlink !== 1 || status.uid !== process.getuid?.()) return false;
  if (status.mtimeMs >= beforeMs) return false;
  if (pid !== undefined) return status.size === 0 && !isRunning(Number(pid));
  return status.size === SESSION_BYTES && SESSION.test(readRegularTextSync(path));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // another user's process
  }
}
