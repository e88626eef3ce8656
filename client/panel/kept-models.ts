/** The list of models as the server told it last, kept on disk: a panel shows it at once, while the server starts and looks again. */
import { mkdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExtensionContext } from "vscode";
import type { ModelList } from "../../protocol/panel.ts";

/** JSON of `SavedList`, read or written last. */
let lastJson: string | undefined;

/** A list of another version of the extension may look otherwise. */
interface SavedList {
  readonly version: string;
  readonly list: ModelList;
}

/** The list's JSON; undefined where none is kept. */
export function keptModels(extension: ExtensionContext): string | undefined {
  try {
    lastJson ??= readFileSync(listFile(extension), "utf8");
    const { version, list } = JSON.parse(lastJson) as SavedList;
    return version === extension.extension.packageJSON.version ? JSON.stringify(list) : undefined;
  } catch {
    return undefined; // none yet, or half of one: the server's own comes soon
  }
}

/** Keeps a list, without what is under way. */
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
