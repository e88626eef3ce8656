/** The latest list of models on disk, which a panel shows immediately while the server starts and checks again. */
import { mkdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExtensionContext } from "vscode";
import type { ModelList } from "../../protocol/panel/models.ts";

/** JSON of `Kept` that was read or written last. */
let lastJson: string | undefined;

/** A stored list; another version of the extension may have another format. */
interface SavedList {
  readonly version: string;
  readonly list: ModelList;
}

/** The list's JSON; undefined if none is stored. */
export function keptModels(extension: ExtensionContext): string | undefined {
  try {
    lastJson ??= readFileSync(listFile(extension), "utf8");
    const { version, list } = JSON.parse(lastJson) as SavedList;
    return version === extension.extension.packageJSON.version ? JSON.stringify(list) : undefined;
  } catch {
    return undefined; // no complete list; the server's own comes soon
  }
}

/** Stores a list, without the jobs in progress. */
export async function keepModels(extension: ExtensionContext, list: ModelList): Promise<void> {
  const saved = { version: extension.extension.packageJSON.version, list: { ...list, jobs: [] } } satisfies SavedList;
  const json = JSON.stringify(saved);
  if (json === lastJson) return;
  lastJson = json;
  mkdirSync(extension.globalStorageUri.fsPath, { recursive: true });
  await writeFile(listFile(extension), json);
}

function listFile(extension: ExtensionContext): string {
  return join(extension.globalStorageUri.fsPath, "models.json");
}
