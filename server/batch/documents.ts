/** The documents of a batch: files as they are named, and the prose of named folders. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ModelError } from "../../models/errors.ts";
import { readRegularFile } from "../files/regular-file.ts";
import { localFolder, PROSE_NAME, rulesAbove, walkFolder } from "../text/folder-files.ts";
import { checkText, decodeText, unreadable } from "../text/input.ts";
import { createPrivateFiles, holdsSecret } from "../text/private-files.ts";

/** The largest document of a batch. */
const MOST_BYTES = 32 * 1024 * 1024;

/** The files of a batch. */
export interface BatchFiles {
  /** Paths as they are named, in order, each once. */
  readonly files: readonly string[];
  /** Files of prose in the folders that ignore rules, their names or their kind leave out. */
  readonly leftOut: number;
}

/**
 * Finds the files. Those in folders are what a folder's digest has.
 * @throws ModelError "input" when there are none
 */
export async function batchFiles(named: readonly string[], signal: AbortSignal): Promise<BatchFiles> {
  const files = new Set<string>();
  let leftOut = 0;
  for (const path of named) {
    if (path === "-") throw new ModelError("input", "A batch takes files, not standard input. Name files or folders.");
    const isFolder = await stat(path).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    if (!isFolder) {
      files.add(path);
      continue;
    }
    const found = await walkFolder(localFolder(path), PROSE_NAME, await rulesAbove(resolve(path)), signal);
    for (const file of found.files) files.add(join(path, file));
    leftOut += found.leftOut.filter(({ why }) => why !== "not prose").length;
  }
  if (files.size === 0)
    throw new ModelError(
      "input",
      `There is no prose in ${named.join(", ")}. Name files, or folders of .md, .txt, .rst or .adoc files.`,
    );
  return { files: [...files], leftOut };
}

/** A document with its sum, or why it is not read. */
export type ReadDocument =
  | { readonly text: string; readonly bytes: Buffer; readonly sha256: string }
  | { readonly leftOut: string }
  | { readonly error: { readonly code: string; readonly message: string } };

/** Returns a reader of documents that leaves out what may hold secrets, and what `.spanfillignore` names. */
export function createDocumentReader(): (file: string) => Promise<ReadDocument> {
  const files = createPrivateFiles();
  return async (file) => {
    const leftOut = await files.why(resolve(file));
    if (leftOut !== undefined) return { leftOut };
    try {
      const bytes = await readRegularFile(file, MOST_BYTES);
      if (bytes === undefined) return failure("input", `${file} is larger than ${MOST_BYTES >> 20} MB.`);
      const text = decodeText(bytes, file);
      checkText(text, "summarize");
      if (holdsSecret(text)) return { leftOut: "it holds what looks like a key or a token" };
      return { text, bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
    } catch (error) {
      const { code, message } = error instanceof ModelError ? error : unreadable(file, error);
      return failure(code, message);
    }
  };
}

function failure(code: string, message: string): ReadDocument {
  return { error: { code, message } };
}
