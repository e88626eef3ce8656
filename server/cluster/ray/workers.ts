/** Workers of a Ray cluster: a job that is submitted with its data, followed by its log, and asked for its files. */
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import { sizeInWords } from "../../../base/figures.ts";
import { ModelError } from "../../../models/errors.ts";
import { readRegularText } from "../../files/regular-file.ts";
import { writeAtomically } from "../../files/whole-file.ts";
import type { WorkerFile, Workers } from "../workers.ts";
import type { RayClient } from "./client.ts";
import { followJob } from "./follow.ts";
import { sizeOf, smallFile, storeParts, storeProgram } from "./packages.ts";
import type { ZipEntry } from "./zip.ts";

/** A job on a cluster. */
export interface RayOptions {
  readonly client: RayClient;
  readonly workers: number;
  readonly threads: number;
  /** A folder that all of the cluster's machines share. */
  readonly storage: string;
  /** The folder of the run's state, where the job's id is kept. */
  readonly state: string;
  readonly job: string;
  /** Files in the job's folder. */
  readonly small: readonly string[];
  readonly weights: string;
  readonly examples: number;
}

/** Largest part of a file that comes back in one log. */
const FETCHED_BYTES = 24 * 1024 * 1024;
/** Seconds in which a stopped job may save. */
const STOP_SECONDS = 60;

const recordSchema = z.object({ id: z.string().regex(/^[0-9a-f]{12}$/), attempt: z.int(), storage: z.string() });

/** Returns the workers of a job; a run that goes on finds the job that it has begun. */
export async function rayWorkers(options: RayOptions): Promise<Workers> {
  const { client, state, job, weights } = options;
  const version = await client.version();
  const known = await readRecord(state);
  const record = known ?? { id: randomBytes(6).toString("hex"), attempt: 0, storage: options.storage };
  const out = `${record.storage.replace(/(?<!\/)\/+$/, "")}/${record.id}`;
  const size = await sizeOf([join(job, weights)]);
  const nameOf = (attempt: number, what = "train") => `spanfill-${record.id}-${what}-${attempt}`;
  let { attempt } = record;
  const runAction = async (what: string, entrypoint: string, onEvent: (event: unknown) => void) => {
    const id = `${nameOf(attempt, what)}-${randomBytes(3).toString("hex")}`;
    await client.submit({ submission_id: id, entrypoint, runtime_env: { working_dir: await storeProgram(client) } });
    await followJob(client, id, onEvent);
    await client.forget(id);
  };
  return {
    leaves: `Sent to ${client.host} (Ray ${version}${client.encrypted ? "" : ", not encrypted"}): ${options.examples} examples as token ids, which its vocabulary turns back into the text, and the base model (${sizeInWords(size)}). They stay there until the run has ended.`,
    async run(onEvent, stop) {
      const running = attempt > 0 ? await client.status(nameOf(attempt)) : undefined;
      if (running === undefined || !["PENDING", "RUNNING"].includes(running.status)) {
        attempt += 1;
        const runtime_env = await upload(options);
        await writeRecord(state, { ...record, attempt });
        const entrypoint = `python -m spanfill_cluster.on_ray train ${quoted(out)} ${options.workers}`;
        await client.submit({ submission_id: nameOf(attempt), entrypoint, runtime_env });
      }
      await followJob(client, nameOf(attempt), onEvent, stop);
    },
    async fetch(file: WorkerFile, to) {
      await writeAtomically(to, async (handle) => {
        const whole = createHash("sha256");
        for (let begin = 0; begin < file.bytes; begin += FETCHED_BYTES) {
          const end = Math.min(file.bytes, begin + FETCHED_BYTES);
          const command = `python -m spanfill_cluster.on_ray fetch ${quoted(`${out}/${file.path}`)} ${begin} ${end}`;
          for (const bytes of await received((onEvent) => runAction("fetch", command, onEvent))) {
            whole.update(bytes);
            await handle.writeFile(bytes);
          }
        }
        if (whole.digest("hex") !== file.sha256) throw damaged(client, file.path);
      });
    },
    async remove() {
      await runAction("remove", `python -m spanfill_cluster.on_ray remove ${quoted(out)}`, () => undefined);
      for (let i = 1; i <= attempt; i += 1) await client.forget(nameOf(i));
      await client.dispose();
    },
  };
}

/** Sends the job, its small files and the weights in packages that the cluster unpacks for each worker. */
async function upload({ client, threads, job, small, weights }: RayOptions) {
  const files = await Promise.all(
    small.map(async (name): Promise<ZipEntry> => ({ name: `job/${name}`, content: await smallFile(join(job, name)) })),
  );
  const py_modules = await storeParts(client, [join(job, weights)]);
  const described = { name: "job/parts.json", content: Buffer.from(JSON.stringify({ parts: py_modules.length })) };
  const working_dir = await storeProgram(client, [...files, described]);
  const env_vars = {
    SPANFILL_THREADS: String(threads),
    RAY_JOB_STOP_WAIT_TIME_S: String(STOP_SECONDS),
    RAY_USAGE_STATS_ENABLED: "0",
  };
  return { working_dir, py_modules, env_vars };
}

const partSchema = z.union([z.object({ bytes: z.base64() }), z.object({ sha256: z.string() })]);

/** The bytes that a job prints, checked by its sum. */
async function received(run: (onEvent: (event: unknown) => void) => Promise<void>): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  const hash = createHash("sha256");
  let sum: string | undefined;
  await run((event) => {
    const part = partSchema.safeParse(event).data;
    if (part === undefined) return;
    if ("sha256" in part) sum = part.sha256;
    else parts.push(Buffer.from(part.bytes, "base64"));
  });
  for (const part of parts) hash.update(part);
  if (hash.digest("hex") === sum) return parts;
  throw new ModelError("network", "The cluster sent a part of the model that was damaged on the way. Resume the run.");
}

function damaged({ host }: RayClient, path: string): ModelError {
  return new ModelError(
    "network",
    `${path} from ${host} is not what training wrote. Resume the run to fetch it again.`,
  );
}

/** A path for the cluster's shell; a leading ~ stays one. */
function quoted(path: string): string {
  const [, home = "", rest = path] = /^(~\/)(.*)$/s.exec(path) ?? [];
  return `${home}'${rest.replaceAll("'", "'\\''")}'`;
}

async function readRecord(state: string): Promise<z.output<typeof recordSchema> | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readRegularText(join(state, RECORD))));
  } catch {
    return undefined; // the run begins
  }
}

async function writeRecord(state: string, record: z.output<typeof recordSchema>): Promise<void> {
  await writeAtomically(join(state, RECORD), (handle) => handle.writeFile(`${JSON.stringify(record)}\n`));
}

const RECORD = "ray.json";
