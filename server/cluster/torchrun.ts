/** Processes of torchrun on this machine. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { reason } from "../../base/reason.ts";
import { ModelError } from "../../models/errors.ts";
import { copyRegularFile, regularFileChunks } from "../files/regular-file.ts";
import { beginsWith, removeOwn } from "../files/removal.ts";
import { writeAtomically } from "../files/whole-file.ts";
import { eventOf, LastWords, type WorkerFile, type Workers } from "./workers.ts";

/** How torchrun is started. */
export interface TorchrunOptions {
  /** The program's path, or its name, which is looked up as the system does. */
  readonly program: string;
  readonly processes: number;
  readonly threads: number;
  /** The job's folder, and the one that the processes write. */
  readonly job: string;
  readonly out: string;
}

/** The folder of the Python package, beside this bundle's. */
export function clusterPackage(): string {
  return fileURLToPath(new URL("../cluster/", import.meta.url));
}

/** Returns workers that torchrun starts when they are asked to run. */
export function torchrunWorkers({ program, processes, threads, job, out }: TorchrunOptions): Workers {
  const stopFile = join(out, "stop");
  return {
    leaves: `Trains by torchrun with ${processes} ${processes === 1 ? "process" : "processes"}: nothing leaves this machine.`,
    async run(onEvent, stop) {
      mkdirSync(out, { recursive: true });
      await removeOwn(stopFile, out, beginsWith(STOP));
      const order = () => void writeAtomically(stopFile, (handle) => handle.writeFile(STOP));
      if (stop.aborted) return;
      stop.addEventListener("abort", order, { once: true });
      try {
        await start(program, ["--standalone", `--nproc-per-node=${processes}`, ...PROGRAM, job, out], threads, onEvent);
      } finally {
        stop.removeEventListener("abort", order);
      }
    },
    async fetch({ path, sha256 }: WorkerFile, to) {
      const from = join(out, path);
      const hash = createHash("sha256");
      for await (const chunk of regularFileChunks(from)) hash.update(chunk);
      if (hash.digest("hex") !== sha256)
        throw new ModelError("checkpoint", `${from} is not what training wrote. Resume the run to write it again.`);
      await copyRegularFile(from, to);
    },
    remove: async () => undefined, // with the run's state, in whose folder all of it lies
  };
}

const STOP = "spanfill train asks these processes to save and end\n";
const PROGRAM = ["-m", "spanfill_cluster"];

/** @throws ModelError "process" */
async function start(
  program: string,
  args: readonly string[],
  threads: number,
  onEvent: (event: unknown) => void,
): Promise<void> {
  const words = new LastWords();
  const environment = {
    ...process.env,
    PYTHONPATH: [clusterPackage(), process.env["PYTHONPATH"] ?? ""].filter((path) => path !== "").join(PATHS_END),
    SPANFILL_THREADS: String(threads),
    OMP_NUM_THREADS: String(threads),
    // The processes end when this one does: an interrupt of the terminal reaches only this one.
    SPANFILL_PARENT: String(process.pid),
  };
  const child = spawn(program, args, {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    detached: process.platform !== "win32",
    windowsHide: true,
  });
  createInterface(child.stdout).on("line", (line) => {
    const event = eventOf(line);
    if (event === undefined) words.add(line);
    else onEvent(event);
  });
  createInterface(child.stderr).on("line", (line) => words.add(line));
  await new Promise<void>((resolve, reject) => {
    child.on("error", (cause) =>
      reject(
        new ModelError(
          "process",
          `${program} cannot be started (${reason(cause)}). Install PyTorch (pip install torch safetensors numpy), and name its program: --on torchrun:/path/to/torchrun.`,
          { cause },
        ),
      ),
    );
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          new ModelError(
            "process",
            `torchrun ended with ${signal ?? `code ${code}`}: ${words.reason}. Correct what it names; the run can be resumed.`,
          ),
        );
    });
  });
}

const PATHS_END = process.platform === "win32" ? ";" : ":";
