/** Documents of a batch, answered by a Ray cluster that has this same `spanfill`. */
import { basename } from "node:path";
import { ModelError } from "../../models/errors.ts";
import { connectionOf, createRayClient } from "../cluster/ray/client.ts";
import { leavesForTasks, runTasks, type SentDocument } from "../cluster/ray/tasks.ts";
import type { BatchOptionsOfModel, ModelFiles } from "./asked.ts";
import type { Answering, Task } from "./batch.ts";
import { CHANGED } from "./here.ts";
import { batchLine } from "./lines.ts";

/** A cluster, and the question that it gets. */
export interface OnRay {
  /** ray://HOST */
  readonly address: string;
  readonly asked: string;
  readonly options: BatchOptionsOfModel;
  /** The id of a model that ships, which every `spanfill` has. */
  readonly builtIn?: string;
  readonly files: ModelFiles;
  readonly threads: number;
  /** Says what leaves this machine, before it does. */
  readonly tell: (sentence: string) => void;
}

/** Returns the means that ask a cluster. @throws ModelError "input" for an address that is none */
export async function answeringOnRay({
  address,
  asked,
  options,
  builtIn,
  files,
  threads,
  tell,
}: OnRay): Promise<Answering> {
  const client = await createRayClient(connectionOf(address, process.env));
  const tasksOf = { client, options: flags(options), model: builtIn ?? files, threads };
  return async (tasks, { read, answer, signal }) => {
    try {
      const documents = new Map<number, { readonly task: Task; readonly sha256: string }>();
      let bytes = 0;
      for (const task of tasks) bytes += (await read(task))?.bytes.length ?? 0;
      tell(await leavesForTasks(tasksOf, { count: tasks.length, bytes }));
      const sent = async function* (): AsyncGenerator<SentDocument> {
        for (const task of tasks) {
          const document = await read(task);
          if (document === undefined) await answer(task, { file: task.file, error: CHANGED });
          else {
            documents.set(task.index, { task, sha256: document.sha256 });
            yield { index: task.index, name: basename(task.file), bytes: document.bytes };
          }
        }
      };
      const receive = async ({ index, line }: { readonly index: number; readonly line: object }) => {
        const document = documents.get(index);
        if (document === undefined) return;
        const { task, sha256 } = document;
        const given = batchLine({ ...line, file: task.file });
        if (given === undefined || (given.error === undefined && given.summary === undefined))
          throw notThis(client.host);
        if (given.asked !== undefined && given.asked !== asked) throw notThis(client.host);
        if (given.summary !== undefined && given.asked === undefined) throw notThis(client.host);
        await answer(task, { ...given, file: task.file, sha256, asked });
      };
      await runTasks(tasksOf, sent(), receive, signal);
    } finally {
      await client.dispose();
    }
  };
}

function flags({ style, precision, minimumConfidence, maxWords, maxContextTokens }: BatchOptionsOfModel): string[] {
  return [
    ...["--style", style, "--precision", precision, "--min-confidence", String(minimumConfidence)],
    ...(maxWords === undefined ? [] : ["--max-words", String(maxWords)]),
    ...(maxContextTokens === undefined ? [] : ["--max-context-tokens", String(maxContextTokens)]),
  ];
}

function notThis(host: string): ModelError {
  return new ModelError(
    "input",
    `The spanfill on ${host} is not this one: it has another version, or the model's files differ. Install the same package on the cluster's machines (npm install -g FILE.tgz).`,
  );
}
