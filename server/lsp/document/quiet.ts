/** Decides whether Spanfill acts in a document without being asked. */
import type { Settings } from "../../../protocol/settings.ts";
import { isWithin, pathWithin, uriWithin } from "../../features/read/link-target.ts";
import { fileBehind, localPath } from "../../text/file-behind.ts";
import { isEnabled, MOST_IGNORE_BYTES, whySecret } from "../../text/private-files.ts";
import type { Services } from "../services.ts";

/**
 * The reason not to act unasked in a document: the setting `enable`, or that the file is private. For a cell, an old
 * version or another view of a file, the file decides.
 */
export async function whyQuiet(
  { client, privateFiles, t }: Services,
  uri: string,
  settings: Settings,
): Promise<string | undefined> {
  const file = fileBehind(uri);
  const path = localPath(file);
  const isLocal = path !== undefined && file.startsWith("file:");
  const mayDiffer = Object.keys(settings.enable).length > 0 || !isLocal;
  const folder = mayDiffer ? (await client.workspaceFolders()).find((root) => isWithin(file, root)) : undefined;
  const within = pathWithin(file, folder);
  if (!isEnabled(settings.enable, within)) return t("spanfill.enable switches it off here");
  // A path of another kind may also be a path on this machine, such as the old side of a comparison.
  const reason = path === undefined ? undefined : await privateFiles.why(path);
  if (reason !== undefined || isLocal) return reason;
  if (folder !== undefined)
    return privateFiles.whyWithin(folder, within, (inner) =>
      client.readFile(uriWithin(folder, inner), MOST_IGNORE_BYTES),
    );
  return whySecret(within, t);
}
