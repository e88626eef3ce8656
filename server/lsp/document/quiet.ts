/** Decides whether Spanfill acts in a document without being asked. */
import type { Settings } from "../../../protocol/settings.ts";
import { isWithin, pathWithin, uriWithin } from "../../features/read/link-target.ts";
import type { LearnedFolder } from "../../features/write/typing/workspace-words.ts";
import { fileBehind, localPath, ownPath } from "../../text/file-behind.ts";
import { isEnabled, MOST_IGNORE_BYTES, whySecret } from "../../text/private-files.ts";
import { cancelled } from "../errors.ts";
import type { Services } from "../services.ts";

/**
 * The reason not to act unasked in a document: the setting `enable`, or that the file is private. For a cell, an old
 * version or another view of a file, the file decides.
 */
export async function whyQuiet(services: Services, uri: string, settings: Settings): Promise<string | undefined> {
  if (Object.keys(settings.enable).length > 0) {
    const { within } = await placeOf(services, uri);
    if (!isEnabled(settings.enable, within)) return services.t("spanfill.enable switches it off here");
  }
  return whyPrivate(services, uri);
}

/**
 * Lets a person's request go on in a private file: the request is enough, but in an editor that shows files of all
 * kinds (initializationOptions: `confirmPrivateFiles`) the person is asked once per file.
 * @throws ResponseError RequestCancelled when the person does not want it
 */
export async function confirmPrivate(services: Services, uri: string): Promise<void> {
  const { client, t } = services;
  const { ask } = client;
  if (ask === undefined) return;
  const reason = await whyPrivate(services, uri);
  if (reason === undefined) return;
  const question = t("Use Spanfill in this file? {0}. The text stays on this machine.", reason);
  if (!(await ask(question, t("Use it here"), fileBehind(uri)))) throw cancelled();
}

/** The reason that makes a document's file private. */
async function whyPrivate(services: Services, uri: string): Promise<string | undefined> {
  const { client, privateFiles, t } = services;
  const file = fileBehind(uri);
  const path = localPath(file);
  const isLocal = path !== undefined && file.startsWith("file:");
  // A path of another kind may also be a path on this machine, such as the old side of a comparison.
  const reason = path === undefined ? undefined : await privateFiles.why(path);
  if (reason !== undefined || isLocal) return reason;
  const { folder, within } = await placeOf(services, uri);
  if (folder !== undefined)
    return privateFiles.whyWithin(folder, within, (inner) =>
      client.readFile(uriWithin(folder, inner), MOST_IGNORE_BYTES),
    );
  return whySecret(within, t);
}

/** The workspace's folder around a document, if it is on this machine and the settings let its words be learned. */
export async function learnedFolder(
  services: Services,
  uri: string,
  settings: Settings,
): Promise<LearnedFolder | undefined> {
  if (settings["inlineCompletion.learnFrom"] !== "workspace") return undefined;
  const { folder } = await placeOf(services, uri);
  const path = folder === undefined ? undefined : ownPath(folder);
  return path === undefined ? undefined : { path, whyPrivate: (file) => services.privateFiles.why(file) };
}

/** The workspace's folder that the file behind a document is in, and its path there. */
async function placeOf({ client }: Services, uri: string): Promise<{ folder: string | undefined; within: string }> {
  const file = fileBehind(uri);
  const folder = (await client.workspaceFolders()).find((root) => isWithin(file, root));
  return { folder, within: pathWithin(file, folder) };
}
