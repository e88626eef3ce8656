/** The languages of prose; package.json's activation events name the same languages (a test compares). */

/** Language ids, most used first. */
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
