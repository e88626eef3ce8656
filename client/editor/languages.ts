/** The languages of prose; package.json's activation events list the same ones (a test compares them). */

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
  "html",
  "mdx",
  "org",
  "tex",
  "rmd",
  "markdoc",
  "prompt",
  "instructions",
  "chatagent",
  "skill",
] as const;
