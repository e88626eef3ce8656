/** Tells the format of a text whose name does not tell it from what it begins with. */
import { isHeaders } from "./plain/mail.ts";
import { isLog, isPackaging } from "./plain/plain.ts";
import { isDelimited } from "./plain/tables.ts";
import { linesOf, normalized } from "./source.ts";

/** A format that is read apart from others. */
export type Format =
  | "markdown"
  | "mdx"
  | "html"
  | "latex"
  | "restructuredtext"
  | "asciidoc"
  | "org"
  | "typst"
  | "notebook"
  | "commit"
  | "gitLog"
  | "program"
  | "table"
  | "data"
  | "subtitles"
  | "man"
  | "pod"
  | "mediawiki"
  | "rd"
  | "textile"
  | "plaintext";

/** Signs that only one format's texts have; the first match decides. */
const SIGNS: readonly (readonly [Format, RegExp])[] = [
  ["html", /^\s*(?:<!doctype html|<html|<\?xml)/i],
  ["notebook", /^\s*\{\s*"(?:cells|metadata|nbformat)"/],
  ["data", /^\s*(?:\{\s*"[^"\n]*"\s*:|\[\s*[{["\d])/],
  ["latex", /^\s*(?:%.*\n\s*)*\\(?:documentclass|documentstyle|begin\{|(?:part|chapter|section)\*?\{|usepackage)/],
  ["subtitles", /^(?:WEBVTT\b|\d+\n[\d:,.]+ --> [\d:,.]+)/],
  ["man", /^(?:[.']\\".*\n|[^\S\n]*\n)*\.(?:TH|Dd|SH|Sh|so) \S/],
  ["rd", /^(?:%.*\n|[^\S\n]*\n)*\\(?:name|docType)\{/],
  ["pod", /^=(?:pod|head1|encoding)\b/m],
  ["textile", /^h[1-6]\. \S/],
  ["mediawiki", /^(?=[\s\S]*(?:'''|\[\[|<ref\b))(?=(?:[\s\S]*\n)?={2,4} ?[^=\n]{1,200}={2,4}[ \t]*(?:\n|$))/],
  ["org", /^#\+(?:title|author|options|startup|filetags|begin_\w+)\b/im],
  ["typst", /^#(?:set|show|import|let) /m],
  ["commit", /^# Please enter the (?:commit )?message\b/m],
  ["asciidoc", /^= \S.*\n(?!=)(?![\s\S]{0,200}^=+\s*$)/],
  ["asciidoc", /^(?:(?!={2,5} \S).*\n)*={2,5} \S[\s\S]*\n(?::[\w-]+:|\[[\w-]+[,\]%]|(?:-{4}|\|===)(?:\n|$))/],
  ["asciidoc", /^(?:(?!:[\w-]+:(?: .*)?\n).*\n)*:[\w-]+:(?: .*)?\n(?:[\s\S]*\n)?={2,5} \S/],
  ["restructuredtext", /^\.\. (?:[\w:-]+::|_[^\r\n:]{1,200}:)|^(={3,}|\*{3,})\n.+\n\1/m],
  [
    "mdx",
    /^(?:(?!import .* from ["']|export (?:const|default) ).*\n)*(?=import .* from ["']|export (?:const|default) )[\s\S]*\n(?:<[A-Z]|#{1,6} )/,
  ],
  ["markdown", /^(?:---|\+\+\+)[ \t]*\r?\n|^#{1,6} \S|^```|^[ \t]*[-*] \S|\]\([^)]{1,300}\)|\*\*\S/m],
];

/** The format of a text, by its first few thousand characters. */
export function formatOfContent(head: string): Format {
  const plain = normalized(head);
  if (programOfContent(plain) !== undefined) return "program";
  const lines = linesOf(plain);
  const blank = lines.findIndex(({ text }) => text === "");
  const first = lines.slice(0, blank < 0 ? lines.length : blank);
  if (isHeaders(first) || (first.length > 0 && first.every(isPackaging))) return "plaintext";
  if (/^(?:diff --git |Index: |--- \S.*\n\+\+\+ \S)/.test(plain) || isLog(lines) || isDelimited(plain))
    return "plaintext";
  return SIGNS.find(([, sign]) => sign.test(plain))?.[0] ?? "plaintext";
}

/** Interpreters that a program's first line names, and its language. */
const INTERPRETERS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:ba|z|k|da)?sh\b/, "shellscript"],
  [/\bpython[\d.]*\b/, "python"],
  [/\b(?:node|deno|bun)\b/, "javascript"],
  [/\bruby\b/, "ruby"],
  [/\bperl\b/, "perl"],
  [/\bphp\b/, "php"],
  [/\bRscript\b/, "r"],
  [/\bjulia\b/, "julia"],
];

/** The language of a program by the interpreter that its first line names. */
export function programOfContent(text: string): string | undefined {
  const first = /^#!([^\n]{1,200})/.exec(text)?.[1];
  return first === undefined ? undefined : INTERPRETERS.find(([name]) => name.test(first))?.[1];
}

/** The first line of a commit in what `git log` prints. */
export const COMMIT = /^(?:[*|\\/_ ]*[*|] +)?commit [\da-f]{7,40}\b/;
/** A commit in one line. */
export const ONE_LINE = /^(?:[*|\\/_ ]*[*|] +)?[\da-f]{7,40} (?:\([^()]{1,200}\) )?(?=\S)/;

/** Whether a text is what `git log` or `git show` prints. */
export function isGitLog(text: string): boolean {
  const lines = text.slice(0, 4000).split("\n");
  const [first = ""] = lines;
  if (COMMIT.test(first)) return lines.slice(1, 5).some((line) => /^[*|\\/_ ]*(?:Author|Merge|tree): /.test(line));
  const full = lines.slice(0, -1).filter((line) => line.trim() !== "" && !/^[*|\\/_ ]+$/.test(line));
  return full.length >= 2 && /\d/.test(first.slice(0, 12)) && full.every((line) => ONE_LINE.test(line));
}
