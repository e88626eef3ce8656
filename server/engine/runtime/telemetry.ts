/** Keeps ONNX Runtime, whose builds report to Microsoft unless told not to, from doing so; removes what it left behind before. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { removeOwnFileSync } from "../../files/removal.ts";

/**
 * Environment variables under which ONNX Runtime sends and records nothing. It reads them as its library is loaded.
 * The Linux and macOS builds send events unless ORT_DISABLE_TELEMETRY is set. The Windows build writes events to Event
 * Tracing for Windows and knows no such variable; it leaves that out where ORT_RUNNING_UNIT_TESTS is set, which does nothing else.
 * @see onnxruntime/core/platform/posix/telemetry.cc, windows/telemetry.cc, telemetry_environment.h
 */
export const NO_TELEMETRY = { ORT_DISABLE_TELEMETRY: "1", ORT_RUNNING_UNIT_TESTS: "1" } as const;

/**
 * Sets NO_TELEMETRY in this process, over any other values. Must be called before onnxruntime-node is loaded.
 * @throws Error in a worker thread whose process has not set them: a thread's process.env is a copy that native code does not see
 */
export function switchOffTelemetry(environment: NodeJS.ProcessEnv = process.env, ofProcess = isMainThread): void {
  const isOff = Object.entries(NO_TELEMETRY).every(([name, value]) => environment[name] === value);
  if (!ofProcess && !isOff) throw new Error("a worker thread cannot switch off its telemetry");
  Object.assign(environment, NO_TELEMETRY);
}

/**
 * Removes the empty logs and the session file that ONNX Runtime's telemetry left in the temporary folder before the first call
 * for this cache folder. Files that appeared later are another program's.
 * @returns how many files were removed
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
    return 0; // a folder that may only be read: nothing depends on it
  }
}

/** When this was first called for a cache folder; a file there remembers it. */
function firstCallMs(cacheFolder: string): number {
  const mark = join(cacheFolder, MARK);
  const known = lstatSync(mark, { throwIfNoEntry: false });
  if (known !== undefined) return known.mtimeMs;
  mkdirSync(cacheFolder, { recursive: true });
  writeFileSync(mark, "Logs of ONNX Runtime's telemetry that are older than this file are removed. See PRIVACY.md.\n");
  return lstatSync(mark).mtimeMs;
}

const MARK = "telemetry-off-since";
const LOG = /^mat-debug-(\d{1,7})\.log$/;
const SESSION = /^\d{13}\n[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/;
const SESSION_BYTES = 51;

/** Whether a file is this user's own, older than a time, and an empty log of a process that has ended or a session file to the letter. */
function isLeftover(folder: string, name: string, beforeMs: number): boolean {
  const pid = LOG.exec(name)?.[1];
  if (pid === undefined && name !== ".ses") return false;
  const path = join(folder, name);
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status?.isFile() || status.nlink !== 1 || status.uid !== process.getuid?.()) return false;
  if (status.mtimeMs >= beforeMs) return false;
  if (pid !== undefined) return status.size === 0 && !isRunning(Number(pid));
  return status.size === SESSION_BYTES && SESSION.test(readFileSync(path, "latin1"));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // another user's
  }
}
