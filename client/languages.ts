/** Which documents Spanfill works in; package.json's activation events name the same languages (a test compares). */

/** Language ids of prose, most used first. */
export const LANGUAGES = [
  "markdown",
  "plaintext",
  "restructuredtext",
  "asciidoc",
  "latex",
  "typst",
  "quarto",
  "git-commit",
] as const;

/** Documents a person writes in: not output channels, nor the old side of a comparison, nor our own summaries. */
export const SCHEMES = ["file", "untitled", "vscode-vfs", "vscode-notebook-cell"] as const;

/** What the language client and the status item are for. */
export const SELECTOR: { readonly language: string; readonly scheme: string }[] = LANGUAGES.flatMap((language) =>
  SCHEMES.map((scheme) => ({ language, scheme })),
);
