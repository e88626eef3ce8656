/** Writes a digest of a folder: a sentence on each file, by subfolder, with links, and what was left out and why. */

import { defined } from "../../../base/defined.ts";
import { percentDone } from "../../../base/figures.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import type { Settings } from "../../../protocol/settings.ts";
import {
  type FolderSource,
  type IgnoreRule,
  type LeftOut,
  type LeftOutReason,
  PROSE_NAME,
  readProse,
  walkFolder,
} from "../../text/folder-files.ts";
import { languageName } from "../../text/languages.ts";
import { NoProse, NothingToQuote, proseOf } from "./prose.ts";
import { type RememberedSummary, type RememberingContext, rememberedSummary } from "./remembered-summary.ts";
import type { SummaryStyle } from "./summary-text.ts";

/** A folder to summarize. */
export interface FolderDigestParams {
  /** The folder's name in the heading. */
  readonly name: string;
  readonly source: FolderSource;
  /** Ignore rules from outside of it. */
  readonly above: readonly IgnoreRule[];
  readonly settings: Pick<Settings, "maxContextTokens" | "summary.minimumConfidence">;
  /** The style of each file's summary; a sentence when absent. */
  readonly style?: SummaryStyle;
  /** The most words of each file's summary; the style's own limit when absent. */
  readonly maxWords?: number;
}

/** Progress: files done of all, and the one that is next. */
export interface FolderDigestOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** A folder's digest. */
export interface FolderDigest {
  /** Markdown; links are relative to the folder. */
  readonly markdown: string;
  /** Files of prose that there are, and how many of them the digest has. */
  readonly files: { readonly found: number; readonly summarized: number };
  /** Share of the characters of the found files' text that the model read, 0 to 1. */
  readonly coverage: number;
  readonly leftOut: readonly LeftOut[];
  /** The model's id; absent where there was nothing to summarize. */
  readonly model?: string;
  /** Whether the signal stopped it: the digest then has what was done by then. */
  readonly partial: boolean;
}

/**
 * The digest of a folder, each file's sentence remembered as long as its text does not change.
 * @throws what listing the folder throws, and what the model throws
 */
export async function folderDigest(
  context: RememberingContext,
  { name, source, above, settings, style = "sentence", maxWords }: FolderDigestParams,
  { signal, onProgress }: FolderDigestOptions,
): Promise<FolderDigest> {
  const made: Item[] = [];
  const walked = await walkFolder(source, PROSE_NAME, above, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    return undefined;
  });
  const { files, leftOut: passedOver } = walked ?? { files: [], leftOut: [] };
  const leftOut = [...passedOver];
  let found = files.length;
  let characters = 0;
  let read = 0;
  const { maxContextTokens, "summary.minimumConfidence": minimumConfidence } = settings;
  for (const [done, path] of files.entries()) {
    onProgress?.({ done, total: files.length });
    if (signal.aborted) break;
    const content = await readProse(source, path);
    if ("why" in content) {
      leftOut.push({ path, why: content.why });
      found -= 1;
      continue;
    }
    const { text } = content;
    if ((await proseOf(text, path)) === undefined) {
      made.push({ path, summary: undefined });
      continue;
    }
    characters += text.length;
    const params = { text, language: path, style, maxContextTokens, minimumConfidence, ...defined({ maxWords }) };
    const work = rememberedSummary(context, params, { signal });
    const summary = await unlessAborted(work, signal).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      // One file of which there is nothing to say does not end the others.
      if (error instanceof NoProse || error instanceof NothingToQuote) return "nothing" as const;
      throw error;
    });
    if (summary === undefined) break;
    if (summary === "nothing") {
      made.push({ path, summary: undefined });
      continue;
    }
    read += summary.coverage * text.length;
    made.push({ path, summary });
  }
  const partial = walked === undefined || (signal.aborted && made.length < found);
  // Of the files that it did not come to, the size is not known: they count as many as the others.
  const coverage =
    walked === undefined ? 0 : found === 0 ? 1 : ((characters === 0 ? 1 : read / characters) * made.length) / found;
  const model = made.find(({ summary }) => summary !== undefined)?.summary?.model;
  const digest = { files: { found, summarized: made.length }, coverage, leftOut, partial, ...(model && { model }) };
  return { markdown: written(name, made, digest), ...digest };
}

interface Item {
  readonly path: string;
  /** undefined for a file without text. */
  readonly summary: RememberedSummary | undefined;
}

/** Names of files that are listed for one reason. */
const MOST_LISTED = 20;
const REASONS: readonly (readonly [LeftOutReason, string])[] = [
  ["ignored", "Named by .gitignore or .spanfillignore"],
  ["secret", "Their names tell of secrets"],
  ["binary", "Binary"],
  ["too large", "Larger than 2 MB"],
  ["UTF-16", "In UTF-16; save them as UTF-8"],
  ["not UTF-8", "Not in UTF-8"],
  ["link", "Links, which are not followed"],
  ["unreadable", "Could not be read"],
  ["not prose", "No prose"],
];

function written(name: string, items: readonly Item[], digest: Omit<FolderDigest, "markdown">): string {
  const { files, coverage, leftOut, partial, model } = digest;
  const folders = grouped(items, ({ path }) => path.slice(0, path.lastIndexOf("/") + 1));
  const quoted = items.some(({ summary }) => summary !== undefined && summary.origin !== "model");
  const about = [
    `${files.summarized} of ${files.found} ${files.found === 1 ? "file" : "files"}, ${percentDone(coverage)} of their text read`,
    ...(partial ? ["stopped before the end"] : []),
    ...(model === undefined ? [] : [`written by ${escaped(model)}, which may be wrong`]),
    ...(quoted ? ["in quotation marks are the files' own words, where the model was not sure"] : []),
  ].join("; ");
  const sections = [...folders].flatMap(([folder, inside]) => [
    ...(folder === "" ? [] : [`## ${escaped(folder)}`]),
    inside.map((item) => `- ${link(item.path, folder)}:${summaryText(item.summary)}`).join("\n"),
  ]);

  const without = REASONS.flatMap(([why, text]) => {
    const all = leftOut.filter((one) => one.why === why);
    if (all.length === 0) return [];
    const shown = all.slice(0, MOST_LISTED).map(({ path }) => escaped(path));
    const more = all.length > MOST_LISTED ? `, and ${all.length - MOST_LISTED} more` : "";
    return `- ${text}: ${shown.join(", ")}${more}`;
  });
  return `${[
    `# ${partial ? "Partial summary" : "Summary"} of ${escaped(name)}`,
    `*${about}.*`,
    ...sections,
    ...(without.length === 0 ? [] : ["## Left out", without.join("\n")]),
  ].join("\n\n")}\n`;
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** The text after a link's colon: the summary on the same line, or its bullets below. */
function summaryText(summary: RememberedSummary | undefined): string {
  if (summary === undefined) return " *no text*";
  const foreign =
    summary.language === undefined ? "" : ` *(${languageName(summary.language)}, which the model does not know)*`;
  const bullets = summary.summary.split("\n").filter((line) => line.startsWith("- "));
  const shown = (text: string) => {
    const line = escaped(text.replace(/\s+/g, " ").trim());
    return summary.origin === "model" ? line : `“${line}”`;
  };
  if (summary.summary.trim() === "") return " *nothing to say*";
  if (bullets.length === 0) return ` ${shown(summary.summary)}${foreign}`;
  return `${foreign}\n${bullets.map((line) => `  - ${shown(line.slice(2))}`).join("\n")}`;
}

function link(path: string, folder: string): string {
  const target = path
    .split("/")
    .map((name) => encodeURIComponent(name).replace(/[()]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`))
    .join("/");
  return `[${escaped(path.slice(folder.length))}](${target})`;
}

/** Text as Markdown that shows it as it is. */
function escaped(text: string): string {
  return text.replace(/[\\`*_[\]<>#|~]/g, "\\$&");
}
