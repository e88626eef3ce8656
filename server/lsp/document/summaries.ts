/** Summaries in hovers over headings and relative links, and folder digests; remembered while nothing changes. */

import { realpath } from "node:fs/promises";
import type { Hover } from "vscode-languageserver-protocol";
import { defined } from "../../../base/defined.ts";
import { percentDone } from "../../../base/figures.ts";
import type { Translate } from "../../../base/translate.ts";
import { ModelError } from "../../../models/errors.ts";
import type { SummarizeFolderArguments, SummarizeFolderResult } from "../../../protocol/commands/reading.ts";
import type { Settings } from "../../../protocol/settings.ts";
import { isWithin, linkAt, pathWithin, resolveLink, sectionNamed, uriWithin } from "../../features/read/link-target.ts";
import type { RememberedSummary, RememberingContext } from "../../features/read/remembered-summary.ts";
import { gist, sectionAt, sectionSummary } from "../../features/read/section-summary.ts";
import type { SummaryCache } from "../../features/read/summary-cache.ts";
import { summaryNotes } from "../../features/read/summary-notes.ts";
import { isBelow } from "../../files/below.ts";
import { decoded, fileBehind, ownPath } from "../../text/file-behind.ts";
import {
  type FolderSource,
  localFolder,
  PROSE_NAME,
  readProse,
  rulesAbove,
  rulesWithin,
} from "../../text/folder-files.ts";
import type { Services } from "../services.ts";
import { type Call, overRestart } from "./document-work.ts";
import { hover, shownText } from "./hover.ts";
import type { OpenDocument } from "./positions.ts";
import { whyQuiet } from "./quiet.ts";

/**
 * Runs a feature that remembers summaries; its model is loaded when the feature asks for it.
 * @param longText the folder of a model for a long text, where the settings name none
 */
export async function withSummaries<T>(
  { engine, settings, summaries: cache }: Services,
  feature: (context: RememberingContext) => Promise<T>,
  longText?: string,
): Promise<T> {
  return overRestart(async () => {
    const all = { ...(await settings.settingsFor()), ...defined({ longText }) };
    return engine.use(all, "summarize", async (model, { expected, actual }) => {
      const identity = await expected();
      // Only answers of the expected model are kept.
      const set: SummaryCache["set"] = (key, value) => {
        if (actual() === identity) cache.set(key, value);
      };
      return feature({ model, identity, cache: { ...cache, set } });
    });
  });
}

/**
 * A hover with the summary of the section or link target at an offset of a document of prose; null if there is
 * neither.
 */
export async function hoverSummary(
  services: Services,
  document: OpenDocument,
  offset: number,
  settings: Settings,
  signal: AbortSignal,
): Promise<Hover | null> {
  const { text, languageId: language } = document;
  const link = await linkAt(document, offset, text);
  const content = link && (await linkedText(services, document, link, signal));
  if (link !== undefined && content !== undefined) {
    const summary = await withSummaries(services, (context) => gist(context, { ...content, settings }, signal));
    return hoverOf(services.t, summary, document.rangeOf(link.start, link.end), signal);
  }
  const section = await sectionAt(document, offset, text);
  if (section === undefined) return null;
  const summary = await withSummaries(services, (context) =>
    sectionSummary(context, { text, language, section, settings }, signal),
  );
  return hoverOf(services.t, summary, document.rangeOf(section.headingStart, section.headingEnd), signal);
}

/** The digest of a folder; if it is cancelled, the answer is the part that is done. */
export async function summarizeFolder(
  services: Services,
  { uri }: SummarizeFolderArguments,
  call: Call,
): Promise<SummarizeFolderResult> {
  const started = performance.now();
  const settings = await services.settings.settingsFor(uri);
  const directory = ownPath(uri);
  const source = directory === undefined ? remoteFolder(services, uri) : localFolder(directory);
  const home = (await services.client.workspaceFolders()).find((root) => isWithin(uri, root));
  await source.list("").catch((cause: unknown) => {
    throw new ModelError("input", `${uri} is not a readable folder.`, { cause });
  });
  const params = {
    name: nameOf(uri),
    source,
    above:
      directory !== undefined
        ? await rulesAbove(directory)
        : home === undefined
          ? []
          : await rulesWithin(remoteFolder(services, home), pathWithin(uri, home).replace(/\/$/, "")),
    settings,
  };
  // Loaded only here: a folder is asked for now and then.
  const run = (workSignal: AbortSignal, onProgress: (progress: { done: number; total: number }) => void) =>
    withSummaries(services, async (context) => {
      const { folderDigest } = await import("../../features/read/folder-digest.ts"); // rarely needed
      return folderDigest(context, params, { signal: workSignal, onProgress });
    });
  const title = services.t("Spanfill: summarizing the folder");
  const digest = await services.progress.run({ title, ...call, isPartial: true, run });
  return { ...digest, ms: Math.round(performance.now() - started) };
}

function hoverOf(
  t: Translate,
  remembered: RememberedSummary | undefined,
  range: Hover["range"],
  signal: AbortSignal,
): Hover | null {
  signal.throwIfAborted();
  if (remembered === undefined || remembered.summary === "" || range === undefined) return null;
  const parts = remembered.chunks === 1 ? t("1 part") : t("{0} parts", remembered.chunks);
  const notes = summaryNotes(remembered, t).join("; ");
  const note = `Spanfill · ${remembered.model} · ${parts}, ${t("{0} read", percentDone(remembered.coverage))} · ${notes}`;
  return hover([shownText(remembered.summary)], note, range);
}

/** A text, and its language id or its file's name. */
interface NamedText {
  readonly text: string;
  readonly language: string;
}

/**
 * The text that a document's link leads to: prose within the workspace that is not secret; undefined for anything
 * else.
 */
async function linkedText(
  services: Services,
  document: OpenDocument,
  { path, fragment }: { readonly path: string; readonly fragment: string },
  signal: AbortSignal,
): Promise<NamedText | undefined> {
  let { text, languageId: language } = document;
  if (path !== "") {
    const folders = await services.client.workspaceFolders();
    const file = fileBehind(document.uri);
    const root = folders.find((folder) => isWithin(file, folder));
    const target = root && resolveLink(path, file, root);
    if (root === undefined || target === undefined || !isWithin(target, root)) return undefined;
    const content = await fileText(services, target, root);
    signal.throwIfAborted();
    if (content === undefined) return undefined;
    text = content;
    language = nameOf(target);
  }
  if (fragment !== "") {
    const section = await sectionNamed({ text, languageId: language }, fragment);
    if (section === undefined) return undefined;
    text = text.slice(section.start, section.bodyEnd);
  }
  return text.trim() === "" ? undefined : { text, language };
}

async function fileText(services: Services, uri: string, root: string): Promise<string | undefined> {
  const name = nameOf(uri);
  if (!PROSE_NAME.test(name)) return undefined;
  if ((await whyQuiet(services, uri, await services.settings.settingsFor(uri))) !== undefined) return undefined;
  const open = services.findDocument(uri);
  if (open !== undefined) return open.text;
  const [path, folder] = [ownPath(uri), ownPath(root)];
  if (path === undefined || folder === undefined) {
    const parent = uri.slice(0, uri.lastIndexOf("/"));
    const content = await readProse(remoteFolder(services, parent), name);
    return "text" in content ? content.text : undefined;
  }
  if (!(await staysWithin(services, path, folder))) return undefined;
  const content = await readProse(localFolder(folder), path.slice(folder.replace(/[\\/]$/, "").length + 1));
  return "text" in content ? content.text : undefined;
}

/**
 * Whether a path, with links resolved, stays within the folder and is not secret; a repository's link may lead
 * anywhere.
 */
async function staysWithin({ privateFiles }: Services, path: string, folder: string): Promise<boolean> {
  try {
    const [file, root] = await Promise.all([realpath(path), realpath(folder)]);
    return isBelow(root, file) && (await privateFiles.why(file)) === undefined;
  } catch {
    return false; // the file does not exist
  }
}

/** A folder that the client reads, such as that of a repository that is not on this machine. */
function remoteFolder({ client }: Services, uri: string): FolderSource {
  const at = (path: string) => uriWithin(uri, path);
  return { list: (path) => client.listFolder(at(path)), read: (path, most) => client.readFile(at(path), most) };
}

function nameOf(uri: string): string {
  const name = uri.replace(/\/$/, "").split("/").at(-1) ?? "";
  return decoded(name);
}
