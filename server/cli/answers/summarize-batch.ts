/** `spanfill summarize --batch`: a line of JSON for each of many files, computed here or on a Ray cluster. */
import type { Command } from "commander";
import { defined } from "../../../base/defined.ts";
import type { BatchOptionsOfModel } from "../../batch/asked.ts";
import type { BatchReport } from "../../batch/batch.ts";
import { type CommandResult, UsageError, type Work } from "../../command-work.ts";
import type { ModelOptions, OpenModel } from "../../open-model.ts";
import { printJson, printNote } from "../../output.ts";
import { EXIT } from "../terminal.ts";

/** Options of a batch. */
export interface BatchFlags {
  readonly batch?: readonly string[];
  readonly out?: string;
  readonly on?: string;
}

/** Adds --batch, --out and --on. */
export function withBatchOptions(command: Command): Command {
  return command
    .option(
      "--batch <files...>",
      "many files, and the prose in folders: a line of JSON for each, in order, failures too",
    )
    .option("-o, --out <file>", "of a batch: a file for the lines; what it has already is not computed again")
    .option("--on <cluster>", "of a batch: a Ray cluster that has the same spanfill, ray://HOST (docs/cluster.md)");
}

/** Refuses options that do not go together. @throws UsageError */
export function checkBatch(
  {
    batch,
    out,
    on,
    device,
    adapter,
    language,
  }: BatchFlags & Pick<ModelOptions, "device" | "adapter"> & { readonly language?: string },
  file: string | undefined,
): void {
  if (batch === undefined) {
    const [alone] = [out !== undefined ? "--out" : undefined, on !== undefined ? "--on" : undefined].filter(Boolean);
    if (alone !== undefined) throw new UsageError(`${alone} belongs to --batch. Name the files after --batch.`);
    return;
  }
  if (file !== undefined) throw new UsageError(`Name all files after --batch, also ${file}.`);
  if (language !== undefined)
    throw new UsageError("--language applies to a single text; files are read by their names. Leave it out.");
  if (on === undefined) return;
  if (!/^ray(\+https)?:/.test(on)) throw new UsageError(`--on ${on} is not a cluster. Give ray://HOST.`);
  if (device !== undefined && device !== "cpu" && device !== "auto")
    throw new UsageError("A cluster's machines answer on their CPUs. Leave --device out.");
  if (adapter !== undefined)
    throw new UsageError(
      "A cluster takes whole models only. Leave --adapter out, or import it merged (models import).",
    );
}

/** Answers the files, and says how many. */
export async function summarizeBatch(
  { batch = [], out, on }: BatchFlags,
  options: BatchOptionsOfModel,
  model: ModelOptions,
  { signal, progress }: Work,
): Promise<CommandResult> {
  const [{ namedParts, openModel }, { askedSum, modelFiles }, { runBatch }] = await Promise.all([
    import("../../open-model.ts"),
    import("../../batch/asked.ts"),
    import("../../batch/batch.ts"),
  ]);
  const { directory, adapter } = namedParts(model);
  const files = await modelFiles(directory);
  const beside = adapter === undefined ? [] : (await modelFiles(adapter)).paths;
  const asked = await askedSum({ ...files, paths: [...files.paths, ...beside] }, options);
  let opened: OpenModel | undefined;
  try {
    const answering = async () => {
      if (on === undefined) {
        const { answeringHere } = await import("../../batch/here.ts");
        const load = async () => {
          opened = await openModel(model);
          return opened.model;
        };
        return answeringHere(load, asked, options);
      }
      const [{ answeringOnRay }, { listBuiltin }] = await Promise.all([
        import("../../batch/on-ray.ts"),
        import("../../catalog/installed.ts"),
      ]);
      const builtIn = listBuiltin().find((each) => each.directory === directory)?.id;
      const { threads = 1 } = model;
      const tell = (sentence: string) => printNote(`spanfill: ${sentence}`);
      return answeringOnRay({ address: on, asked, options, ...defined({ builtIn }), files, threads, tell });
    };
    const report = await runBatch({ named: batch, asked, ...defined({ out }) }, await answering(), {
      signal,
      onLine: (line) => (out === undefined ? printJson(line) : undefined),
      onProgress: (done, total) => progress("Summarizing", done, total),
    });
    return resultOf(report, out);
  } finally {
    await opened?.[Symbol.asyncDispose]();
  }
}

function resultOf(report: BatchReport, out: string | undefined): CommandResult {
  const { files, summarized, reused, failed, leftOut, partial } = report;
  if (partial) process.exitCode = EXIT.interrupted;
  else if (failed > 0) process.exitCode = EXIT.failed;
  const notes = [
    `${summarized} of ${files} files`,
    ...(reused === 0 ? [] : [`${reused} answered before`]),
    ...(failed === 0 ? [] : [`${failed} failed: their lines say why`]),
    ...(leftOut === 0 ? [] : [`${leftOut} left out`]),
    ...(partial ? [`stopped before the end${out === undefined ? "" : "; the same command goes on"}`] : []),
  ];
  return { text: "", json: { ...report, ...defined({ out }) }, notes };
}
