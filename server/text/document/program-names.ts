/** The languages of programs and settings whose comments are read, by the names of files. */

import { table } from "../../../base/table.ts";
import { COMMENTED_LANGUAGES } from "../../../protocol/comments.ts";

/** Settings that are read line by line: what begins with a mark is a comment. */
export const SETTINGS = "settings";

const ENDINGS: Readonly<Record<string, string>> = table({
  ...named("javascript", "js mjs cjs"),
  ...named("javascriptreact", "jsx"),
  ...named("typescript", "ts mts cts"),
  ...named("typescriptreact", "tsx"),
  ...named("c", "h"),
  ...named("cpp", "cc cxx hpp hh hxx ino"),
  ...named("csharp", "cs"),
  ...named("rust", "rs"),
  ...named("kotlin", "kt kts"),
  ...named("scala", "sc"),
  ...named("python", "py pyi pyw"),
  ...named("ruby", "rb rake gemspec"),
  ...named("shellscript", "sh bash zsh ksh fish"),
  ...named("perl", "pl pm"),
  ...named("julia", "jl"),
  ...named("elixir", "ex exs"),
  ...named("powershell", "ps1 psm1"),
  ...named("makefile", "mk mak"),
  ...named("yaml", "yml"),
  ...named("haskell", "hs"),
  ...named("groovy", "gradle jenkinsfile"),
  ...named("objective-cpp", "mm"),
  ...named("proto3", "proto"),
  ...named("coffeescript", "coffee"),
  ...named("graphql", "gql"),
  ...named("terraform", "tf tfvars"),
  ...named("hcl", "nomad"),
  ...named("fsharp", "fs fsx fsi"),
  ...named("ocaml", "ml mli"),
  ...named("clojure", "clj cljs cljc edn"),
  ...named("erlang", "erl hrl"),
  ...named(
    SETTINGS,
    "ini cfg conf config properties env editorconfig gitignore gitattributes gitconfig npmrc service desktop",
  ),
});

const NAMES: Readonly<Record<string, string>> = table({
  ...named("dockerfile", "dockerfile containerfile"),
  ...named("makefile", "makefile gnumakefile"),
  ...named("cmake", "cmakelists.txt"),
  ...named("ruby", "gemfile rakefile vagrantfile"),
});

function named(language: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(" ").map((name) => [name, language]));
}

/**
 * The language of a program or of settings; undefined for other texts.
 * @param name a language id, a file's name or its ending
 */
export function programOf(name: string): string | undefined {
  const lower = name.toLowerCase();
  const own = lower.slice(lower.lastIndexOf("/") + 1);
  const ending = own.slice(own.lastIndexOf(".") + 1);
  const language = NAMES[own] ?? ENDINGS[ending] ?? (ending === "txt" || own === "" ? undefined : ending);
  if (language === SETTINGS) return language;
  if (language === undefined || !Object.hasOwn(COMMENTED_LANGUAGES, language)) return undefined;
  return language === "html" || language === "xml" ? undefined : language;
}
