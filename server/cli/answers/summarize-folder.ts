/** `spanfill summarize DIR`: a digest of a folder, in Markdown. */
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { percentDone } from "../../../base/figures.ts";
import { ModelError } from "../../../models/errors.ts";
import type { CommandResult, Work } from "../../command-work.ts";
import type { FolderDigestParams } from "../../features/read/folder-digest.ts";
import type { ModelOptions } from "../../open-model.ts";
import { EXIT } from "../terminal.ts";

/** Whether a path names a folder. */
export async function isFolder(path: string | undefined): Promise<boolean> {
  if (path === undefined || path === "-") return false;
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

/** Prints the digest. If Ctrl+C stops it, the finished part is printed, with the exit code for an interruption. */
export async function summarizeFolder(
  directory: string,
  params: Pick<FolderDigestParams, "settings" | "style" | "maxWords">,
  options: ModelOptions,
  { signal, progress }: Work,
): Promise<CommandResult> {
  const [{ openModel }, { folderDigest }, { localFolder, rulesAbove }, { createSummaryCache }] = await Promise.all([
    import("../../open-model.ts"),
    import("../../features/read/folder-digest.ts"),
    import("../../text/folder-files.ts"),
    import("../../features/read/summary-cache.ts"),
  ]);
  await using opened = await openModel(options);
  const path = resolve(directory);
  const { markdown, ...made } = await folderDigest(
    // What is remembered is gone with the process: one model is as good as another.
    { model: async () => opened.model, identity: "", cache: createSummaryCache() },
    { name: basename(path) || path, source: localFolder(path), above: await rulesAbove(path), ...params },
    { signal, onProgress: ({ done, total }) => progress("Summarizing", done, total) },
  );
  if (made.files.found === 0 && !made.partial) {
    const left = made.leftOut.length === 0 ? "" : ` (${made.leftOut.length} files are left out)`;
    throw new ModelError(
      "input",
      `${directory} holds no prose to summarize${left}. Name a folder of .md, .txt, .rst or .adoc files.`,
    );
  }
  if (made.partial) process.exitCode = EXIT.interrupted;
  const notes = [
    `${made.files.summarized} of ${made.files.found} files`,
    `${percentDone(made.coverage)} of their text read`,
    ...(made.leftOut.length === 0 ? [] : [`${made.leftOut.length} left out`]),
    ...(made.partial ? ["stopped before the end"] : []),
  ];
  return { text: markdown, isAnswer: true, json: { markdown, ...made }, notes };
}
