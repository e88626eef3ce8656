/** The meaning of reStructuredText's directives and substitutions to a reader of prose, by name. */
import type { Line } from "../source.ts";

/** Directives whose content is prose. */
export const ADMONITIONS = new Set(
  "note warning tip important caution danger attention error hint seealso admonition topic sidebar versionadded versionchanged deprecated versionremoved abstract epigraph highlights pull-quote container compound class rst-class only tab tabs tab-set tab-item dropdown grid grid-item grid-item-card card details collapse py:module".split(
    " ",
  ),
);

/** Directives that document a thing of a program: what is indented below is its description. */
export const OBJECTS =
  /^(py|c|cpp|js|rst|std|http)?:?(function|method|class|attribute|data|exception|module|option|envvar|confval|setting|describe|object|macro|type|struct|member|var|decorator|property|staticmethod|classmethod|program|cmdoption|term|glossary)$/;

/** Directives of code. */
export const CODE = new Set(
  "code code-block sourcecode parsed-literal literalinclude doctest testcode testoutput testsetup prompt highlight raw".split(
    " ",
  ),
);
/** Directives of tables. */
export const TABLES = new Set(["table", "list-table", "csv-table", "flat-table", "tabularcolumns"]);

/** What `|name|` stands for, as `.. |name| replace:: text` says. */
export function substitutionsOf(lines: readonly Line[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const { text } of lines) {
    const found = /^\s*\.\. \|([^|]+)\| replace:: ?(.*)$/.exec(text);
    if (found?.[1] !== undefined) map.set(found[1].toLowerCase(), found[2] ?? "");
  }
  return map;
}
