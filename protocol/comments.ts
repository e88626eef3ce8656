/** How programs mark comments; programs/comments.ts finds them. */
import { table } from "../base/table.ts";

/** A language's comment syntax. */
interface Syntax {
  /** Marks of comments that end with the line. */
  readonly line: readonly string[];
  readonly block: readonly (readonly [begin: string, end: string])[];
}

const C: Syntax = { line: ["//"], block: [["/*", "*/"]] };
const HASH: Syntax = { line: ["#"], block: [] };
const DASHES: Syntax = { line: ["--"], block: [["/*", "*/"]] };
const STYLE: Syntax = { line: [], block: [["/*", "*/"]] };
const LISP: Syntax = { line: [";;;", ";;", ";"], block: [] };
const STARRED: readonly (readonly [string, string])[] = [["(*", "*)"]];
const MARKUP: Syntax = { line: [], block: [["<!--", "-->"]] };

/** Comment syntax by VS Code's language ids. */
export const COMMENTED_LANGUAGES: Readonly<Record<string, Syntax>> = table({
  javascript: C,
  javascriptreact: C,
  typescript: C,
  typescriptreact: C,
  java: C,
  c: C,
  cpp: C,
  csharp: C,
  go: C,
  rust: C,
  swift: C,
  kotlin: C,
  scala: C,
  dart: C,
  groovy: C,
  "objective-c": C,
  "objective-cpp": C,
  proto3: C,
  zig: C,
  php: { ...C, line: ["//", "#"] },
  python: HASH,
  ruby: { ...HASH, block: [["=begin", "=end"]] },
  shellscript: HASH,
  perl: HASH,
  r: HASH,
  julia: { ...HASH, block: [["#=", "=#"]] },
  elixir: HASH,
  powershell: { ...HASH, block: [["<#", "#>"]] },
  dockerfile: HASH,
  makefile: HASH,
  cmake: HASH,
  coffeescript: { ...HASH, block: [["###", "###"]] },
  graphql: HASH,
  nix: { ...STYLE, line: ["#"] },
  terraform: { ...STYLE, line: ["#", "//"] },
  hcl: { ...STYLE, line: ["#", "//"] },
  yaml: HASH,
  toml: HASH,
  sql: DASHES,
  lua: { ...DASHES, block: [["--[[", "]]"]] },
  elm: { line: ["--"], block: [["{-", "-}"]] },
  fsharp: { line: ["///", "//"], block: STARRED },
  ocaml: { line: [], block: STARRED },
  clojure: LISP,
  erlang: { line: ["%%%", "%%", "%"], block: [] },
  vb: { line: ["'''", "'"], block: [] },
  haskell: { ...DASHES, block: [["{-", "-}"]] },
  css: STYLE,
  scss: { ...STYLE, line: ["//"] },
  less: { ...STYLE, line: ["//"] },
  html: MARKUP,
  xml: MARKUP,
});
