/** The documents that Spanfill works in: prose, in files of whatever kind the open folders are, new documents and notebooks. */
import { workspace } from "vscode";
import { LANGUAGES } from "./languages.ts";

/**
 * Where a person writes: not output channels, nor the old side of a comparison, nor our own summaries. A virtual workspace's folders
 * have a scheme of their own; a window that gets another kind of folder starts its extensions again.
 */
export const SCHEMES: readonly string[] = [
  ...new Set([
    "file",
    "untitled",
    "vscode-vfs",
    "vscode-notebook-cell",
    ...(workspace.workspaceFolders ?? []).map(({ uri }) => uri.scheme),
  ]),
];

/** What the language client and the status item are for. */
export const SELECTOR: { readonly language: string; readonly scheme: string }[] = LANGUAGES.flatMap((language) =>
  SCHEMES.map((scheme) => ({ language, scheme })),
);
