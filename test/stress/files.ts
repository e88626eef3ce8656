/** The trainer and the downloader killed at random instants: what they write in the end is whole. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../../models/random.ts";
import { built } from "../support/built.ts";
import { startHub } from "../support/hub-server.ts";
import { randomModelFolder } from "../support/models/random-model.ts";
import { checked, type Finding, none, type Part, type Scale } from "./part.ts";

/** The part of the trainer. */
export const trainerKills: Part = { name: "trainer", title: "Training killed at random", run: killTrainer };
/** The part of the downloader. */
export const downloadKills: Part = { name: "download", title: "Downloads killed at random", run: killDownload };

const TRAINING = "test/fixtures/upgrades/training";

async function killTrainer({ isLong, folder, env }: Scale): Promise<Finding[]> {
  const kills = isLong ? 50 : 15;
  const random = seededRandom(9);
  const place = join(folder, "training");
  cpSync(TRAINING, place, { recursive: true });
  const request = ["train", "--task", "summarize", "--data", "pairs.jsonl", "--base", "./base", "--threads", "1"];
  const args = [...request, "--epochs", "3", "--batch-size", "4", "--evaluate-every", "4", "--patience", "0"];
  const start = (list: readonly string[]) => cli(list, { ...env }, place);
  const began = performance.now();
  await ended(start([...args, "--out", "whole"]));
  const took = performance.now() - began;
  const expected = sumOf(join(place, "whole", "model.safetensors"));
  let [killed, runs, different] = [0, 0, 0];
  while (killed < kills) {
    runs += 1;
    const out = `run-${runs}`;
    for (let code: number | null = null; code !== 0; ) {
      const isBegun = existsSync(join(place, out, ".training"));
      const child = start(isBegun ? ["train", "--resume", out] : [...args, "--out", out]);
      const timer = killed < kills ? setTimeout(() => child.kill("SIGKILL"), took * (0.2 + 0.5 * random())) : undefined;
      code = await ended(child);
      clearTimeout(timer);
      if (code === null) killed += 1;
      else if (code !== 0) return [checked("resuming after a kill", `exit code ${code}`, "0", false)];
    }
    if (sumOf(join(place, out, "model.safetensors")) !== expected) different += 1;
  }
  const left = readdirSync(place).flatMap((name) => (name.startsWith("run-") ? temporaryIn(join(place, name)) : []));
  return [
    { what: "kills, runs that ended", figure: `${killed}, ${runs}` },
    none("runs with other weights than the run that nobody killed", different),
    none("temporary files left", left.length),
  ];
}

async function killDownload({ isLong, folder, env }: Scale): Promise<Finding[]> {
  const kills = isLong ? 50 : 15;
  const random = seededRandom(10);
  const model = randomModelFolder({ width: 256, layers: 4 });
  const files = Object.fromEntries(
    readdirSync(model.directory).map((name) => [name, readFileSync(join(model.directory, name))]),
  );
  model.dispose();
  await using hub = await startHub({ "x/y": files });
  hub.bytesPerSecond = 8_000_000;
  let [killed, downloads, damaged, different] = [0, 0, 0, 0];
  while (killed < kills) {
    downloads += 1;
    const home = join(folder, `hub-${downloads}`);
    const variables = { ...env, HF_HOME: home, HF_ENDPOINT: hub.endpoint };
    for (let code: number | null = null; code !== 0; ) {
      const child = cli(["models", "get", "x/y"], variables, folder);
      const timer = killed < kills ? setTimeout(() => child.kill("SIGKILL"), 300 + 1500 * random()) : undefined;
      code = await ended(child);
      clearTimeout(timer);
      if (code === null) killed += 1;
      else if (code !== 0) return [checked("resuming after a kill", `exit code ${code}`, "0", false)];
      damaged += wrongBlobs(join(home, "hub", "models--x--y", "blobs"));
    }
    const snapshots = join(home, "hub", "models--x--y", "snapshots");
    const snapshot = join(snapshots, readdirSync(snapshots)[0] ?? "");
    for (const [name, content] of Object.entries(files))
      if (!readFileSync(join(snapshot, name)).equals(content)) different += 1;
  }
  return [
    { what: "kills, downloads that ended", figure: `${killed}, ${downloads}` },
    none("files under their final name that are not whole", damaged),
    none("files that differ in the end", different),
  ];
}

/** Files of the hub's folder whose name is not the hash of their content. */
function wrongBlobs(blobs: string): number {
  if (!existsSync(blobs)) return 0;
  return readdirSync(blobs).filter((name) => {
    const content = readFileSync(join(blobs, name));
    const git = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
    return !name.includes(".") && name !== git && name !== sumOf(join(blobs, name));
  }).length;
}

function temporaryIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.tmp$|lock$/.test(name));
}

function sumOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function cli(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): ChildProcess {
  return spawn(process.execPath, [built("cli.js"), ...args], { env, cwd, stdio: "ignore" });
}

/** Waits for a process's end. @returns its exit code; null if it was killed */
async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, "exit");
  await sleep(0);
  return code;
}
