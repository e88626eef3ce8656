/**
 * The documents that Spanfill works in: prose, and programs for their comments, in files of any kind of folder, new
 * documents and notebooks.
 */
import { workspace } from "vscode";
import { COMMENTED_LANGUAGES } from "../../protocol/comments.ts";
import { LANGUAGES } from "./languages.ts";

/**
 * Schemes of documents that a person writes, without output channels, old sides of comparisons and our own summaries. A
 * virtual workspace's folders have another scheme; a window that gets another kind of folder restarts its extensions.
 */
const SCHEMES: readonly string[] = [
  ...new Set([
    "file",
    "untitled",
    "vscode-vfs",
    "vscode-notebook-cell",
    ...(workspace.workspaceFolders ?? []).map(({ uri }) => uri.scheme),
  ]),
];

type Selector = { readonly language: string; readonly scheme: string }[];

/** Prose: the documents that the language client sends to the server. */
export const SELECTOR = selectorOf(LANGUAGES);

/** Programs: only their comments are worked in, and the server never sees the documents. */
export const PROGRAMS = selectorOf(Object.keys(COMMENTED_LANGUAGES).filter((id) => !isProse(id)));

function isProse(id: string): boolean {
  return (LANGUAGES as readonly string[]).includes(id);
}

function selectorOf(ids: readonly string[]): Selector {
  return ids.flatMap((language) => SCHEMES.map((scheme) => ({ language, scheme })));
}
