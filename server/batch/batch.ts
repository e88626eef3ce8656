/** Answers to many files: each read, checked and answered once, by the means that the caller gives, in their order. */

import { batchFiles, createDocumentReader } from "./documents.ts";
import type { BatchLine } from "./lines.ts";
import { answerKey, createBatchFile, earlierAnswers } from "./lines.ts";

/** A document that is still to be answered. */
export interface Task {
  /** Its place among the files. */
  readonly index: number;
  readonly file: string;
}

/** The content of a document as it is read for its answer. */
export interface TaskText {
  readonly text: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** Means that answer documents: this process, or a cluster. */
export type Answering = (
  tasks: readonly Task[],
  work: {
    /** Reads a document anew; undefined when it is no longer what it was. */
    readonly read: (task: Task) => Promise<TaskText | undefined>;
    readonly answer: (task: Task, line: BatchLine) => Promise<void>;
    readonly signal: AbortSignal;
  },
) => Promise<void>;

/** A batch to answer. */
export interface BatchRequest {
  readonly named: readonly string[];
  /** The sum of program, model and options. */
  readonly asked: string;
  /** A file of lines, which an earlier run may have begun. */
  readonly out?: string;
}

/** How a batch went, in numbers of files. */
export interface BatchReport {
  readonly files: number;
  readonly summarized: number;
  /** Summaries that an earlier run has made, among all. */
  readonly reused: number;
  readonly failed: number;
  readonly leftOut: number;
  /** Whether the signal stopped it. */
  readonly partial: boolean;
}

/** Receives lines and progress. */
export interface BatchOptions {
  readonly signal: AbortSignal;
  /** Receives the lines in the order of the files, each as soon as those before it are there. */
  readonly onLine: (line: BatchLine) => void;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Answers a batch.
 * @throws ModelError for files that are not there as a whole, and what `answering` throws; lines that were written stay
 */
export async function runBatch(
  { named, asked, out }: BatchRequest,
  answering: Answering,
  { signal, onLine, onProgress }: BatchOptions,
): Promise<BatchReport> {
  const { files, leftOut: passedOver } = await batchFiles(named, signal);
  const earlier = out === undefined ? new Map<string, BatchLine>() : await earlierAnswers(out);
  const readDocument = createDocumentReader();
  const lines: (BatchLine | undefined)[] = [];
  const tasks: Task[] = [];
  for (const [index, file] of files.entries()) {
    if (signal.aborted) break;
    const read = await readDocument(file);
    const known = "text" in read ? earlier.get(answerKey(file, read.sha256, asked)) : { file, ...read };
    lines[index] = known && { ...known, file };
    if (known === undefined) tasks.push({ index, file });
  }
  const reused = lines.filter((line) => line?.summary !== undefined).length;
  const kept =
    out === undefined
      ? undefined
      : await createBatchFile(
          out,
          lines.filter((line) => line !== undefined),
        );
  let told = 0;
  const tell = () => {
    for (let line = lines[told]; line !== undefined; line = lines[told]) {
      told += 1;
      onLine(line);
    }
    onProgress(lines.filter((line) => line !== undefined).length, files.length);
  };
  tell();
  const answer = async ({ index }: Task, line: BatchLine) => {
    lines[index] = line;
    await kept?.add(line);
    tell();
  };
  const read = async ({ file }: Task) => {
    const document = await readDocument(file);
    return "text" in document ? document : undefined;
  };
  if (tasks.length > 0 && !signal.aborted) await answering(tasks, { read, answer, signal });
  const answered = lines.filter((line) => line !== undefined);
  await kept?.complete(answered);
  const count = (has: (line: BatchLine) => unknown) => answered.filter((line) => has(line) !== undefined).length;
  const [summarized, failed] = [count(({ summary }) => summary), count(({ error }) => error)];
  const leftOut = passedOver + count(({ leftOut: why }) => why);
  return { files: files.length, summarized, reused, failed, leftOut, partial: answered.length < files.length };
}
