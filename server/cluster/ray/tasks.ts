/** Documents that a Ray cluster summarizes: jobs whose tasks run `spanfill`, one job after another. */
import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import * as z from "zod";
import { sizeInWords } from "../../../base/figures.ts";
import { ModelError } from "../../../models/errors.ts";
import type { RayClient } from "./client.ts";
import { followJob } from "./follow.ts";
import { sizeOf, storeParts, storeProgram } from "./packages.ts";
import type { ZipEntry } from "./zip.ts";

/** A document that travels. */
export interface SentDocument {
  /** A number that its answer carries. */
  readonly index: number;
  /** The file's name without folders, which tells the format. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** How the cluster answers. */
export interface RayTasks {
  readonly client: RayClient;
  /** Options of `spanfill summarize`. */
  readonly options: readonly string[];
  /** The built-in model's id, or another model's name and files, which are sent. */
  readonly model: string | { readonly name: string; readonly paths: readonly string[] };
  /** Processors that a task takes. */
  readonly threads: number;
}

/** Most documents and bytes of one job. */
const MOST_DOCUMENTS = 2000;
const MOST_BYTES = 24 * 1024 * 1024;

const AGAIN = "Run the command again: what is answered already is kept in the file of --out.";

const answerSchema = z.object({ type: z.literal("answer"), index: z.int(), line: z.looseObject({}) });

/** A document's answer: a line as `spanfill summarize --batch` writes it there. */
export interface TaskAnswer {
  readonly index: number;
  readonly line: Readonly<Record<string, unknown>>;
}

/** A sentence on what leaves this machine. */
export async function leavesForTasks(
  { client, model }: RayTasks,
  documents: { readonly count: number; readonly bytes: number },
): Promise<string> {
  const version = await client.version();
  const sent =
    typeof model === "string" ? "" : `, and the model ${model.name} (${sizeInWords(await sizeOf(model.paths))})`;
  const { count, bytes } = documents;
  return `Sent to ${client.host} (Ray ${version}${client.encrypted ? "" : ", not encrypted"}): the text and file names of ${count} ${count === 1 ? "document" : "documents"} (${sizeInWords(bytes)})${sent}. Ray removes them some time after the job; its log files keep the summaries.`;
}

/**
 * Lets a cluster answer documents.
 * @param documents read one by one, as jobs are filled
 * @throws ModelError "process" when a job fails; "network" when the cluster is out of reach
 */
export async function runTasks(
  tasks: RayTasks,
  documents: AsyncIterable<SentDocument>,
  onAnswer: (answer: TaskAnswer) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { client, model } = tasks;
  const py_modules = typeof model === "string" ? [] : await storeParts(client, model.paths);
  let [job, bytes]: [SentDocument[], number] = [[], 0];
  for await (const document of documents) {
    if (signal.aborted) return;
    if (job.length === MOST_DOCUMENTS || (job.length > 0 && bytes + document.bytes.length > MOST_BYTES)) {
      await runJob(tasks, py_modules, job, onAnswer, signal);
      [job, bytes] = [[], 0];
    }
    job.push(document);
    bytes += document.bytes.length;
  }
  if (job.length > 0 && !signal.aborted) await runJob(tasks, py_modules, job, onAnswer, signal);
}

async function runJob(
  { client, model, options, threads }: RayTasks,
  py_modules: readonly string[],
  documents: readonly SentDocument[],
  onAnswer: (answer: TaskAnswer) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const described = {
    documents: documents.map(({ index, name }) => ({ index, name })),
    options,
    threads,
    model: typeof model === "string" ? { id: model } : await sentModel(model, py_modules.length),
  };
  const files: ZipEntry[] = [
    { name: "job/batch.json", content: Buffer.from(JSON.stringify(described)) },
    ...documents.map(({ index, name, bytes }) => ({ name: `job/documents/${index}/${name}`, content: bytes })),
  ];
  const env_vars = { RAY_USAGE_STATS_ENABLED: "0" };
  // Ray takes no empty list.
  const modules = py_modules.length > 0 ? { py_modules } : {};
  const runtime_env = { working_dir: await storeProgram(client, files), ...modules, env_vars };
  const id = `spanfill-batch-${randomBytes(6).toString("hex")}`;
  const waiting = new Set(documents.map(({ index }) => index));
  await client.submit({ submission_id: id, entrypoint: "python -m spanfill_cluster.batch", runtime_env });
  let writing = Promise.resolve();
  const onEvent = (event: unknown) => {
    const answer = answerSchema.safeParse(event).data;
    // One that was not asked for, or comes twice, says nothing.
    if (answer !== undefined && waiting.delete(answer.index)) writing = writing.then(() => onAnswer(answer));
    writing.catch(() => undefined); // thrown below
  };
  try {
    await followJob(client, id, onEvent, signal, AGAIN);
  } finally {
    await writing;
  }
  if (waiting.size > 0 && !signal.aborted)
    throw new ModelError("process", `The job ${id} on ${client.host} ended without ${waiting.size} answers. ${AGAIN}`);
  await client.forget(id);
}

async function sentModel({ name, paths }: { readonly name: string; readonly paths: readonly string[] }, parts: number) {
  const files = await Promise.all(paths.map(async (path) => ({ name: basename(path), bytes: await sizeOf([path]) })));
  return { name, files, parts };
}
